// The table against std::map, from empty through several growths.
#include "flat_map.h"

#include <gtest/gtest.h>

#include <ctime>
#include <map>

#include "slots.h"

namespace decant {
namespace {

TEST(FlatMap, AgreesWithAMap) {
  FlatMap<PairSlot> map;
  std::map<std::uint64_t, std::uint32_t> truth;
  std::uint32_t state = 1;
  for (std::uint32_t i = 0; i < 5000; ++i) {
    state = state * 1664525 + 1013904223;
    const std::uint64_t pair =
        PairSlot::pack(static_cast<TokenId>(state >> 26), static_cast<TokenId>(state >> 20 & 63));
    EXPECT_EQ(map.insert({pair << PairSlot::kRankBits | i}), truth.emplace(pair, i).second);
  }
  for (TokenId left = 0; left < 70; ++left) {
    for (TokenId right = 0; right < 70; ++right) {
      const std::uint64_t pair = PairSlot::pack(left, right);
      const PairSlot* found = map.find(pair);
      ASSERT_EQ(found != nullptr, truth.contains(pair));
      if (found == nullptr) continue;
      EXPECT_EQ(found->rank(), truth[pair]);
    }
  }
}

struct NumberSlot {
  static std::uint64_t hash(std::uint64_t number, std::uint64_t multiplier) {
    return number * multiplier;
  }
  bool empty() const { return number == 0; }
  std::uint64_t key() const { return number; }

  std::uint64_t number = 0;
};

// Keys whose products with the usual multiplier, the golden ratio's, all begin with the same bits.
TEST(FlatMap, NobodyChoosesKeysThatMeet) {
  constexpr std::uint64_t kGolden = 0x9E3779B97F4A7C15u;
  std::uint64_t inverse = kGolden;  // by Newton's iteration, modulo 2^64
  for (int i = 0; i < 6; ++i) inverse *= 2 - kGolden * inverse;
  ASSERT_EQ(kGolden * inverse, 1u);
  FlatMap<NumberSlot> map;
  const std::clock_t start = std::clock();  // of this process alone, however busy the machine
  for (std::uint64_t i = 1; i <= 200'000; ++i) map.insert({i * inverse});
  EXPECT_LT((std::clock() - start) / CLOCKS_PER_SEC, 2);
}

TEST(FlatMap, HoldsTheLargestIdsAndRank) {
  constexpr std::int32_t kMost = (1 << 20) - 1;
  FlatMap<PairSlot> map;
  const std::uint64_t pair = PairSlot::pack(kMost, kMost);
  EXPECT_TRUE(map.insert({pair << PairSlot::kRankBits | kMost}));
  ASSERT_NE(map.find(pair), nullptr);
  EXPECT_EQ(map.find(pair)->rank(), std::uint32_t{kMost});
  EXPECT_EQ(map.find(PairSlot::pack(kMost - 1, kMost)), nullptr);
}

}  // namespace
}  // namespace decant
