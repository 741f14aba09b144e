// The inner loops of matmul(): all tokens times one panel of weights, compiled for every
// instruction set.
//
// T = tokens, K = inner dimension
#pragma once

#include <cstddef>
#include <cstdint>

#include "quantize.h"

namespace decant {

/// sums (T, 64) = x (T, K) times panel `panel` of w, which holds floats.
void multiply_float_panel(const PackedMatrix& w, std::int64_t panel, const float* x,
                          std::size_t tokens, float* sums);

/// The same for a panel of integers.
void multiply_integer_panel(const PackedMatrix& w, std::int64_t panel, const QuantizedRows& x,
                            std::size_t tokens, float* sums);

}  // namespace decant
