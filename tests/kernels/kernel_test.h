// What the kernel tests share: random data, and running one kernel on every instruction set.
#pragma once

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <vector>

namespace decant {

inline std::vector<float> random_floats(std::size_t count, unsigned seed, double scale = 1) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal(0, scale);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(normal(random));
  return values;
}

/// Runs `kernel` on each instruction set of this machine that has fused multiply-add, and
/// expects the same bits from all. Returns them.
inline std::vector<float> on_every_target(const std::function<std::vector<float>()>& kernel) {
  const std::vector<float> best = kernel();
  for (const std::int64_t target : {HWY_AVX2, HWY_AVX3, HWY_NEON}) {
    if ((hwy::SupportedTargets() & target) == 0) continue;
    hwy::SetSupportedTargetsForTest(target);
    const std::vector<float> other = kernel();
    hwy::SetSupportedTargetsForTest(0);
    EXPECT_EQ(best, other) << "bits differ on " << hwy::TargetName(target);
  }
  return best;
}

}  // namespace decant
