#include "thread_pool.h"

#include <sched.h>

#include <algorithm>

namespace decant {
namespace {

// About 20 us of spinning: longer than the serial work between two layers of a small model, short
// enough that an idle pool costs nothing that anybody would notice.
constexpr int kSpins = 2000;

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
  for (int i = 1; i < threads; ++i) workers_.emplace_back([this, i] { work(i); });
}

ThreadPool::~ThreadPool() {
  stop_.store(true, std::memory_order_relaxed);
  epoch_.fetch_add(1, std::memory_order_release);
  epoch_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::run(const Loop& loop) {
  loop_ = loop;
  unfinished_.store(static_cast<int>(workers_.size()), std::memory_order_relaxed);
  epoch_.fetch_add(1, std::memory_order_release);
  epoch_.notify_all();
  run_piece(0);
  for (int left = unfinished_.load(std::memory_order_acquire); left != 0;) {
    left = wait_for_change(unfinished_, left);
  }
}

void ThreadPool::run_piece(int thread) const {
  const std::int64_t grains = (loop_.count + loop_.grain - 1) / loop_.grain;
  const std::int64_t begin = grains * thread / threads() * loop_.grain;
  const std::int64_t end = std::min(grains * (thread + 1) / threads() * loop_.grain, loop_.count);
  if (begin < end) loop_.invoke(loop_.context, thread, begin, end);
}

void ThreadPool::work(int thread) {
  for (std::uint32_t seen = 0;;) {
    seen = wait_for_change(epoch_, seen);
    if (stop_.load(std::memory_order_relaxed)) return;
    run_piece(thread);
    if (unfinished_.fetch_sub(1, std::memory_order_acq_rel) == 1) unfinished_.notify_one();
  }
}

int available_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace decant
