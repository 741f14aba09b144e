#include "kv_cache.h"

#include <gtest/gtest.h>

#include "cache_layout.h"

namespace decant {
namespace {

// Three layers of two heads of three channels.
class KvCacheTest : public testing::Test {
 protected:
  KvBlocks blocks_{{.n_layer = 3, .n_head = 2, .n_embd = 6}, CacheType::kF32};
};

// What a position of one head is marked with.
float mark(int text, std::int64_t layer, std::size_t head, std::int64_t position) {
  return static_cast<float>(((text * 3 + layer) * 2 + static_cast<int>(head)) * 1000 + position);
}

void append(KvCache& cache, int text, std::int64_t count) {
  const std::int64_t first = cache.length();
  cache.extend(count);
  for (std::int64_t layer = 0; layer < 3; ++layer) {
    for (std::size_t head = 0; head < 2; ++head) {
      for (std::int64_t p = first; p < first + count; ++p) {
        const std::vector<float> key(3, mark(text, layer, head, p));
        store_positions(cache.layer(layer), {head, 1}, p, {key.data(), key.data(), 3, 1});
      }
    }
  }
}

// The mark that the value of a position carries.
float read(const KvCache& cache, std::int64_t layer, std::size_t head, std::int64_t position) {
  const CacheLayout<float> layout(cache.layer(layer));
  const auto at = static_cast<std::size_t>(position);
  return layout.values(at / 64, head).numbers()[at % 64 * layout.padded()];
}

void expect_text(const KvCache& cache, int text, std::int64_t begin, std::int64_t end) {
  for (std::int64_t layer = 0; layer < 3; ++layer) {
    for (std::size_t head = 0; head < 2; ++head) {
      for (std::int64_t p = begin; p < end; ++p) {
        ASSERT_EQ(read(cache, layer, head, p), mark(text, layer, head, p)) << p;
      }
    }
  }
}

TEST_F(KvCacheTest, EachHeadFindsItsOwnValues) {
  KvCache cache(blocks_);
  for (const std::int64_t count : {1, 62, 1, 1, 70, 65}) append(cache, 0, count);
  EXPECT_EQ(cache.length(), 200);
  expect_text(cache, 0, 0, 200);
}

TEST_F(KvCacheTest, CopiesGrowApartFromAnyLength) {
  for (std::int64_t shared = 0; shared <= 130; ++shared) {
    KvCache first(blocks_);
    append(first, 0, shared);
    KvCache second = first;
    append(first, 1, 20);
    append(second, 2, 30);
    KvCache third = second;
    append(third, 3, 20);
    append(second, 4, 10);
    expect_text(first, 0, 0, shared);
    expect_text(first, 1, shared, shared + 20);
    expect_text(second, 2, shared, shared + 30);
    expect_text(second, 4, shared + 30, shared + 40);
    expect_text(third, 2, shared, shared + 30);
    expect_text(third, 3, shared + 30, shared + 50);
  }
}

TEST_F(KvCacheTest, WhatACopyForgetsTheOtherKeeps) {
  for (const std::int64_t kept : {0, 1, 63, 64, 65, 100}) {
    KvCache first(blocks_);
    append(first, 0, 130);
    KvCache second = first;
    second.truncate(kept);
    append(second, 1, 130 - kept);
    expect_text(first, 0, 0, 130);
    expect_text(second, 0, 0, kept);
    expect_text(second, 1, kept, 130);
  }
}

TEST_F(KvCacheTest, CopiesShareMemory) {
  KvCache first(blocks_);
  append(first, 0, 130);
  KvCache second = first;
  append(second, 1, 1);
  const auto blocks = [](const KvCache& cache) { return cache.layer(0).blocks; };
  EXPECT_EQ(blocks(first)[0], blocks(second)[0]);
  EXPECT_EQ(blocks(first)[1], blocks(second)[1]);
  EXPECT_NE(blocks(first)[2], blocks(second)[2]);
}

TEST_F(KvCacheTest, ABlockThatNobodyHoldsIsGivenOutAgain) {
  KvCache first(blocks_);
  append(first, 0, 10);
  std::byte* freed = nullptr;
  {
    KvCache second = first;
    append(second, 1, 10);
    freed = second.layer(0).blocks[0];
  }
  append(first, 0, 64);
  EXPECT_EQ(first.layer(0).blocks[1], freed);
  expect_text(first, 0, 0, 74);
}

}  // namespace
}  // namespace decant
