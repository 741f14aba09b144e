// Attention of neighbouring queries of one head over the cache: two products and a softmax.
#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>
#include <type_traits>

#include "kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "attention.cpp"
#include <hwy/foreach_target.h>

#include "float_tile.h"
#include "to_bytes.h"

HWY_BEFORE_NAMESPACE();
namespace decant::HWY_NAMESPACE {

constexpr auto kPositions = static_cast<std::size_t>(kCachePositions);

// Narrows 16 floats to bf16, to nearest even; NaN stays NaN.
HWY_INLINE void narrow(const float* from, std::uint16_t* to) {
  const Floats d;
  const hn::RebindToSigned<Floats> di;
  const hn::RebindToUnsigned<Floats> du;
  const hn::Rebind<std::uint16_t, Floats> d16;
  for (std::size_t i = 0; i < kSums; i += hn::Lanes(d)) {
    const Vector value = hn::LoadU(d, from + i);
    const auto bits = hn::BitCast(du, value);
    const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(du, 1));
    const auto rounded = hn::Add(bits, hn::Add(hn::Set(du, 0x7fff), odd));
    const auto quiet = hn::Or(bits, hn::Set(du, 0x400000));
    const auto nan = hn::RebindMask(du, hn::Ne(value, value));
    const auto upper = hn::ShiftRight<16>(hn::IfThenElse(nan, quiet, rounded));
    hn::StoreU(hn::DemoteTo(d16, hn::BitCast(di, upper)), d16, to + i);
  }
}

HWY_INLINE void narrow(const float* from, float* to) {
  std::memcpy(to, from, kSums * sizeof(float));
}

// Positions [position, position + count) of one block, 16 channels at a time, by way of a buffer:
// neighbouring positions lie side by side in the keys, neighbouring channels in the values.
template <typename T>
HWY_INLINE void store(const HeadRows& rows, std::size_t depth, T* keys, T* values,
                      std::size_t position, std::size_t count) {
  const auto padded = static_cast<std::size_t>(padded_depth(static_cast<std::int64_t>(depth)));
  for (std::size_t first = 0; first < depth; first += kSums) {
    const std::size_t channels = HWY_MIN(kSums, depth - first);
    T narrow_keys[kPositions][kSums];
    for (std::size_t p = 0; p < count; ++p) {
      float padding[kSums] = {};
      const auto whole = [&](const float* from) {
        if (channels == kSums) return from;
        std::memcpy(padding, from, channels * sizeof(float));
        return static_cast<const float*>(padding);
      };
      narrow(whole(rows.keys + p * rows.stride + first), narrow_keys[p]);
      narrow(whole(rows.values + p * rows.stride + first),
             values + (position + p) * padded + first);
    }
    for (std::size_t i = 0; i < channels; ++i) {
      T* const to = keys + (first + i) * kPositions + position;
      for (std::size_t p = 0; p < count; ++p) to[p] = narrow_keys[p][i];
    }
  }
}

void store_f32(const HeadRows& rows, std::size_t depth, std::byte* block, std::size_t position,
               std::size_t count) {
  auto* const keys = reinterpret_cast<float*>(block);
  store(rows, depth, keys, keys + depth * kPositions, position, count);
}

void store_bf16(const HeadRows& rows, std::size_t depth, std::byte* block, std::size_t position,
                std::size_t count) {
  auto* const keys = reinterpret_cast<std::uint16_t*>(block);
  store(rows, depth, keys, keys + depth * kPositions, position, count);
}

// One head of one block in integers; see HeadCache.
struct Q8Head {
  Q8Head(std::byte* block, std::size_t depth)
      : key_scales(reinterpret_cast<float*>(block)),
        keys(reinterpret_cast<std::int8_t*>(key_scales + kPositions)),
        value_scales(reinterpret_cast<float*>(keys + depth * kPositions)),
        values(reinterpret_cast<std::int8_t*>(value_scales + kPositions)) {}

  float* key_scales;
  std::int8_t* keys;
  float* value_scales;
  std::int8_t* values;
};

// The values' places hold the keys first, as these came: position by position.
void store_q8(const HeadRows& rows, std::size_t depth, std::byte* block, std::size_t position,
              std::size_t count) {
  const auto padded = static_cast<std::size_t>(padded_depth(static_cast<std::int64_t>(depth)));
  const Q8Head head(block, depth);
  std::int8_t* const values = head.values + position * padded;
  for (std::size_t p = 0; p < count; ++p) {
    head.key_scales[position + p] =
        to_bytes(rows.keys + p * rows.stride, depth, values + p * padded).scale;
  }
  for (std::size_t i = 0; i < depth; ++i) {
    std::int8_t* const to = head.keys + i * kPositions + position;
    for (std::size_t p = 0; p < count; ++p) to[p] = values[p * padded + i];
  }
  for (std::size_t p = 0; p < count; ++p) {
    head.value_scales[position + p] =
        to_bytes(rows.values + p * rows.stride, depth, values + p * padded).scale;
  }
}

