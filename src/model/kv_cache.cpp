#include "kv_cache.h"

#include <algorithm>
#include <cassert>
#include <new>
#include <utility>

namespace decant {

KvCache::KvCache(const ModelConfig& config, CacheType type)
    : heads_(config.n_head),
      depth_(config.n_embd / config.n_head),
      type_(type),
      head_bytes_(head_bytes(depth_, type)),
      block_bytes_(static_cast<std::size_t>(config.n_layer * heads_) * head_bytes_) {}

KvCache::Block KvCache::make_block() const {
  constexpr std::align_val_t kCacheLine{64};  // vectors then never straddle two
  return {static_cast<std::byte*>(::operator new[](block_bytes_, kCacheLine)),
          [](std::byte* block) { ::operator delete[](block, kCacheLine); }};
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
      blocks_.push_back(make_block());
      pointers_.push_back(blocks_[i].get());
    } else if (blocks_[i].use_count() > 1) {
      Block own = make_block();
      if (i == first && first_is_kept) std::copy_n(blocks_[i].get(), block_bytes_, own.get());
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

HeadCache KvCache::head(std::int64_t layer, std::int64_t head) const {
  return {.blocks = pointers_,
          .offset = static_cast<std::size_t>(layer * heads_ + head) * head_bytes_,
          .depth = depth_,
          .type = type_};
}

}  // namespace decant
