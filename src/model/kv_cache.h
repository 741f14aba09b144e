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
#include "page_buffer.h"

namespace decant {

/// Where the caches of one group get their memory: blocks of kCachePositions positions, each of
/// which holds all layers and heads. They lie in huge pages, as attention spends a tenth of its
/// time looking up small ones; a block that nobody holds any more is given out again. For one
/// thread at a time, and to outlive its blocks.
class KvBlocks {
 public:
  using Block = std::shared_ptr<std::byte[]>;

  KvBlocks(const ModelConfig& config, CacheType type);
  KvBlocks(const KvBlocks&) = delete;
  KvBlocks& operator=(const KvBlocks&) = delete;

  std::size_t block_bytes() const { return block_bytes_; }

  /// With whatever its last holder left in it. Throws std::bad_alloc.
  Block take();

  /// One layer's part of `blocks`.
  LayerCache layer(std::span<std::byte* const> blocks, std::int64_t index) const;

 private:
  std::size_t heads_;  // H
  std::size_t depth_;  // D
  CacheType type_;
  std::size_t layer_bytes_;  // of one layer in a block
  std::size_t block_bytes_;  // (L, layer_bytes)
  PageArena arena_;
  std::vector<PageBuffer> memory_;  // of all blocks
  std::vector<std::byte*> free_;    // has room for all of them
};

/// Grows by blocks. Copies share them until one of them writes there: a branch of a text costs a
/// block, not a text. A cache and its copies are used by one thread at a time, but for what is said
/// below.
class KvCache {
 public:
  explicit KvCache(KvBlocks& blocks) : source_(&blocks) {}

  std::int64_t length() const { return length_; }
  /// Of the keys and values of all positions.
  std::size_t bytes() const {
    return source_->block_bytes() / kCachePositions * static_cast<std::size_t>(length_);
  }

  /// Makes room for `count` more positions, which nobody else sees. Throws std::bad_alloc, and then
  /// has changed nothing.
  void extend(std::int64_t count);

  /// Forgets all but the first `length` positions, and keeps their memory.
  void truncate(std::int64_t length);

  /// One layer's part. To be written, by store_positions(), where extend() made room last; threads
  /// may write different heads at once. Valid until the next extend().
  LayerCache layer(std::int64_t index) const { return source_->layer(pointers_, index); }

 private:
  KvBlocks* source_;
  std::int64_t length_ = 0;
  std::vector<KvBlocks::Block> blocks_;
  std::vector<std::byte*> pointers_;  // to the same blocks, as kernels read them
};

}  // namespace decant
