// Integers in the place of floats: a scale for every block of kBlock neighbours along the inner
// dimension, and a small integer for each of them.
//
// T = tokens, K = inner dimension, B = blocks of a row
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "packed_matrix.h"
#include "thread_pool.h"

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
/// multiple of its block's scale. q8: the scale is the largest magnitude / 127, rounded up to bf16.
/// q4: of a few scales around the one that puts the weight of the largest magnitude at -8, as
/// ggml's q4_0 does, the one with the least squared error.
void quantize_panel(std::span<const float> weights, WeightType type, std::byte* panel);

/// Rows of inputs (T, K), each block its largest magnitude / 127 (a float) times integers from -127
/// to 127. A block with an entry that is no finite number gets the scale NaN.
struct QuantizedRows {
  const std::int8_t* quants;  // (T, B * kBlock), padded with zeros
  const float* scales;        // (T, B)
  const std::int32_t* sums;   // (T, B): of each block's quants
  std::size_t blocks;         // B
};

/// One row of them: x (K) into quants (B * kBlock), scales (B) and sums (B).
void quantize_row(std::span<const float> x, std::int8_t* quants, float* scales, std::int32_t* sums);

}  // namespace decant
