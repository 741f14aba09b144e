#include "interrupt.h"

#include <atomic>
#include <csignal>

namespace decant::cli {
namespace {

std::atomic<bool> caught = false;  // lock-free, as a handler on any thread writes it
static_assert(std::atomic<bool>::is_always_lock_free);

void on_interrupt(int) {
  caught = true;
  std::signal(SIGINT, SIG_DFL);
}

}  // namespace

// A job that a shell put into the background has SIGINT ignored, and keeps it so.
void catch_interrupt() {
  if (std::signal(SIGINT, on_interrupt) == SIG_IGN) std::signal(SIGINT, SIG_IGN);
}

bool interrupted() { return caught.load(); }

}  // namespace decant::cli
