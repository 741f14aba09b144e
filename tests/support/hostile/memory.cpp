// Every allocation of the program, counted as malloc rounds it.
#include "hostile/memory.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "decant/error.h"

namespace {

std::atomic<std::size_t> g_live = 0;
std::atomic<std::size_t> g_peak = 0;

}  // namespace

// Not inlined: GCC takes malloc beside an inlined delete for a mismatch.
[[gnu::noinline]] void* operator new(std::size_t size) {
  void* memory = std::malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  const std::size_t live = g_live += malloc_usable_size(memory);
  for (std::size_t peak = g_peak; live > peak && !g_peak.compare_exchange_weak(peak, live);) {
  }
  return memory;
}

void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  try {
    return operator new(size);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

[[gnu::noinline]] void operator delete(void* memory) noexcept {
  g_live -= malloc_usable_size(memory);
  std::free(memory);
}

void operator delete(void* memory, std::size_t) noexcept { operator delete(memory); }

namespace decant::hostile {

void expect_bounded(std::size_t file_size, const std::function<void()>& read) {
  const std::size_t before = g_live;
  g_peak = before;
  try {
    read();
  } catch (const Error&) {
  }
  EXPECT_LE(g_peak - before, 4 * file_size + (std::size_t{64} << 20));
}

}  // namespace decant::hostile
