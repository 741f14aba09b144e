// The oracle is the definition, one output at a time, with std::fma in float, for the bits: over
// k = 0, 1, ... for weights that are floats, and for integers over the blocks, with each block's
// dot product in whole numbers.
#include "matmul.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "kernel_test.h"
#include "kernels.h"
#include "quantize.h"

namespace decant {
namespace {

constexpr WeightType kAllTypes[] = {WeightType::kF32, WeightType::kBF16, WeightType::kQ8,
                                    WeightType::kQ4};
constexpr std::size_t kBlock = PackedMatrix::kBlock;

struct Case {
  std::int64_t tokens, rows, cols;
  WeightType type;
  std::vector<float> x, w, bias;
  PackedMatrix packed;

  Case(std::int64_t t, std::int64_t n, std::int64_t k, WeightType weight_type)
      : tokens(t),
        rows(n),
        cols(k),
        type(weight_type),
        x(random_floats(static_cast<std::size_t>(t * k), 1)),
        w(random_floats(static_cast<std::size_t>(n * k), 2)),
        bias(random_floats(static_cast<std::size_t>(n), 3)) {
    packed = pack(w, n, k, type);
    for (std::int64_t r = 0; r < n; ++r) {  // the weights as they were rounded
      packed.unpack_row(
          r, std::span(w).subspan(static_cast<std::size_t>(r * k), static_cast<std::size_t>(k)));
    }
  }

  std::vector<float> run(int threads, bool with_bias = true) const {
    ThreadPool pool(threads);
    MatmulWorkspace workspace(pool);
    std::vector<float> y(static_cast<std::size_t>(tokens * rows));
    matmul(x, packed, {.bias = with_bias ? std::span<const float>(bias) : std::span<const float>()},
           y, workspace);
    return y;
  }

  std::span<const float> weights(std::int64_t row) const {
    return std::span(w).subspan(static_cast<std::size_t>(row * cols),
                                static_cast<std::size_t>(cols));
  }

  std::span<const float> inputs(std::int64_t token) const {
    return std::span(x).subspan(static_cast<std::size_t>(token * cols),
                                static_cast<std::size_t>(cols));
  }

  float dot(std::int64_t token, std::int64_t row) const {
    return is_integer(type) ? integer_dot(token, row) : float_dot(inputs(token), weights(row));
  }

  static float float_dot(std::span<const float> x, std::span<const float> w) {
    float sum = 0;
    for (std::size_t k = 0; k < x.size(); ++k) sum = std::fma(w[k], x[k], sum);
    return sum;
  }

  float integer_dot(std::int64_t token, std::int64_t row) const {
    float sum = 0;
    for (std::size_t k = 0; k < static_cast<std::size_t>(cols); k += kBlock) {
      const std::size_t count = std::min(kBlock, static_cast<std::size_t>(cols) - k);
      const auto block = inputs(token).subspan(k, count);
      float largest = 0;
      for (const float v : block) largest = std::max(largest, std::abs(v));
      const float inverse = largest > 0 ? 127.0f / largest : 0;
      const float scale = weight_scale(row, k / kBlock);
      std::int64_t products = 0;
      for (std::size_t i = 0; i < count; ++i) {
        products += std::lrint(block[i] * inverse) * std::lrint(weights(row)[k + i] / scale);
      }
      sum = std::fma(static_cast<float>(products), scale * (largest / 127.0f), sum);
    }
    return sum;
  }

  // Where packed_matrix.h says that it lies.
  float weight_scale(std::int64_t row, std::size_t block) const {
    const std::size_t quants = 64 * kBlock / (type == WeightType::kQ8 ? 1 : 2);
    const std::byte* const at = packed.panel(row / 64) + block * (quants + 128) + quants +
                                2 * static_cast<std::size_t>(row % 64);
    std::uint16_t scale = 0;
    std::memcpy(&scale, at, sizeof(scale));
    return widen_bf16(scale);
  }

  std::vector<float> definition() const {
    std::vector<float> y;
    for (std::int64_t t = 0; t < tokens; ++t) {
      for (std::int64_t r = 0; r < rows; ++r) {
        y.push_back(dot(t, r) + bias[static_cast<std::size_t>(r)]);
      }
    }
    return y;
  }
};

TEST(Matmul, IsTheDefinitionToTheBit) {
  if (!has_fused_multiply_add()) GTEST_SKIP() << "no fused multiply-add on this kind of machine";
  for (const WeightType type : kAllTypes) {
    for (const std::int64_t rows : {1, 64, 65, 130}) {
      for (const std::int64_t cols : {1, 2, 3, 4, 5, 7, 8, 15, 31, 32, 33, 64, 100, 513}) {
        for (const std::int64_t tokens : {1, 2, 3, 4, 5, 6, 7, 13}) {
          if (cols == 513 && rows > 1) continue;  // as much as the rest together
          const Case c(tokens, rows, cols, type);
          const auto y = on_every_target([&] { return c.run(1); });
          ASSERT_EQ(y, c.definition())
              << tokens << " x " << cols << " by " << rows << ", type " << static_cast<int>(type);
        }
      }
    }
  }
}

TEST(Matmul, ThreadsAndCompanyChangeNoBit) {
  for (const WeightType type : kAllTypes) {
    const Case many(64, 300, 100, type);
    const auto expected = many.run(1);
    for (const int threads : {2, 3, 8}) EXPECT_EQ(many.run(threads), expected);
    for (std::int64_t batch = 1; batch < many.tokens; batch += batch < 16 ? 1 : 7) {
      Case part(batch, 300, 100, type);
      std::copy_n(many.x.begin(), batch * 100, part.x.begin());
      const auto y = part.run(2);
      EXPECT_TRUE(std::equal(y.begin(), y.end(), expected.begin())) << "batches of " << batch;
    }
    for (std::int64_t t = 0; t < many.tokens; ++t) {
      Case alone(1, 300, 100, type);
      std::copy_n(many.x.begin() + t * 100, 100, alone.x.begin());
      const auto y = alone.run(2);
      EXPECT_TRUE(std::equal(y.begin(), y.end(), expected.begin() + t * 300)) << "token " << t;
    }
  }
}

TEST(Matmul, TheEpilogueIsBiasThenActivationThenAddition) {
  const Case c(3, 70, 20, WeightType::kF32);
  ThreadPool pool(2);
  MatmulWorkspace workspace(pool);
  std::vector<float> y = random_floats(3 * 70, 9);
  auto expected = c.run(1, false);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    expected[i] = y[i] + std::max(expected[i] + c.bias[i % 70], 0.0f);
  }
  matmul(c.x, c.packed, {.bias = c.bias, .activate = relu, .accumulate = true}, y, workspace);
  EXPECT_EQ(y, expected);
}

TEST(Matmul, BrokenInputsAreNotHidden) {
  for (const WeightType type : kAllTypes) {
    for (const float bad :
         {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
      Case c(1, 1, 100, type);
      c.x[70] = bad;
      EXPECT_FALSE(std::isfinite(c.run(1)[0])) << static_cast<int>(type);
    }
  }
}

}  // namespace
}  // namespace decant
