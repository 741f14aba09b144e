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
#include "token_tiles.h"

HWY_BEFORE_NAMESPACE();
namespace decant::HWY_NAMESPACE {

constexpr std::size_t kPanelRows = PackedMatrix::kPanelRows;

// A tile is some vectors of output rows by at most kTileTokens tokens, and has all its sums in
// registers.
constexpr bool kFewRegisters =  // 16, where AVX-512 and NEON have 32
    HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_SSE4 || HWY_TARGET == HWY_SSSE3;
// For one token, enough chains of dependent additions to keep the adders busy.
constexpr std::size_t kSingleTokenVectors = HWY_MIN(kPanelRows / hn::MaxLanes(Floats()), 8);

// Memory that will be read soon, asked for two cache lines at a time while something else is
// computed.
class Ahead {
 public:
  Ahead() = default;
  Ahead(const void* begin, std::size_t bytes)
      : at_(static_cast<const std::byte*>(begin)), end_(at_ + bytes) {}

  HWY_INLINE void ask() {
    if (at_ >= end_) return;
    // Into L2: from there a load takes little, and the few places for lines on their way to L1 stay
    // free for those that are used now.
    __builtin_prefetch(at_, 0, 2);
    __builtin_prefetch(at_ + 64, 0, 2);
    at_ += 128;
  }

 private:
  const std::byte* at_ = nullptr;
  const std::byte* end_ = nullptr;
};

template <std::size_t vectors, std::size_t tokens, typename Tile>
HWY_INLINE void run_rows(Tile& tile, std::size_t rows, std::size_t token) {
  constexpr std::size_t kLanes = hn::MaxLanes(Floats());
  std::size_t row = 0;
  for (; row + vectors * kLanes <= rows; row += vectors * kLanes) {
    tile.template run<vectors, tokens>(row, token);
  }
  for (; row < rows; row += kLanes) tile.template run<1, tokens>(row, token);
}

// Calls tile.run<vectors, tokens>(first row, first token) until `rows` rows, a multiple of 16, and
// `tokens` tokens are covered.
template <typename Tile>
HWY_INLINE void run_tiles(Tile tile, std::size_t rows, std::size_t tokens) {
  for (std::size_t i = 0; i < token_tiles(tokens); ++i) {
    const std::size_t token = tile_begin(i, tokens);
    switch (tile_begin(i + 1, tokens) - token) {
      case 1:
        run_rows<kSingleTokenVectors, 1>(tile, rows, token);
        break;
      case 2:
        run_rows<Tile::kVectors, 2>(tile, rows, token);
        break;
      case 3:
        run_rows<Tile::kVectors, 3>(tile, rows, token);
        break;
      case 4:
        run_rows<Tile::kVectors, 4>(tile, rows, token);
        break;
      case 5:
        run_rows<Tile::kVectors, 5>(tile, rows, token);
        break;
      default:
        run_rows<Tile::kVectors, 6>(tile, rows, token);
        break;
    }
  }
}

}  // namespace decant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // DECANT_KERNELS_TILES_H
