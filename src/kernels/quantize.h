// Integers in the place of floats: a scale for every block of kBlock neighbours along the inner
// dimension, and a small integer for each of them.
//
// T = tokens, K = inner dimension, B = blocks of a row
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "packed_matrix.h"

namespace decant {

/// The zero of stored weights, which are unsigned: an integer dot product takes one unsigned side.
inline constexpr int kQ8Zero = 128;
inline constexpr int kQ4Zero = 8;

/// Bytes of one block of a panel, scales included.
inline constexpr std::size_t kScaleBytes = PackedMatrix::kPanelRows * sizeof(std::uint16_t);
inline constexpr std::size_t kQ8BlockBytes =
    PackedMatrix::kPanelRows * PackedMatrix::kBlock + kScaleBytes;
inline constexpr std::size_t kQ4BlockBytes =
    PackedMatrix::kPanelRows * PackedMatrix::kBlock / 2 + kScaleBytes;

/// Packs `weights` (K, 64) into the blocks of a kQ8 or kQ4 panel. A weight becomes the nearest
/// multiple of its block's scale. q8: the scale is the largest magnitude / 127, rounded to bf16.
/// q4: of a few scales around the one that puts the weight of the largest magnitude at -8, as
/// ggml's q4_0 does, the one with the least squared error.
void quantize_panel(std::span<const float> weights, WeightType type, std::byte* panel);

/// Rows of inputs (T, K), each block its largest magnitude / 127 (a float) times integers from -127
/// to 127. A block with an entry that is no finite number gets the scale NaN. The tokens of a tile
/// (token_tiles.h) lie interleaved: with n of them, the first of which is t,
///
///     quants   at t * B * (kBlock / 4): (B, kBlock / 4, n, 4), padded with zeros
///     scales   at t * B: (B, n)
///     sums     at t * B: (B, n), of each block's quants
struct QuantizedRows {
  const std::int32_t* quants;  // by fours
  const float* scales;
  const std::int32_t* sums;
  std::size_t blocks;  // B
};

/// Writes tile `tile` (token_tiles.h) of x (T, K = cols) into the arrays of QuantizedRows.
void quantize_tile(std::span<const float> x, std::size_t cols, std::size_t tile,
                   std::int32_t* quants, float* scales, std::int32_t* sums);

}  // namespace decant
