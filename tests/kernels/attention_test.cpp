// The oracle is softmax(q k / sqrt(D)) v in double.
#include <cmath>
#include <limits>

#include "kernel_test.h"
#include "kernels.h"

namespace decant {
namespace {

TEST(Attend, IsTheFormulaForEveryLengthAndDepth) {
  constexpr std::int64_t kStride = 80;
  for (const std::size_t depth : {1u, 8u, 20u, 33u, 64u}) {
    const auto q = random_floats(depth, 1, 2);
    const auto keys = random_floats(depth * kStride, 2);
    const auto values = random_floats(kStride * depth, 3);
    const HeadCache cache{keys.data(), values.data(), kStride};
    for (std::int64_t positions = 1; positions <= 65; ++positions) {
      const auto y = on_every_target([&] {
        std::vector<float> scores(kStride);
        std::vector<float> out(depth);
        attend(q, cache, positions, scores, out);
        return out;
      });
      std::vector<double> weight;
      double sum = 0;
      for (std::int64_t p = 0; p < positions; ++p) {
        double score = 0;
        for (std::size_t i = 0; i < depth; ++i) {
          score += double{q[i]} * keys[i * kStride + static_cast<std::size_t>(p)];
        }
        weight.push_back(std::exp(score / std::sqrt(static_cast<double>(depth))));
        sum += weight.back();
      }
      for (std::size_t i = 0; i < depth; ++i) {
        double expected = 0;
        for (std::size_t p = 0; p < weight.size(); ++p)
          expected += weight[p] / sum * values[p * depth + i];
        ASSERT_NEAR(y[i], expected, 1e-5) << positions << " positions, depth " << depth;
      }
    }
  }
}

// What lies behind the last position, stale keys of a longer text, must not matter.
TEST(Attend, LooksAtNothingBehindTheLastPosition) {
  constexpr std::int64_t kStride = 32;
  const auto q = random_floats(16, 1);
  auto keys = random_floats(16 * kStride, 2);
  auto values = random_floats(kStride * 16, 3);
  const auto run = [&] {
    std::vector<float> scores(kStride);
    std::vector<float> out(16);
    attend(q, {keys.data(), values.data(), kStride}, 5, scores, out);
    return out;
  };
  const auto before = run();
  for (std::size_t i = 0; i < 16; ++i) {
    for (std::size_t p = 5; p < kStride; ++p) {
      keys[i * kStride + p] = 1e30f;
      values[p * 16 + i] = 1e30f;
    }
  }
  EXPECT_EQ(run(), before);
}

TEST(Attend, NanIsNotHidden) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> q(16, 1);
  std::vector<float> keys(16 * 16, 1);
  const std::vector<float> values(16 * 16, 1);
  keys[3] = nan;  // of position 3
  std::vector<float> scores(16);
  std::vector<float> out(16);
  attend(q, {keys.data(), values.data(), 16}, 8, scores, out);
  EXPECT_TRUE(std::isnan(out[0]));
}

TEST(Attend, HugeScoresDoNotOverflow) {
  std::vector<float> q = {1000};
  std::vector<float> keys(16);
  std::vector<float> values(16);
  for (std::size_t p = 0; p < 16; ++p) {
    keys[p] = static_cast<float>(p);
    values[p] = static_cast<float>(p);
  }
  std::vector<float> scores(16);
  std::vector<float> out(1);
  attend(q, {keys.data(), values.data(), 16}, 16, scores, out);
  EXPECT_EQ(out[0], 15);
}

}  // namespace
}  // namespace decant