// x *= y, kPositions of them.
HWY_INLINE void scale_by(const float* y, float* x) {
  const Floats d;
  for (std::size_t p = 0; p < kPositions; p += hn::Lanes(d)) {
    hn::StoreU(hn::Mul(hn::LoadU(d, x + p), hn::LoadU(d, y + p)), d, x + p);
  }
}

// One query's scores, kPositions of each block, `stride` floats from block to block, made weights
// exp(score - max) of `positions` positions and zeros behind; returns 1 / their sum.
HWY_INLINE float softmax(float* scores, std::size_t stride, std::size_t blocks,
                         std::size_t positions, float scale) {
  const Floats d;
  const std::size_t lanes = hn::Lanes(d);
  // exp(-inf) = 0: what lies behind the last position adds nothing.
  float* const last = scores + (blocks - 1) * stride;
  for (std::size_t b = positions / kPositions; b < blocks; ++b) {
    const std::size_t first = b == positions / kPositions ? positions % kPositions : 0;
    for (std::size_t p = first; p < kPositions; ++p) {
      scores[b * stride + p] = -std::numeric_limits<float>::infinity();
    }
  }
  Vector maxima = hn::Set(d, -std::numeric_limits<float>::infinity());
  for (const float* block = scores; block <= last; block += stride) {
    for (std::size_t p = 0; p < kPositions; p += lanes) {
      maxima = hn::Max(maxima, hn::LoadU(d, block + p));
    }
  }
  const Vector max = hn::MaxOfLanes(d, maxima);

  HWY_ALIGN float partial[kSums] = {};
  const Vector scales = hn::Set(d, scale);
  for (float* block = scores; block <= last; block += stride) {
    for (std::size_t p = 0; p < kPositions; p += kSums) {
      for (std::size_t lane = 0; lane < kSums; lane += lanes) {
        float* const at = block + p + lane;
        const Vector score = hn::Mul(hn::Sub(hn::LoadU(d, at), max), scales);
        // Exp makes 0 of NaN, which would hide a broken model.
        const Vector e = hn::IfThenElse(hn::Eq(score, score), hn::Exp(d, score), score);
        hn::StoreU(e, d, at);
        hn::StoreU(hn::Add(hn::LoadU(d, partial + lane), e), d, partial + lane);
      }
    }
  }
  return 1.0f / sum_of_16(partial);
}

constexpr std::size_t kRunsAhead = 2;

template <typename T>
HWY_INLINE void attend_head(const HeadQueries& q, const HeadCache& cache, std::size_t positions,
                            float* workspace) {
  const auto depth = static_cast<std::size_t>(cache.depth);
  const auto padded = static_cast<std::size_t>(padded_depth(cache.depth));
  const std::size_t all = positions + q.count - 1;  // that the last query sees
  const std::size_t blocks = (all + kPositions - 1) / kPositions;
  const std::size_t stride = q.count * kPositions;  // of the scores (blocks, count, kPositions)
  float* const scores = workspace;
  float* const sums = workspace + blocks * stride;  // (count, padded)
  std::memset(workspace, 0, (blocks * stride + q.count * padded) * sizeof(float));

  // Integers are multiplied with their scales where a scale meets one number: a key's its score, a
  // value's its weight.
  constexpr bool kScaled = std::is_same_v<T, std::int8_t>;
  constexpr std::size_t kScalesBytes = kScaled ? kPositions * sizeof(float) : 0;
  const std::size_t keys_bytes = kScalesBytes + depth * kPositions * sizeof(T);
  const std::size_t values_bytes = kScalesBytes + kPositions * padded * sizeof(T);
  const auto keys_of = [&](std::size_t block) { return cache.blocks[block] + cache.offset; };
  const auto values_of = [&](std::size_t block) { return keys_of(block) + keys_bytes; };
  const auto elements = [](const std::byte* at) {
    return reinterpret_cast<const T*>(at + kScalesBytes);
  };
  const auto scale_scores = [&](const std::byte* scales, std::size_t block) {
    if constexpr (kScaled) {
      for (std::size_t i = 0; i < q.count; ++i) {
        scale_by(reinterpret_cast<const float*>(scales), scores + block * stride + i * kPositions);
      }
    }
  };

  // The runs of memory are the keys block by block, and then the values: processors do not foresee
  // where the next one lies.
  const auto ahead_of = [&](std::size_t run) {
    const std::size_t next = run + kRunsAhead;
    if (next < blocks) return Ahead(keys_of(next), keys_bytes);
    return next < 2 * blocks ? Ahead(values_of(next - blocks), values_bytes) : Ahead();
  };

  for (std::size_t b = 0; b < blocks; ++b) {
    run_tiles(FloatTile<T>{elements(keys_of(b)), kPositions, q.queries, q.query_stride, depth,
                           scores + b * stride, kPositions, ahead_of(b)},
              kPositions, q.count);
    scale_scores(keys_of(b), b);
  }
  float inverse[kAttendQueries];
  const float scale = 1.0f / std::sqrt(static_cast<float>(depth));
  for (std::size_t i = 0; i < q.count; ++i) {
    inverse[i] = softmax(scores + i * kPositions, stride, blocks, positions + i, scale);
  }
  for (std::size_t b = 0; b < blocks; ++b) {
    scale_scores(values_of(b), b);
    const auto add_values = [&](std::size_t query, std::size_t queries, std::size_t count,
                                Ahead ahead) {
      run_tiles(
          FloatTile<T>{elements(values_of(b)), padded, scores + b * stride + query * kPositions,
                       kPositions, count, sums + query * padded, padded, ahead},
          padded, queries);
    };
    if (positions >= (b + 1) * kPositions) {
      add_values(0, q.count, kPositions, ahead_of(blocks + b));
      continue;
    }
    // Each for itself: a weight of 0 times what a later token left there need not be 0.
    for (std::size_t i = 0; i < q.count; ++i) {
      if (positions + i > b * kPositions) {
        add_values(i, 1, HWY_MIN(kPositions, positions + i - b * kPositions), Ahead());
      }
    }
  }
  for (std::size_t i = 0; i < q.count; ++i) {
    float* const out = q.out + i * q.out_stride;
    for (std::size_t c = 0; c < depth; ++c) out[c] = sums[i * padded + c] * inverse[i];
  }
}

