// A tile of a product of floats. Include after hwy/foreach_target.h; no #pragma once, as each
// instruction set includes it anew.
#include "tiles.h"

#if defined(DECANT_KERNELS_FLOAT_TILE_H) == defined(HWY_TARGET_TOGGLE)
#ifdef DECANT_KERNELS_FLOAT_TILE_H
#undef DECANT_KERNELS_FLOAT_TILE_H
#else
#define DECANT_KERNELS_FLOAT_TILE_H
#endif

HWY_BEFORE_NAMESPACE();
namespace decant::HWY_NAMESPACE {

HWY_INLINE Vector load_weights(const float* w) { return hn::LoadU(Floats(), w); }

// bf16 widened.
HWY_INLINE Vector load_weights(const std::uint16_t* w) {
  const Floats d;
  const hn::Rebind<std::uint16_t, Floats> d16;
  const hn::RebindToUnsigned<Floats> d32;
  return hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(d32, hn::LoadU(d16, w))));
}

// Integers as they are: who reads them multiplies with their scale.
HWY_INLINE Vector load_weights(const std::int8_t* w) {
  const Floats d;
  const hn::RebindToSigned<Floats> d32;
  return hn::ConvertTo(d, hn::PromoteTo(d32, hn::LoadU(hn::Rebind<std::int8_t, Floats>(), w)));
}

// out[t][row] += sum over k of w[k][row] x[t][k]: for each output one chain of fused multiply-adds
// in the order k = 0, 1, ...
template <typename Weight>
struct FloatTile {
  static constexpr std::size_t kVectors = kFewRegisters ? 2 : 4;

  const Weight* HWY_RESTRICT w;  // (k_count, w_stride)
  std::size_t w_stride;
  const float* HWY_RESTRICT x;  // (tokens, x_stride)
  std::size_t x_stride;
  std::size_t k_count;
  float* HWY_RESTRICT out;  // (tokens, out_stride)
  std::size_t out_stride;
  Ahead ahead = {};

  template <std::size_t vectors, std::size_t tokens>
  HWY_INLINE void run(std::size_t row, std::size_t token) {
    const Floats d;
    const std::size_t lanes = hn::Lanes(d);
    const Weight* weight = w + row;
    const float* const inputs = x + token * x_stride;
    float* const first = out + token * out_stride + row;
    Vector sums[tokens][vectors];
    for (std::size_t t = 0; t < tokens; ++t) {
      for (std::size_t v = 0; v < vectors; ++v) {
        sums[t][v] = hn::LoadU(d, first + t * out_stride + v * lanes);
      }
    }
    for (std::size_t k = 0; k < k_count; ++k, weight += w_stride) {
      ahead.ask();
      Vector weights[vectors];
      for (std::size_t v = 0; v < vectors; ++v) weights[v] = load_weights(weight + v * lanes);
      for (std::size_t t = 0; t < tokens; ++t) {
        const Vector input = hn::Set(d, inputs[t * x_stride + k]);
        for (std::size_t v = 0; v < vectors; ++v) {
          sums[t][v] = hn::MulAdd(weights[v], input, sums[t][v]);
        }
      }
    }
    for (std::size_t t = 0; t < tokens; ++t) {
      for (std::size_t v = 0; v < vectors; ++v) {
        hn::StoreU(sums[t][v], d, first + t * out_stride + v * lanes);
      }
    }
  }
};

}  // namespace decant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // DECANT_KERNELS_FLOAT_TILE_H
