// A panel of floats: each output is one chain of fused multiply-adds in the order k = 0, 1, ...
#include <cstddef>
#include <cstring>

#include "panel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "float_panel.cpp"
#include <hwy/foreach_target.h>

#include "float_tile.h"

HWY_BEFORE_NAMESPACE();
namespace decant::HWY_NAMESPACE {

HWY_INLINE const float* widen(const float* w, std::size_t /*count*/, float* /*widened*/) {
  return w;
}

HWY_INLINE const float* widen(const std::uint16_t* w, std::size_t count, float* widened) {
  const Floats d;
  for (std::size_t i = 0; i < count; i += hn::Lanes(d))
    hn::StoreU(load_weights(w + i), d, widened + i);
  return widened;
}

template <typename Weight>
HWY_INLINE void multiply(const Weight* w, const float* x, std::size_t tokens, std::size_t cols,
                         float* widened, float* sums) {
  std::memset(sums, 0, tokens * kPanelRows * sizeof(float));
  if (tokens <= kTileTokens) {  // one pass: each weight is used as it is read
    run_tiles(FloatTile<Weight>{w, kPanelRows, x, cols, cols, sums, kPanelRows}, kPanelRows,
              tokens);
    return;
  }
  for (std::size_t k = 0; k < cols; k += kWidenedInputs) {
    const std::size_t count = HWY_MIN(std::size_t{kWidenedInputs}, cols - k);
    const float* const piece = widen(w + k * kPanelRows, count * kPanelRows, widened);
    run_tiles(FloatTile<float>{piece, kPanelRows, x + k, cols, count, sums, kPanelRows}, kPanelRows,
              tokens);
  }
}

void multiply_f32(const std::byte* w, const float* x, std::size_t tokens, std::size_t cols,
                  float* widened, float* sums) {
  multiply(reinterpret_cast<const float*>(w), x, tokens, cols, widened, sums);
}

void multiply_bf16(const std::byte* w, const float* x, std::size_t tokens, std::size_t cols,
                   float* widened, float* sums) {
  multiply(reinterpret_cast<const std::uint16_t*>(w), x, tokens, cols, widened, sums);
}

}  // namespace decant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace decant {

HWY_EXPORT(multiply_f32);
HWY_EXPORT(multiply_bf16);

void multiply_float_panel(const PackedMatrix& w, std::int64_t panel, const float* x,
                          std::size_t tokens, float* widened, float* sums) {
  const auto multiply = w.type() == WeightType::kF32 ? HWY_DYNAMIC_DISPATCH(multiply_f32)
                                                     : HWY_DYNAMIC_DISPATCH(multiply_bf16);
  multiply(w.panel(panel), x, tokens, static_cast<std::size_t>(w.cols()), widened, sums);
}

}  // namespace decant
#endif  // HWY_ONCE