void attend_f32(const HeadQueries& q, const HeadCache& cache, std::size_t positions,
                float* workspace) {
  attend_head<float>(q, cache, positions, workspace);
}

void attend_bf16(const HeadQueries& q, const HeadCache& cache, std::size_t positions,
                 float* workspace) {
  attend_head<std::uint16_t>(q, cache, positions, workspace);
}

void attend_q8(const HeadQueries& q, const HeadCache& cache, std::size_t positions,
               float* workspace) {
  attend_head<std::int8_t>(q, cache, positions, workspace);
}

}  // namespace decant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace decant {

HWY_EXPORT(store_f32);
HWY_EXPORT(store_bf16);
HWY_EXPORT(store_q8);
HWY_EXPORT(attend_f32);
HWY_EXPORT(attend_bf16);
HWY_EXPORT(attend_q8);

namespace {

auto store_for(CacheType type) {
  switch (type) {
    case CacheType::kF32:
      return HWY_DYNAMIC_DISPATCH(store_f32);
    case CacheType::kBF16:
      return HWY_DYNAMIC_DISPATCH(store_bf16);
    case CacheType::kQ8:
      break;
  }
  return HWY_DYNAMIC_DISPATCH(store_q8);
}

auto attend_for(CacheType type) {
  switch (type) {
    case CacheType::kF32:
      return HWY_DYNAMIC_DISPATCH(attend_f32);
    case CacheType::kBF16:
      return HWY_DYNAMIC_DISPATCH(attend_bf16);
    case CacheType::kQ8:
      break;
  }
  return HWY_DYNAMIC_DISPATCH(attend_q8);
}

}  // namespace

void store_positions(const HeadCache& cache, std::int64_t position, std::size_t count,
                     const HeadRows& rows) {
  const auto store = store_for(cache.type);
  constexpr auto kPositions = static_cast<std::size_t>(kCachePositions);
  auto at = static_cast<std::size_t>(position);
  for (std::size_t done = 0; done < count;) {
    const std::size_t in_block = std::min(count - done, kPositions - at % kPositions);
    store({rows.keys + done * rows.stride, rows.values + done * rows.stride, rows.stride},
          static_cast<std::size_t>(cache.depth), cache.blocks[at / kPositions] + cache.offset,
          at % kPositions, in_block);
    done += in_block;
    at += in_block;
  }
}

void attend(const HeadQueries& q, const HeadCache& cache, std::int64_t positions,
            std::span<float> workspace) {
  [[maybe_unused]] const std::int64_t all = positions + static_cast<std::int64_t>(q.count) - 1;
  assert(q.count >= 1 && q.count <= kAttendQueries && positions >= 1);
  assert(all <= static_cast<std::int64_t>(cache.blocks.size()) * kCachePositions);
  assert(workspace.size() >= attend_workspace_size(all, cache.depth));
  attend_for(cache.type)(q, cache, static_cast<std::size_t>(positions), workspace.data());
}

}  // namespace decant
#endif  // HWY_ONCE
