// Splits a loop over a fixed set of threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

namespace decant {

/// Runs task(thread, begin, end) over a range cut into contiguous pieces, a large and a small one a
/// thread. Threads take pieces as they come free, so that one which another program keeps from its
/// core has the others wait for one piece, and not for its share. Workers spin for some
/// microseconds between two loops, as a model's layers follow each other faster than a sleeping
/// thread wakes, and then sleep.
class ThreadPool {
 public:
  /// `threads` counts the calling thread: 1 starts none. Throws Error (kInvalidOption) where the
  /// system does not give that many.
  explicit ThreadPool(int threads);
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  ~ThreadPool();

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  /// Calls task(thread, begin, end) for pieces that cover [0, count) and returns when all are done;
  /// no two calls with the same thread, 0 <= thread < threads(), overlap. Pieces are multiples of
  /// `grain`, but for the last. One caller at a time; task must not throw.
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
    // The rest is run()'s. Pieces are claimed from the last to the first: a large one for each
    // thread, and then the small ones.
    std::int64_t grains = 0;  // count in grains
    std::int64_t large = 0;   // grains of a large piece; there may be none
    std::int64_t small_pieces = 0;
    std::int64_t pieces = 0;

    std::int64_t begin_of(std::int64_t piece) const;
  };

  void run(Loop loop);
  bool run_one_piece(int thread);
  void work(int thread);
  void join();

  Loop loop_;  // written while no piece of it can be claimed
  // The number of the loop in the upper half, the pieces of it that nobody has claimed in the
  // lower. Whoever counts it down owns a piece, and so keeps loop_ as it is until the piece is
  // done.
  std::atomic<std::uint64_t> unclaimed_{0};
  std::atomic<std::int64_t> unfinished_{0};
  std::atomic<std::uint32_t> epoch_{0};  // changes with each loop; sleeping workers wait for that
  std::atomic<bool> stop_{false};
  std::vector<std::thread> workers_;
};

/// The number of physical cores that this process may run on, at least 1: two threads on one core
/// share its arithmetic and its way to memory.
int available_cores();

/// The number of threads that a caller who asks for `threads` gets: for 0, available_cores().
/// Throws Error (kInvalidOption).
int thread_count(int threads);

}  // namespace decant
