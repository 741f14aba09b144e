// The inner loops of matmul(): all tokens times one panel of weights, compiled for every
// instruction set.
//
// T = tokens, K = inner dimension
#pragma once

#include <cstddef>
#include <cstdint>

#include "quantize.h"

namespace decant {

/// Inputs whose weights are widened at a time: 128 KB of floats, which a core's L2 holds.
inline constexpr std::int64_t kWidenedInputs = 512;

/// sums (T, 64) = x (T, K) times panel `panel` of w, which holds floats. `widened` is workspace for
/// what many tokens share: kWidenedInputs (or K) by 64 floats for kBF16, else none.
void multiply_float_panel(const PackedMatrix& w, std::int64_t panel, const float* x,
                          std::size_t tokens, float* widened, float* sums);

/// The same for a panel of integers; for kQ4 `widened` has room for the panel in kQ8.
void multiply_integer_panel(const PackedMatrix& w, std::int64_t panel, const QuantizedRows& x,
                            std::size_t tokens, float* widened, float* sums);

}  // namespace decant
