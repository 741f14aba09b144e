// How outputs are cut into tiles whose sums fit in the registers. Include after
// hwy/foreach_target.h; no #pragma once, as each instruction set includes it anew.
#include "simd.h"

#if defined(DECANT_KERNELS_TILES_H) == defined(HWY_TARGET_TOGGLE)
#ifdef DECANT_KERNELS_TILES_H
#undef DECANT_KERNELS_TILES_H
#else
#define DECANT_KERNELS_TILES_H
#endif

#include <cstddef>

#include "packed_matrix.h"

HWY_BEFORE_NAMESPACE();
namespace decant::HWY_NAMESPACE {

constexpr std::size_t kPanelRows = PackedMatrix::kPanelRows;

// A tile is some vectors of output rows by some tokens. With 32 registers (AVX-512, NEON) 4 vectors
// by 6 tokens, with 16 registers 2 by 6: 24 and 12 sums.
constexpr std::size_t kTileVectors =
    HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_SSE4 || HWY_TARGET == HWY_SSSE3 ? 2 : 4;
constexpr std::size_t kTileTokens = 6;
// For one token, enough chains of dependent additions to keep the adders busy.
constexpr std::size_t kSingleTokenVectors = HWY_MIN(kPanelRows / hn::MaxLanes(Floats()), 8);

template <std::size_t vectors, std::size_t tokens, typename Tile>
HWY_INLINE void run_rows(const Tile& tile, std::size_t rows, std::size_t token) {
  constexpr std::size_t kLanes = hn::MaxLanes(Floats());
  std::size_t row = 0;
  for (; row + vectors * kLanes <= rows; row += vectors * kLanes) {
    tile.template run<vectors, tokens>(row, token);
  }
  for (; row < rows; row += kLanes) tile.template run<1, tokens>(row, token);
}

// Calls tile.run<vectors, tokens>(first row, first token) until `rows` rows, a multiple of 16, and
// `tokens` tokens are covered. The last tiles are about as large as the others: two of 4 tokens and
// not 6 and 2.
template <typename Tile>
HWY_INLINE void run_tiles(const Tile& tile, std::size_t rows, std::size_t tokens) {
  const std::size_t tiles = (tokens + kTileTokens - 1) / kTileTokens;
  for (std::size_t i = 0; i < tiles; ++i) {
    const std::size_t token = tokens * i / tiles;
    switch (tokens * (i + 1) / tiles - token) {
      case 1:
        run_rows<kSingleTokenVectors, 1>(tile, rows, token);
        break;
      case 2:
        run_rows<kTileVectors, 2>(tile, rows, token);
        break;
      case 3:
        run_rows<kTileVectors, 3>(tile, rows, token);
        break;
      case 4:
        run_rows<kTileVectors, 4>(tile, rows, token);
        break;
      case 5:
        run_rows<kTileVectors, 5>(tile, rows, token);
        break;
      default:
        run_rows<kTileVectors, 6>(tile, rows, token);
        break;
    }
  }
}

}  // namespace decant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // DECANT_KERNELS_TILES_H
