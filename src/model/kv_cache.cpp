#include "kv_cache.h"

#include <algorithm>
#include <cassert>

namespace decant {

KvCache::KvCache(const ModelConfig& config)
    : heads_(config.n_head),
      depth_(config.n_embd / config.n_head),
      stride_((config.block_size + kPositionAlign - 1) / kPositionAlign * kPositionAlign),
      keys_(offset(config.n_layer, 0)),
      values_(offset(config.n_layer, 0)) {}

void KvCache::store(std::int64_t layer, std::int64_t position, std::span<const float> keys,
                    std::span<const float> values) {
  assert(position >= 0 && position < stride_);
  const auto depth = static_cast<std::size_t>(depth_);
  const auto stride = static_cast<std::size_t>(stride_);
  const auto at = static_cast<std::size_t>(position);
  for (std::int64_t h = 0; h < heads_; ++h) {
    const std::size_t first = static_cast<std::size_t>(h) * depth;
    float* key = keys_.data() + offset(layer, h) + at;
    for (std::size_t i = 0; i < depth; ++i) key[i * stride] = keys[first + i];
    std::ranges::copy(values.subspan(first, depth), values_.data() + offset(layer, h) + at * depth);
  }
}

HeadCache KvCache::head(std::int64_t layer, std::int64_t head) const {
  return {keys_.data() + offset(layer, head), values_.data() + offset(layer, head), stride_};
}

}  // namespace decant
