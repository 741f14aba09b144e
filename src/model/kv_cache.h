// The keys and values of every token that a session has seen.
//
// D = channels of a head, H = heads, L = layers
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "decant/checkpoint.h"
#include "kernels.h"

namespace decant {

/// Grows by blocks of kCachePositions positions, each of which holds all layers and heads. Copies
/// share their blocks until one of them writes there: a branch of a text costs a block, not a text.
/// A cache and its copies are used by one thread at a time, but for what is said below.
class KvCache {
 public:
  KvCache(const ModelConfig& config, CacheType type);

  std::int64_t length() const { return length_; }
  /// Of the keys and values of all positions.
  std::size_t bytes() const {
    return block_bytes_ / kCachePositions * static_cast<std::size_t>(length_);
  }

  /// Makes room for `count` more positions, which nobody else sees. Throws std::bad_alloc, and then
  /// has changed nothing.
  void extend(std::int64_t count);

  /// Forgets all but the first `length` positions, and keeps their memory.
  void truncate(std::int64_t length);

  /// One head's part. To be written, by store_positions(), where extend() made room last; threads
  /// may write different heads at once. Valid until the next extend().
  HeadCache head(std::int64_t layer, std::int64_t head) const;

 private:
  using Block = std::shared_ptr<std::byte[]>;

  Block make_block() const;

  std::int64_t heads_;  // H
  std::int64_t depth_;  // D
  CacheType type_;
  std::size_t head_bytes_;   // of one head of one layer in a block
  std::size_t block_bytes_;  // (L, H, head_bytes)
  std::int64_t length_ = 0;
  std::vector<Block> blocks_;
  std::vector<std::byte*> pointers_;  // to the same blocks, as kernels read them
};

}  // namespace decant
