// Matrix-vector and matrix-matrix products over packed weights: one kernel for both.
#include <cassert>
#include <cstddef>

#include "kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "matmul.cpp"
#include <hwy/foreach_target.h>

#include "simd.h"

HWY_BEFORE_NAMESPACE();
namespace decant::HWY_NAMESPACE {

constexpr std::int64_t kPanelRows = PackedMatrix::kPanelRows;

// A tile is kTileVectors vectors of output rows by a few tokens, all sums in registers: with 32
// registers (AVX-512, NEON) 4 tokens, with 16 (AVX2) 2.
constexpr std::size_t kTileVectors = 4;
constexpr std::size_t kTileTokens = HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_SSE4 ? 2 : 4;

HWY_INLINE Vector load_weights(Floats d, const float* w) { return hn::LoadU(d, w); }

HWY_INLINE Vector load_weights(Floats d, const std::uint16_t* w) {
  const hn::Rebind<std::uint16_t, Floats> d16;
  const hn::RebindToUnsigned<Floats> d32;
  return hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(d32, hn::LoadU(d16, w))));
}

// y[token][row] for one tile: rows [0, kTileVectors * lanes) of the panel at w, `tokens` tokens.
template <std::size_t tokens, typename Weight>
HWY_INLINE void tile(const Weight* HWY_RESTRICT w, const float* HWY_RESTRICT x, std::size_t k_count,
                     float* HWY_RESTRICT out, std::size_t out_stride) {
  const Floats d;
  const std::size_t lanes = hn::Lanes(d);
  Vector sums[tokens][kTileVectors];
  for (auto& row : sums) {
    for (Vector& sum : row) sum = hn::Zero(d);
  }
  for (std::size_t k = 0; k < k_count; ++k) {
    Vector weights[kTileVectors];
    for (std::size_t v = 0; v < kTileVectors; ++v) {
      weights[v] = load_weights(d, w + k * kPanelRows + v * lanes);
    }
    for (std::size_t t = 0; t < tokens; ++t) {
      const Vector input = hn::Set(d, x[t * k_count + k]);
      for (std::size_t v = 0; v < kTileVectors; ++v) {
        sums[t][v] = hn::MulAdd(weights[v], input, sums[t][v]);
      }
    }
  }
  for (std::size_t t = 0; t < tokens; ++t) {
    for (std::size_t v = 0; v < kTileVectors; ++v) {
      hn::StoreU(sums[t][v], d, out + t * out_stride + v * lanes);
    }
  }
}

// All tokens of one panel: y[t * n_count + row] for row < rows.
template <typename Weight>
HWY_INLINE void panel_product(const Weight* w, const float* x, std::size_t token_count,
                              std::size_t k_count, const float* bias, float* y, std::size_t n_count,
                              std::size_t rows) {
  const std::size_t tile_rows = kTileVectors * hn::Lanes(Floats());
  HWY_ALIGN float sums[kTileTokens * kPanelRows];
  for (std::size_t t = 0; t < token_count;) {
    const std::size_t tokens = token_count - t >= kTileTokens ? kTileTokens : 1;
    const float* input = x + t * k_count;
    for (std::size_t row = 0; row < kPanelRows; row += tile_rows) {
      if (tokens == 1) {
        tile<1>(w + row, input, k_count, sums + row, kPanelRows);
      } else {
        tile<kTileTokens>(w + row, input, k_count, sums + row, kPanelRows);
      }
    }
    for (std::size_t i = 0; i < tokens; ++i, ++t) {
      for (std::size_t row = 0; row < rows; ++row) {
        const float sum = sums[i * kPanelRows + row];
        y[t * n_count + row] = bias == nullptr ? sum : sum + bias[row];
      }
    }
  }
}

void multiply_panels(const float* x, std::size_t tokens, const PackedMatrix& w, const float* bias,
                     float* y, std::int64_t begin, std::int64_t end) {
  const auto k_count = static_cast<std::size_t>(w.cols());
  const auto n_count = static_cast<std::size_t>(w.rows());
  for (std::int64_t panel = begin; panel < end; ++panel) {
    const auto first = static_cast<std::size_t>(panel * kPanelRows);
    const std::size_t rows = HWY_MIN(n_count - first, std::size_t{kPanelRows});
    const float* panel_bias = bias == nullptr ? nullptr : bias + first;
    if (w.type() == WeightType::kF32) {
      panel_product(w.panel_f32(panel), x, tokens, k_count, panel_bias, y + first, n_count, rows);
    } else {
      panel_product(w.panel_bf16(panel), x, tokens, k_count, panel_bias, y + first, n_count, rows);
    }
  }
}

}  // namespace decant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace decant {

HWY_EXPORT(multiply_panels);

void matmul(std::span<const float> x, const PackedMatrix& w, std::span<const float> bias,
            std::span<float> y, ThreadPool& pool) {
  const auto tokens = x.size() / static_cast<std::size_t>(w.cols());
  assert(x.size() == tokens * static_cast<std::size_t>(w.cols()));
  assert(y.size() == tokens * static_cast<std::size_t>(w.rows()));
  assert(bias.empty() || bias.size() == static_cast<std::size_t>(w.rows()));
  const auto multiply = HWY_DYNAMIC_DISPATCH(multiply_panels);
  const float* bias_data = bias.empty() ? nullptr : bias.data();
  pool.parallel_for(w.panels(), 1, [&](int, std::int64_t begin, std::int64_t end) {
    multiply(x.data(), tokens, w, bias_data, y.data(), begin, end);
  });
}

}  // namespace decant
#endif  // HWY_ONCE
