#include "packed_matrix.h"

#include <algorithm>
#include <cmath>

#include "kernel_test.h"

namespace decant {
namespace {

// The rows (N, K) of a packed matrix.
std::vector<float> unpack(const PackedMatrix& matrix) {
  const auto cols = static_cast<std::size_t>(matrix.cols());
  std::vector<float> values(static_cast<std::size_t>(matrix.rows()) * cols);
  for (std::int64_t r = 0; r < matrix.rows(); ++r) {
    matrix.unpack_row(r, std::span(values).subspan(static_cast<std::size_t>(r) * cols, cols));
  }
  return values;
}

TEST(PackedMatrix, RowsComeBackAsTheyWent) {
  for (const std::int64_t rows : {1, 63, 64, 65, 130}) {
    for (const std::int64_t cols : {1, 7, 64}) {
      const auto values = random_floats(static_cast<std::size_t>(rows * cols), 1);
      EXPECT_EQ(unpack(pack(values, rows, cols, WeightType::kF32)), values);
    }
  }
}

// A block's step is its largest magnitude / 127, rounded up to 8 bits: by 1/128 at most.
TEST(PackedMatrix, Q8IsWithinHalfAStepAndStaysWhatItIs) {
  for (const std::int64_t cols : {1, 31, 32, 33, 100}) {
    const auto values = random_floats(static_cast<std::size_t>(70 * cols), 1, 0.02);
    const auto back = unpack(pack(values, 70, cols, WeightType::kQ8));
    EXPECT_EQ(unpack(pack(back, 70, cols, WeightType::kQ8)), back);
    for (std::int64_t row = 0; row < 70; ++row) {
      for (std::int64_t k = 0; k < cols; k += PackedMatrix::kBlock) {
        const auto first = values.begin() + row * cols + k;
        const auto last = first + std::min(PackedMatrix::kBlock, cols - k);
        const float largest = std::abs(*std::max_element(
            first, last, [](float a, float b) { return std::abs(a) < std::abs(b); }));
        for (auto it = first; it != last; ++it) {
          EXPECT_LE(std::abs(*it - back[static_cast<std::size_t>(it - values.begin())]),
                    0.5f * largest / 127 * (1 + 1.0f / 128) * 1.0001f);
        }
      }
    }
  }
}

// The step that ggml's q4_0 takes; the best of several leaves less.
TEST(PackedMatrix, Q4IsBetterThanAnEighthOfTheLargest) {
  constexpr std::int64_t kRows = 128;
  constexpr std::int64_t kCols = 512;
  const auto values = random_floats(kRows * kCols, 1);
  const auto back = unpack(pack(values, kRows, kCols, WeightType::kQ4));
  double error = 0;
  double eighths = 0;
  for (std::size_t block = 0; block < values.size(); block += PackedMatrix::kBlock) {
    float extreme = 0;
    for (std::size_t i = block; i < block + PackedMatrix::kBlock; ++i) {
      if (std::abs(values[i]) > std::abs(extreme)) extreme = values[i];
    }
    const float step = extreme / -8;
    for (std::size_t i = block; i < block + PackedMatrix::kBlock; ++i) {
      const float q = std::clamp(std::nearbyint(values[i] / step), -8.0f, 7.0f);
      eighths += std::pow(values[i] - q * step, 2);
      error += std::pow(values[i] - back[i], 2);
    }
  }
  EXPECT_LT(error, 0.95 * eighths);
}

TEST(PackedMatrix, SmallIntegersAreExact) {
  std::vector<float> values(64 * 32);
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = 0.25f * static_cast<float>(static_cast<int>(i % 16) - 8);
  }
  EXPECT_EQ(unpack(pack(values, 64, 32, WeightType::kQ4)), values);
  for (float& value : values) value *= 127.0f / 8.0f / 0.25f;  // -127 to 111.125
  for (float& value : values) value = std::trunc(value);
  EXPECT_EQ(unpack(pack(values, 64, 32, WeightType::kQ8)), values);
}

TEST(PackedMatrix, ZerosAndTheTiniestStayFinite) {
  std::vector<float> values(64 * 32, 0.0f);
  values[5] = 1e-42f;
  values[40] = -3e-38f;
  for (const WeightType type : {WeightType::kQ8, WeightType::kQ4}) {
    for (const float value : unpack(pack(values, 64, 32, type))) EXPECT_LE(std::abs(value), 1e-30f);
  }
}

TEST(PackedMatrix, TakesTheBytesThatTheFormatsSay) {
  const auto values = random_floats(128 * 64, 1);
  const auto bytes = [&](WeightType type) { return pack(values, 128, 64, type).bytes(); };
  EXPECT_EQ(bytes(WeightType::kF32), 128u * 64 * 4);
  EXPECT_EQ(bytes(WeightType::kBF16), 128u * 64 * 2);
  EXPECT_EQ(bytes(WeightType::kQ8), 128u * 64 * 17 / 16);
  EXPECT_EQ(bytes(WeightType::kQ4), 128u * 64 * 9 / 16);
}

}  // namespace
}  // namespace decant
