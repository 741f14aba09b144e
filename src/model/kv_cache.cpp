#include "kv_cache.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace decant {

KvBlocks::KvBlocks(const ModelConfig& config, CacheType type)
    : heads_(static_cast<std::size_t>(config.n_head)),
      depth_(static_cast<std::size_t>(config.n_embd) / heads_),
      type_(type),
      layer_bytes_(layer_bytes(heads_, depth_, type)),
      block_bytes_(static_cast<std::size_t>(config.n_layer) * layer_bytes_) {}

KvBlocks::Block KvBlocks::take() {
  if (free_.empty()) {
    free_.reserve(memory_.size() + 1);
    memory_.push_back(arena_.take(block_bytes_));
    free_.push_back(memory_.back().data());
  }
  std::byte* const block = free_.back();
  free_.pop_back();
  return {block, [this](std::byte* unused) { free_.push_back(unused); }};
}

LayerCache KvBlocks::layer(std::span<std::byte* const> blocks, std::int64_t index) const {
  return {.blocks = blocks,
          .offset = static_cast<std::size_t>(index) * layer_bytes_,
          .heads = heads_,
          .depth = depth_,
          .type = type_};
}

void KvCache::extend(std::int64_t count) {
  const std::int64_t length = length_ + count;
  const auto first = static_cast<std::size_t>(length_ / kCachePositions);
  const auto blocks = static_cast<std::size_t>((length + kCachePositions - 1) / kCachePositions);
  const bool first_is_kept = length_ % kCachePositions != 0;
  blocks_.reserve(blocks);
  pointers_.reserve(blocks);
  for (std::size_t i = first; i < blocks; ++i) {
    if (i == blocks_.size()) {
      blocks_.push_back(source_->take());
      pointers_.push_back(blocks_[i].get());
    } else if (blocks_[i].use_count() > 1) {
      KvBlocks::Block own = source_->take();
      if (i == first && first_is_kept) {
        std::copy_n(blocks_[i].get(), source_->block_bytes(), own.get());
      }
      blocks_[i] = std::move(own);
      pointers_[i] = blocks_[i].get();
    }
  }
  length_ = length;  // last: where memory runs out, nothing has changed
}

void KvCache::truncate(std::int64_t length) {
  assert(length >= 0 && length <= length_);
  length_ = length;
}

}  // namespace decant
