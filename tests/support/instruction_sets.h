// Running something on every instruction set of this machine.
#pragma once

#define HWY_WANT_AVX3_DL  // which src/kernels/integer_panel.cpp has, too
#include <hwy/targets.h>

#include <cstdint>

namespace decant {

inline constexpr std::int64_t kFusedTargets = HWY_AVX2 | HWY_AVX3 | HWY_AVX3_DL | HWY_NEON;

/// Whether the instruction set that the kernels pick here has fused multiply-add.
inline bool has_fused_multiply_add() { return (hwy::SupportedTargets() & kFusedTargets) != 0; }

/// Calls action(target) with the kernels on one instruction set after the other.
template <typename Action>
void on_each_target(const Action& action) {
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    // Most kernels are not compiled for AVX3_DL: those are to take what they take on such machines.
    hwy::SetSupportedTargetsForTest(target == HWY_AVX3_DL ? HWY_AVX3_DL | HWY_AVX3 : target);
    action(target);
    hwy::SetSupportedTargetsForTest(0);
  }
}

}  // namespace decant
