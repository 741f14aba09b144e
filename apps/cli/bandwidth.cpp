#include "bandwidth.h"

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <new>
#include <stdexcept>
#include <thread>
#include <vector>

namespace decant::cli {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;
// What a thread takes at a time: long enough that taking it costs nothing, and so short that a
// thread whose core is taken away holds up no other.
constexpr std::size_t kPiece = (std::size_t{256} << 10) / sizeof(std::uint64_t);  // words
constexpr std::size_t kReadWords = (std::size_t{512} << 20) / sizeof(std::uint64_t);

// Eight sums that do not wait for each other: the compiler keeps them in vectors, and memory is
// what limits.
std::uint64_t sum(std::span<const std::uint64_t> words) {
  std::array<std::uint64_t, 8> sums = {};
  for (std::size_t i = 0; i < words.size(); i += sums.size()) {
    for (std::size_t j = 0; j < sums.size(); ++j) sums[j] += words[i + j];
  }
  std::uint64_t total = 0;
  for (const std::uint64_t one : sums) total += one;
  return total;
}

}  // namespace

void MemoryReader::Free::operator()(std::uint64_t* memory) const { std::free(memory); }

MemoryReader::MemoryReader(std::size_t bytes) {
  const std::size_t pieces = std::max<std::size_t>(1, bytes / sizeof(std::uint64_t) / kPiece);
  const std::size_t words = pieces * kPiece;
  const std::size_t size = (words * sizeof(std::uint64_t) + kHugePage - 1) / kHugePage * kHugePage;
  memory_.reset(static_cast<std::uint64_t*>(std::aligned_alloc(kHugePage, size)));
  if (!memory_) throw std::bad_alloc();
#ifdef MADV_HUGEPAGE
  ::madvise(memory_.get(), size, MADV_HUGEPAGE);
#endif
  std::fill_n(memory_.get(), words, 1);  // a page that was never written is not in memory
  words_ = {memory_.get(), words};
}

double MemoryReader::bytes_per_second(int threads) const {
  const std::size_t pieces = words_.size() / kPiece;
  const std::size_t reads = pieces * std::max<std::size_t>(1, kReadWords / words_.size());
  std::atomic<std::size_t> next = 0;
  std::atomic<std::uint64_t> total = 0;
  const auto read = [&] {
    std::uint64_t own = 0;
    for (std::size_t i; (i = next++) < reads;) {
      own += sum(words_.subspan(i % pieces * kPiece, kPiece));
    }
    total += own;
  };
  const auto start = std::chrono::steady_clock::now();
  {
    std::vector<std::jthread> others;
    for (int i = 1; i < threads; ++i) others.emplace_back(read);
    read();
  }
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
  const std::size_t words = reads * kPiece;
  // Every word is a one. That somebody asks keeps the compiler from leaving the reading out.
  if (total != words)
    throw std::runtime_error("this machine's memory does not hold what it is given");
  return static_cast<double>(words * sizeof(std::uint64_t)) / time.count();
}

}  // namespace decant::cli
