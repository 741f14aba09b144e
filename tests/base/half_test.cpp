// F16 and BF16 against their definitions: every one of the 65536 patterns, and every rounding case.
#include "half.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace decant {
namespace {

// The value that IEEE 754 gives a binary16 pattern, by arithmetic.
float f16_by_definition(std::uint16_t bits) {
  const int exponent = bits >> 10 & 31;
  const int mantissa = bits & 1023;
  const float magnitude = exponent == 0
                              ? std::ldexp(static_cast<float>(mantissa), -24)
                              : std::ldexp(static_cast<float>(1024 + mantissa), exponent - 25);
  return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

TEST(Half, WidensEveryF16) {
  for (std::uint32_t i = 0; i < 65536; ++i) {
    const auto bits = static_cast<std::uint16_t>(i);
    if ((bits & 0x7c00) == 0x7c00) continue;
    ASSERT_EQ(std::bit_cast<std::uint32_t>(widen_f16(bits)),
              std::bit_cast<std::uint32_t>(f16_by_definition(bits)))
        << i;
  }
  EXPECT_EQ(widen_f16(0x7c00), std::numeric_limits<float>::infinity());
  EXPECT_EQ(widen_f16(0xfc00), -std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::isnan(widen_f16(0x7e00)));
}

TEST(Half, WidenThenNarrowKeepsEveryPattern) {
  for (std::uint32_t i = 0; i < 65536; ++i) {
    const auto bits = static_cast<std::uint16_t>(i);
    ASSERT_EQ(narrow_f16(widen_f16(bits)), bits) << i;
    ASSERT_EQ(narrow_bf16(widen_bf16(bits)), bits) << i;
  }
}

// Between two neighbours: below the middle goes down, above goes up, the middle goes to the even.
template <typename Widen, typename Narrow>
void expect_nearest_even(std::uint16_t largest, Widen widen, Narrow narrow) {
  for (std::uint16_t low = 0; low < largest; ++low) {
    const auto high = static_cast<std::uint16_t>(low + 1);
    const float middle = (widen(low) + widen(high)) / 2;  // exact: one more bit of mantissa
    const std::uint16_t even = low % 2 == 0 ? low : high;
    ASSERT_EQ(narrow(middle), even) << low;
    ASSERT_EQ(narrow(-middle), even | 0x8000) << low;
    ASSERT_EQ(narrow(std::nextafter(middle, 0.0f)), low) << low;
    ASSERT_EQ(narrow(std::nextafter(middle, std::numeric_limits<float>::infinity())), high) << low;
  }
}

TEST(Half, F16RoundsToNearestEven) { expect_nearest_even(0x7bff, widen_f16, narrow_f16); }

// Not from the subnormals of BF16, where the middle is a float's subnormal, too; nor at the top,
// where adding two overflows.
TEST(Half, BF16RoundsToNearestEven) { expect_nearest_even(0x7eff, widen_bf16, narrow_bf16); }

TEST(Half, OverflowIsInfinity) {
  EXPECT_EQ(narrow_f16(65504.0f), 0x7bff);
  EXPECT_EQ(narrow_f16(65519.996f), 0x7bff);
  EXPECT_EQ(narrow_f16(65520.0f), 0x7c00);
  EXPECT_EQ(narrow_f16(-1e38f), 0xfc00);
  EXPECT_EQ(narrow_bf16(std::numeric_limits<float>::max()), 0x7f80);
  EXPECT_EQ(narrow_f16(std::numeric_limits<float>::infinity()), 0x7c00);
}

TEST(Half, NanStaysNan) {
  const float nan = std::bit_cast<float>(0x7f800001u);  // all its payload below what is kept
  EXPECT_TRUE(std::isnan(widen_f16(narrow_f16(nan))));
  EXPECT_TRUE(std::isnan(widen_bf16(narrow_bf16(nan))));
}

}  // namespace
}  // namespace decant
