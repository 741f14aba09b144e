// The keys and values of every token that a session has seen.
//
// D = channels of a head, H = heads, L = layers, P = positions allocated
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "decant/checkpoint.h"
#include "kernels.h"

namespace decant {

/// Room for block_size positions, allocated once. Forgetting a suffix is free: what lies behind a
/// session's position is never read.
class KvCache {
 public:
  explicit KvCache(const ModelConfig& config);

  /// Stores one token's keys and values (C each, head after head) of one layer at `position`.
  void store(std::int64_t layer, std::int64_t position, std::span<const float> keys,
             std::span<const float> values);

  HeadCache head(std::int64_t layer, std::int64_t head) const;

  std::int64_t stride() const { return stride_; }  // P

 private:
  std::size_t offset(std::int64_t layer, std::int64_t head) const {
    return static_cast<std::size_t>((layer * heads_ + head) * depth_ * stride_);
  }

  std::int64_t heads_;         // H
  std::int64_t depth_;         // D
  std::int64_t stride_;        // P: block_size rounded up to kPositionAlign
  std::vector<float> keys_;    // (L, H, D, P): positions innermost, see HeadCache
  std::vector<float> values_;  // (L, H, P, D)
};

}  // namespace decant
