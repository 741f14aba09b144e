// Splits a loop over a fixed set of threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

namespace decant {

/// Runs task(thread, begin, end) over a range cut into one contiguous piece a thread. Workers spin
/// for some microseconds between two loops, as a model's layers follow each other faster than a
/// sleeping thread wakes, and then sleep.
class ThreadPool {
 public:
  /// `threads` counts the calling thread: 1 starts none.
  explicit ThreadPool(int threads);
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  ~ThreadPool();

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  /// Calls task(thread, begin, end) for pieces that cover [0, count), each on a thread of its own
  /// (0 <= thread < threads()), and returns when all are done. Pieces are multiples of `grain`, but
  /// for the last. One caller at a time; task must not throw.
  template <typename Task>
  void parallel_for(std::int64_t count, std::int64_t grain, const Task& task) {
    if (workers_.empty() || count <= grain) {
      if (count > 0) task(0, std::int64_t{0}, count);
      return;
    }
    run({count, grain,
         [](const void* context, int thread, std::int64_t begin, std::int64_t end) {
           (*static_cast<const Task*>(context))(thread, begin, end);
         },
         &task});
  }

 private:
  struct Loop {
    std::int64_t count = 0;
    std::int64_t grain = 1;
    void (*invoke)(const void* context, int thread, std::int64_t begin, std::int64_t end) = nullptr;
    const void* context = nullptr;
  };

  void run(const Loop& loop);
  void run_piece(int thread) const;
  void work(int thread);

  Loop loop_;
  std::atomic<std::uint32_t> epoch_{0};  // counts loops; odd or even does not matter, change does
  std::atomic<int> unfinished_{0};       // workers still inside the current loop
  std::atomic<bool> stop_{false};
  std::vector<std::thread> workers_;
};

/// The number of cores that this process may run on, at least 1.
int available_cores();

}  // namespace decant
