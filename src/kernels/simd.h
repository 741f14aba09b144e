// What the kernel files share. Include only after hwy/foreach_target.h; no #pragma once, as each
// instruction set includes it anew.
#include <hwy/highway.h>

#if defined(DECANT_KERNELS_SIMD_H) == defined(HWY_TARGET_TOGGLE)
#ifdef DECANT_KERNELS_SIMD_H
#undef DECANT_KERNELS_SIMD_H
#else
#define DECANT_KERNELS_SIMD_H
#endif

#if HWY_TARGET == HWY_WASM
#include "fused_wasm.h"
#endif

#include <hwy/contrib/math/math-inl.h>

HWY_BEFORE_NAMESPACE();
namespace decant::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Sums that cross lanes keep 16 partial sums on every machine, so vectors are at most that wide.
using Floats = hn::CappedTag<float, 16>;
using Vector = hn::Vec<Floats>;
inline constexpr std::size_t kSums = 16;

HWY_INLINE float sum_of_16(float (&partial)[kSums]) {
  for (std::size_t half = kSums / 2; half > 0; half /= 2) {
    for (std::size_t i = 0; i < half; ++i) partial[i] += partial[i + half];
  }
  return partial[0];
}

}  // namespace decant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // DECANT_KERNELS_SIMD_H
