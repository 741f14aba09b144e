// What the kernel tests share: random data, and running one kernel on every instruction set.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "half.h"
#include "instruction_sets.h"
#include "packed_matrix.h"

namespace decant {

inline std::vector<float> random_floats(std::size_t count, unsigned seed, double scale = 1) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal(0, scale);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(normal(random));
  return values;
}

/// A (rows, cols) matrix, row-major, packed by two threads.
inline PackedMatrix pack(const std::vector<float>& values, std::int64_t rows, std::int64_t cols,
                         WeightType type) {
  ThreadPool pool(2);
  PageArena memory;
  return {rows,
          cols,
          type,
          [&](std::int64_t first, std::int64_t count, PackedMatrix::Panel panel) {
            for (std::int64_t r = 0; r < count; ++r) {
              for (std::int64_t k = 0; k < cols; ++k) {
                const float value = values[static_cast<std::size_t>((first + r) * cols + k)];
                const std::int64_t at = k * PackedMatrix::kPanelRows + r;
                if (type == WeightType::kBF16) {
                  panel.bf16[at] = narrow_bf16(value);
                } else {
                  panel.f32[at] = value;
                }
              }
            }
          },
          pool,
          memory};
}

/// Runs `kernel` on each instruction set of this machine: the same bits are expected from all that
/// have fused multiply-add, the same values to rounding from the others. Returns the best one's.
inline std::vector<float> on_every_target(const std::function<std::vector<float>()>& kernel) {
  const std::vector<float> best = kernel();
  on_each_target([&](std::int64_t target) {
    const std::vector<float> other = kernel();
    if ((target & kFusedTargets) != 0) {
      EXPECT_EQ(best, other) << "bits differ on " << hwy::TargetName(target);
      return;
    }
    EXPECT_EQ(best.size(), other.size());
    for (std::size_t i = 0; i < best.size(); ++i) {
      EXPECT_NEAR(best[i], other[i], 1e-4) << "on " << hwy::TargetName(target);
    }
  });
  return best;
}

}  // namespace decant
