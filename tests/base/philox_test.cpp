#include "philox.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <set>

namespace decant {
namespace {

using Counter = std::array<std::uint32_t, 4>;

// The known-answer vectors that Salmon et al. publish with their Random123 library.
TEST(Philox, KnownAnswers) {
  EXPECT_EQ(philox4x32_10({0, 0, 0, 0}, {0, 0}),
            (Counter{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox4x32_10({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}),
            (Counter{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(
      philox4x32_10({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
      (Counter{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Uniform, EveryPartOfTheAddressCounts) {
  std::set<double> seen;
  for (std::uint64_t part : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1} << 32}) {
    seen.insert(uniform(part, 7, 7));
    seen.insert(uniform(7, part, 7));
    seen.insert(uniform(7, 7, part));
  }
  EXPECT_EQ(seen.size(), 9u);
}

TEST(Uniform, IsUniformOnTheUnitInterval) {
  // 256 cells, 1 << 20 draws: chi-square has 255 degrees of freedom, standard deviation 22.6.
  constexpr int kCells = 256;
  constexpr int kDraws = 1 << 20;
  int counts[kCells] = {};
  for (std::uint64_t i = 0; i < kDraws; ++i) {
    const double u = uniform(1, 0, i);
    ASSERT_GE(u, 0);
    ASSERT_LT(u, 1);
    ++counts[static_cast<int>(u * kCells)];
  }
  double chi_square = 0;
  for (const int count : counts) {
    const double expected = double{kDraws} / kCells;
    chi_square += (count - expected) * (count - expected) / expected;
  }
  EXPECT_NEAR(chi_square, 255, 4 * 22.6);
}

TEST(Uniform, HasFiftyThreeRandomBits) {
  std::uint64_t ones = 0;
  for (std::uint64_t i = 0; i < 1000; ++i)
    ones |= static_cast<std::uint64_t>(uniform(3, 1, i) * 0x1p53);
  EXPECT_EQ(ones, (std::uint64_t{1} << 53) - 1);
}

}  // namespace
}  // namespace decant
