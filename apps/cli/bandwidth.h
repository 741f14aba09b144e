// How fast this machine reads memory: the floor under everything that reads a model's weights.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace decant::cli {

class MemoryReader {
 public:
  /// A buffer of about `bytes`, in huge pages where the system has them, as the engine's
  /// weights are. Throws std::bad_alloc.
  explicit MemoryReader(std::size_t bytes);

  std::size_t bytes() const { return words_.size_bytes(); }

  /// Reads the buffer with as many threads, over and over for some hundredths of a second, and
  /// returns the bytes per second.
  double bytes_per_second(int threads) const;

 private:
  struct Free {
    void operator()(std::uint64_t* memory) const;
  };
  std::unique_ptr<std::uint64_t[], Free> memory_;
  std::span<const std::uint64_t> words_;
};

}  // namespace decant::cli
