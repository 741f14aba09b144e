#include "thread_pool.h"

#include <sched.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <string>
#include <system_error>

#include "decant/error.h"

namespace decant {
namespace {

// Tens of microseconds, by the processor's pause: longer than the serial work between two layers of
// a small model, short enough that an idle pool costs nothing that anybody would notice.
constexpr int kSpins = 2000;

// Of a loop, what the threads' large pieces are. A piece costs about a microsecond where it begins
// to read memory at another place, so they are few; what is left evens out a core that is slower.
constexpr std::int64_t kLargePercent = 80;

void pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Waits until `value` differs from `old`, and returns it.
template <typename T>
T wait_for_change(const std::atomic<T>& value, T old) {
  for (int i = 0; i < kSpins; ++i) {
    const T now = value.load(std::memory_order_acquire);
    if (now != old) return now;
    pause();
  }
  value.wait(old, std::memory_order_acquire);
  return value.load(std::memory_order_acquire);
}

}  // namespace

ThreadPool::ThreadPool(int threads) {
  workers_.reserve(static_cast<std::size_t>(std::max(0, threads - 1)));
  try {
    for (int i = 1; i < threads; ++i) workers_.emplace_back([this, i] { work(i); });
  } catch (const std::system_error&) {
    const std::size_t started = workers_.size() + 1;
    join();
    throw Error(ErrorCode::kInvalidOption, "threads is " + std::to_string(threads) +
                                               ": the system lets this process have " +
                                               std::to_string(started));
  }
}

ThreadPool::~ThreadPool() { join(); }

void ThreadPool::join() {
  stop_.store(true, std::memory_order_relaxed);
  epoch_.fetch_add(1, std::memory_order_release);
  epoch_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::run(Loop loop) {
  loop.grains = (loop.count + loop.grain - 1) / loop.grain;
  loop.large = loop.grains * kLargePercent / 100 / threads();
  const std::int64_t rest = loop.grains - loop.large * threads();
  loop.small_pieces = std::min(rest, std::int64_t{threads()});
  loop.pieces = loop.small_pieces + (loop.large > 0 ? threads() : 0);
  loop_ = loop;
  unfinished_.store(loop.pieces, std::memory_order_relaxed);
  const std::uint32_t epoch = epoch_.load(std::memory_order_relaxed) + 1;
  unclaimed_.store(std::uint64_t{epoch} << 32 | static_cast<std::uint64_t>(loop.pieces),
                   std::memory_order_release);
  epoch_.store(epoch, std::memory_order_release);
  epoch_.notify_all();
  while (run_one_piece(0)) {
  }
  for (std::int64_t left = unfinished_.load(std::memory_order_acquire); left != 0;) {
    left = wait_for_change(unfinished_, left);
  }
}

std::int64_t ThreadPool::Loop::begin_of(std::int64_t piece) const {
  const std::int64_t larges = pieces - small_pieces;
  const std::int64_t in_small = grains - larges * large;
  if (piece >= small_pieces) return (in_small + (piece - small_pieces) * large) * grain;
  return in_small * piece / small_pieces * grain;
}

bool ThreadPool::run_one_piece(int thread) {
  std::uint64_t seen = unclaimed_.load(std::memory_order_acquire);
  do {
    if ((seen & 0xFFFFFFFF) == 0) return false;
  } while (!unclaimed_.compare_exchange_weak(seen, seen - 1, std::memory_order_acq_rel,
                                             std::memory_order_acquire));
  const auto piece = static_cast<std::int64_t>(seen & 0xFFFFFFFF) - 1;
  const std::int64_t end = std::min(loop_.begin_of(piece + 1), loop_.count);
  loop_.invoke(loop_.context, thread, loop_.begin_of(piece), end);
  if (unfinished_.fetch_sub(1, std::memory_order_acq_rel) == 1) unfinished_.notify_one();
  return true;
}

void ThreadPool::work(int thread) {
  for (std::uint32_t seen = 0;;) {
    seen = wait_for_change(epoch_, seen);
    if (stop_.load(std::memory_order_relaxed)) return;
    while (run_one_piece(thread)) {
    }
  }
}

#ifdef __EMSCRIPTEN__
int available_cores() { return 1; }  // the module is built without threads
#else
namespace {

// The lowest of the processors that share a core with `processor`; itself, where nobody says.
int first_sibling(int processor) {
  std::ifstream file("/sys/devices/system/cpu/cpu" + std::to_string(processor) +
                     "/topology/thread_siblings_list");
  int first = processor;
  file >> first;
  return first;
}

}  // namespace

int available_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) != 0) {
    return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  }
  std::set<int> cores;
  for (int processor = 0; processor < CPU_SETSIZE; ++processor) {
    if (CPU_ISSET(processor, &set)) cores.insert(first_sibling(processor));
  }
  return std::max(1, static_cast<int>(cores.size()));
}
#endif

int thread_count(int threads) {
  if (threads < 0 || threads > 1024) {
    throw Error(ErrorCode::kInvalidOption,
                "threads is " + std::to_string(threads) + ": it must be 0 (all cores) to 1024");
  }
  return threads == 0 ? available_cores() : threads;
}

}  // namespace decant
