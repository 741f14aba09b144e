// The arithmetic of a GPT as pure functions on spans. The only room with vector instructions:
// Highway compiles each kernel once for every instruction set and picks at run time.
//
// The same bits everywhere: each output element is computed by one fixed sequence of operations,
// whatever the number of tokens, threads or vector lanes. Sums over an inner dimension run in one
// lane from first to last; sums across lanes (layer norm, softmax) use 16 partial sums on every
// machine. This holds among instruction sets with fused multiply-add; the others agree to rounding.
//
// C = channels, H = heads, D = C / H
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "token_tiles.h"

namespace decant {

/// out (C) = (x - mean) / sqrt(variance + epsilon) * weight + bias (C, or empty).
void layer_norm(std::span<const float> x, std::span<const float> weight,
                std::span<const float> bias, float epsilon, std::span<float> out);

/// x = x * Phi(x), in place, with erf to 1.5e-7 (Abramowitz & Stegun 7.1.26).
void gelu_exact(std::span<float> x);

/// x = x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))), in place (Hendrycks & Gimpel 2016).
void gelu_tanh(std::span<float> x);

/// x = max(x, 0), in place.
void relu(std::span<float> x);

/// x += y.
void add(std::span<float> x, std::span<const float> y);

/// How keys and values are held; kQ8 is integers of 8 bits with a scale for each position's key and
/// each position's value.
enum class CacheType { kF32, kBF16, kQ8 };

/// Positions of one block of a cache.
inline constexpr std::int64_t kCachePositions = 64;

/// The dimensions of a head's values are padded to a multiple of the widest vector.
inline constexpr std::size_t padded_depth(std::size_t depth) { return (depth + 15) / 16 * 16; }

/// One layer's keys and values, in blocks of kCachePositions positions: in each of them, at
/// `offset` (bytes), the keys of all heads (H, D, kCachePositions), transposed so that vector lanes
/// are positions, and then the values of all heads (H, kCachePositions, padded_depth(D)). With kQ8
/// each head's keys begin with their scales (kCachePositions) in f32, and so do its values.
struct LayerCache {
  std::span<std::byte* const> blocks;
  std::size_t offset;
  std::size_t heads;  // H
  std::size_t depth;  // D
  CacheType type;
};

/// Bytes of one layer in a block.
std::size_t layer_bytes(std::size_t heads, std::size_t depth, CacheType type);

/// Neighbouring heads of a layer.
struct Heads {
  std::size_t first;
  std::size_t count;
};

/// Neighbouring tokens' keys and values, (count, heads' count, D) each, the tokens `stride` apart.
struct KeysAndValues {
  const float* keys;
  const float* values;
  std::size_t stride;
  std::size_t count;
};

/// Writes positions from `position` on, rounded to the cache's type.
void store_positions(const LayerCache& cache, Heads heads, std::int64_t position,
                     const KeysAndValues& from);

/// At most so many queries are answered together: they share what is read from the cache.
inline constexpr std::size_t kAttendQueries = kTileTokens;

/// Neighbouring tokens' queries (count, heads' count, D), and where their answers go.
struct Queries {
  const float* queries;  // the tokens query_stride apart
  std::size_t query_stride;
  float* out;  // the tokens out_stride apart
  std::size_t out_stride;
  std::size_t count;  // 1 to kAttendQueries
};

/// Floats of workspace that attend() needs for `answers` (heads times queries) that see as many
/// positions.
inline constexpr std::size_t attend_workspace_size(std::size_t answers, std::int64_t positions,
                                                   std::size_t depth) {
  const auto blocks = (positions + kCachePositions - 1) / kCachePositions;
  return answers * (static_cast<std::size_t>(blocks * kCachePositions) + padded_depth(depth) + 1);
}

/// out = softmax(q keys / sqrt(D)) values, for each of `heads`, where the first token's query sees
/// `positions` positions of the cache and each one after it one more.
void attend(const Queries& q, const LayerCache& cache, Heads heads, std::int64_t positions,
            std::span<float> workspace);

}  // namespace decant
