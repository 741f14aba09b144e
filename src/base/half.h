// F16 and BF16 to float and back, bit by bit: widening is exact, narrowing rounds to nearest even.
// Formats: IEEE 754-2008 binary16 (5 exponent, 10 mantissa bits) and the upper half of a float.
#pragma once

#include <bit>
#include <cstdint>

namespace decant {

inline float widen_bf16(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

/// Written without branches on the value, so that a loop over a row vectorises.
inline float widen_f16(std::uint16_t bits) {
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000u) << 16;
  const std::uint32_t rest = static_cast<std::uint32_t>(bits & 0x7fffu) << 13;
  // Read as a float, `rest` has an exponent 112 too small; the product is exact, and turns the
  // subnormals of F16 into normal floats.
  const std::uint32_t finite = std::bit_cast<std::uint32_t>(std::bit_cast<float>(rest) * 0x1p112f);
  const bool special = (bits & 0x7c00u) == 0x7c00u;  // infinite or NaN: kept, payload and all
  return std::bit_cast<float>(sign | (special ? rest | 0x7f800000u : finite));
}

/// Overflow gives an infinity; NaN stays NaN, and one that came from BF16 keeps its bits.
inline std::uint16_t narrow_bf16(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const auto upper = static_cast<std::uint16_t>(bits >> 16);
  if ((bits & 0x7fffffffu) > 0x7f800000u) {
    return (upper & 0x7fu) != 0 ? upper : static_cast<std::uint16_t>(upper | 0x40u);
  }
  return static_cast<std::uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

/// Overflow gives an infinity; NaN stays NaN, and one that came from F16 keeps its bits.
inline std::uint16_t narrow_f16(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = (bits >> 16) & 0x8000u;
  const std::uint32_t rest = bits & 0x7fffffffu;
  std::uint32_t result = 0;
  if (rest > 0x7f800000u) {
    const std::uint32_t payload = (rest >> 13) & 0x3ffu;
    result = 0x7c00u | (payload != 0 ? payload : 0x200u);
  } else if (rest >= 0x477ff000u) {  // 65520 and more: nearer to 65536 than to the largest, 65504
    result = 0x7c00u;
  } else if (rest < 0x38800000u) {
    // Below 2^-14 results are multiples of 2^-24, the spacing of floats just above 0.5: the adder
    // does the rounding.
    const float shifted = std::bit_cast<float>(rest) + 0.5f;
    result = std::bit_cast<std::uint32_t>(shifted) - std::bit_cast<std::uint32_t>(0.5f);
  } else {
    // 127 - 15 = 112: the difference of the exponents' offsets.
    result = (rest - (112u << 23) + 0xfffu + ((rest >> 13) & 1u)) >> 13;
  }
  return static_cast<std::uint16_t>(sign | result);
}

}  // namespace decant
