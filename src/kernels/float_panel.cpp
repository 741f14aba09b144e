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

// With many tokens, inputs whose weights go through all tiles before the next: they stay in a
// core's L2 cache (128 KB of floats).
constexpr std::size_t kPieceInputs = 512;

template <typename Weight>
HWY_INLINE void multiply(const Weight* w, const float* x, std::size_t tokens, std::size_t cols,
                         float* sums) {
  std::memset(sums, 0, tokens * kPanelRows * sizeof(float));
  const bool one_pass = tokens <= kTileTokens;  // each weight is used as it is read, in order
  for (std::size_t k = 0; k < cols;) {
    const std::size_t count = one_pass ? cols : HWY_MIN(kPieceInputs, cols - k);
    const Weight* const piece = w + k * kPanelRows;
    const Weight* const next = piece + count * kPanelRows;  // of this panel, or the next panel
    run_tiles(
        FloatTile<Weight>{piece, kPanelRows, x + k, cols, count, sums, kPanelRows,
                          one_pass ? Ahead() : Ahead(next, count * kPanelRows * sizeof(Weight))},
        kPanelRows, tokens);
    k += count;
  }
}

void multiply_f32(const std::byte* w, const float* x, std::size_t tokens, std::size_t cols,
                  float* sums) {
  multiply(reinterpret_cast<const float*>(w), x, tokens, cols, sums);
}

void multiply_bf16(const std::byte* w, const float* x, std::size_t tokens, std::size_t cols,
                   float* sums) {
  multiply(reinterpret_cast<const std::uint16_t*>(w), x, tokens, cols, sums);
}

}  // namespace decant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace decant {

HWY_EXPORT(multiply_f32);
HWY_EXPORT(multiply_bf16);

void multiply_float_panel(const PackedMatrix& w, std::int64_t panel, const float* x,
                          std::size_t tokens, float* sums) {
  const auto multiply = w.type() == WeightType::kF32 ? HWY_DYNAMIC_DISPATCH(multiply_f32)
                                                     : HWY_DYNAMIC_DISPATCH(multiply_bf16);
  multiply(w.panel(panel), x, tokens, static_cast<std::size_t>(w.cols()), sums);
}

}  // namespace decant
#endif  // HWY_ONCE
