// Where a layer's keys and values lie in the blocks of a cache: see LayerCache.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "kernels.h"

namespace decant {

/// T = what the keys and values are held as: float, std::uint16_t (bf16) or std::int8_t (kQ8).
template <typename T>
class CacheLayout {
 public:
  explicit CacheLayout(const LayerCache& cache)
      : cache_(cache), padded_(padded_depth(cache.depth)) {}

  static constexpr bool kScaled = std::is_same_v<T, std::int8_t>;
  static constexpr auto kPositions = static_cast<std::size_t>(kCachePositions);

  std::size_t depth() const { return cache_.depth; }
  std::size_t padded() const { return padded_; }

  /// One head's keys in a block, or its values: their scales, if there are any, and the numbers.
  struct Part {
    std::byte* begin;
    std::size_t bytes;

    float* scales() const { return reinterpret_cast<float*>(begin); }
    T* numbers() const { return reinterpret_cast<T*>(begin + kScalesBytes); }
  };

  Part keys(std::size_t block, std::size_t head) const {
    return {cache_.blocks[block] + cache_.offset + head * keys_bytes(), keys_bytes()};
  }
  Part values(std::size_t block, std::size_t head) const {
    return {keys(block, cache_.heads).begin + head * values_bytes(), values_bytes()};
  }

  /// Of all heads in a block.
  std::size_t bytes() const { return cache_.heads * (keys_bytes() + values_bytes()); }

 private:
  static constexpr std::size_t kScalesBytes = kScaled ? kPositions * sizeof(float) : 0;

  std::size_t keys_bytes() const { return kScalesBytes + cache_.depth * kPositions * sizeof(T); }
  std::size_t values_bytes() const { return kScalesBytes + kPositions * padded_ * sizeof(T); }

  LayerCache cache_;
  std::size_t padded_;
};

}  // namespace decant
