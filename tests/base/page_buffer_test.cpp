// Zeroed, aligned memory, alone and side by side.
#include "page_buffer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <new>
#include <utility>
#include <vector>

namespace decant {
namespace {

constexpr std::size_t kMega = std::size_t{1} << 20;

std::uintptr_t address(const PageBuffer& buffer) {
  return reinterpret_cast<std::uintptr_t>(buffer.data());
}

bool is_all(const PageBuffer& buffer, std::byte value) {
  return std::all_of(buffer.data(), buffer.data() + buffer.size(),
                     [value](std::byte b) { return b == value; });
}

TEST(PageBuffer, IsZeroedAlignedAndMoves) {
  PageBuffer buffer(12345);
  EXPECT_EQ(buffer.size(), 12345u);
  EXPECT_EQ(address(buffer) % 4096, 0u);
  EXPECT_TRUE(is_all(buffer, std::byte{0}));
  const std::uintptr_t before = address(buffer);
  const PageBuffer moved = std::move(buffer);
  EXPECT_EQ(address(moved), before);
  EXPECT_EQ(moved.size(), 12345u);
}

TEST(PageBuffer, MayBeEmpty) {
  EXPECT_EQ(PageBuffer().size(), 0u);
  EXPECT_EQ(PageBuffer(0).size(), 0u);
  EXPECT_EQ(PageArena().take(0).size(), 0u);
}

TEST(PageBuffer, RefusesWhatNoMachineHas) {
  constexpr std::size_t kMost = std::numeric_limits<std::size_t>::max();
  PageArena arena;
  for (const std::size_t size : {kMost, kMost - 4096, kMost / 2}) {
    EXPECT_THROW(PageBuffer{size}, std::bad_alloc);
    EXPECT_THROW(arena.take(size), std::bad_alloc);
  }
  EXPECT_TRUE(is_all(arena.take(100), std::byte{0}));
}

// Sizes below, at and above the arena's blocks, none of them written by its neighbours' owners.
TEST(PageArena, GivesBuffersOfTheirOwn) {
  PageArena arena;
  std::vector<PageBuffer> buffers;
  const std::size_t sizes[] = {1,          4096,        4097,      kMega,
                               50 * kMega, 200 * kMega, 3 * kMega, 90 * kMega};
  for (const std::size_t size : sizes) {
    buffers.push_back(arena.take(size));
    EXPECT_EQ(buffers.back().size(), size);
    EXPECT_EQ(address(buffers.back()) % 4096, 0u);
    const auto value = static_cast<std::byte>(buffers.size());
    EXPECT_EQ(buffers.back().data()[0], std::byte{0});
    EXPECT_EQ(buffers.back().data()[size - 1], std::byte{0});
    buffers.back().data()[0] = buffers.back().data()[size - 1] = value;
  }
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    EXPECT_EQ(buffers[i].data()[0], static_cast<std::byte>(i + 1));
    EXPECT_EQ(buffers[i].data()[sizes[i] - 1], static_cast<std::byte>(i + 1));
  }
}

TEST(PageArena, PutsThemSideBySide) {
  PageArena arena;
  const PageBuffer first = arena.take(3 * kMega + 1), second = arena.take(5);
  EXPECT_EQ(address(second), address(first) + 3 * kMega + 4096);
}

TEST(PageArena, MayGoBeforeItsBuffers) {
  PageBuffer buffer;
  {
    PageArena arena;
    const PageBuffer neighbour = arena.take(10);
    buffer = arena.take(kMega);
  }
  std::fill_n(buffer.data(), buffer.size(), std::byte{7});
  EXPECT_TRUE(is_all(buffer, std::byte{7}));
}

}  // namespace
}  // namespace decant
