// Attention of neighbouring queries of one head over the cache: two products and a softmax.
#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>

#include "cache_layout.h"
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

// Positions [position, position + count) of one head in one block, 16 channels at a time, by way of
// a buffer: neighbouring positions lie side by side in the keys, neighbouring channels in the
// values.
template <typename T>
HWY_INLINE void store(const CacheLayout<T>& layout, std::size_t block, std::size_t head,
                      std::size_t position, const KeysAndValues& from) {
  T* const keys = layout.keys(block, head).numbers() + position;
  T* const values = layout.values(block, head).numbers() + position * layout.padded();
  for (std::size_t first = 0; first < layout.depth(); first += kSums) {
    const std::size_t channels = HWY_MIN(kSums, layout.depth() - first);
    T narrow_keys[kPositions][kSums];
    for (std::size_t p = 0; p < from.count; ++p) {
      float padding[kSums] = {};
      const auto whole = [&](const float* row) {
        if (channels == kSums) return row;
        std::memcpy(padding, row, channels * sizeof(float));
        return static_cast<const float*>(padding);
      };
      narrow(whole(from.keys + p * from.stride + first), narrow_keys[p]);
      narrow(whole(from.values + p * from.stride + first), values + p * layout.padded() + first);
    }
    for (std::size_t i = 0; i < channels; ++i) {
      T* const to = keys + (first + i) * kPositions;
      for (std::size_t p = 0; p < from.count; ++p) to[p] = narrow_keys[p][i];
    }
  }
}

// The values' places hold the keys first, as these came: position by position.
HWY_INLINE void store(const CacheLayout<std::int8_t>& layout, std::size_t block, std::size_t head,
                      std::size_t position, const KeysAndValues& from) {
  const auto keys = layout.keys(block, head);
  const auto values = layout.values(block, head);
  std::int8_t* const rows = values.numbers() + position * layout.padded();
  for (std::size_t p = 0; p < from.count; ++p) {
    keys.scales()[position + p] =
        to_bytes(from.keys + p * from.stride, layout.depth(), rows + p * layout.padded()).scale;
  }
  for (std::size_t i = 0; i < layout.depth(); ++i) {
    std::int8_t* const to = keys.numbers() + i * kPositions + position;
    for (std::size_t p = 0; p < from.count; ++p) to[p] = rows[p * layout.padded() + i];
  }
  for (std::size_t p = 0; p < from.count; ++p) {
    values.scales()[position + p] =
        to_bytes(from.values + p * from.stride, layout.depth(), rows + p * layout.padded()).scale;
  }
}

template <typename T>
HWY_INLINE void store_heads(const LayerCache& cache, Heads heads, std::size_t position,
                            KeysAndValues from) {
  const CacheLayout<T> layout(cache);
  while (from.count > 0) {
    const std::size_t count = HWY_MIN(from.count, kPositions - position % kPositions);
    for (std::size_t h = 0; h < heads.count; ++h) {
      const std::size_t channel = h * layout.depth();
      store(layout, position / kPositions, heads.first + h, position % kPositions,
            {from.keys + channel, from.values + channel, from.stride, count});
    }
    from.keys += count * from.stride;
    from.values += count * from.stride;
    from.count -= count;
    position += count;
  }
}

void store_all(const LayerCache& cache, Heads heads, std::size_t position,
               const KeysAndValues& from) {
  switch (cache.type) {
    case CacheType::kF32:
      return store_heads<float>(cache, heads, position, from);
    case CacheType::kBF16:
      return store_heads<std::uint16_t>(cache, heads, position, from);
    case CacheType::kQ8:
      return store_heads<std::int8_t>(cache, heads, position, from);
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

template <typename T>
HWY_INLINE void attend_heads(const Queries& q, const LayerCache& cache, Heads heads,
                             std::size_t positions, float* workspace) {
  const CacheLayout<T> layout(cache);
  const std::size_t depth = layout.depth();
  const std::size_t padded = layout.padded();
  const std::size_t all = positions + q.count - 1;  // that the last query sees
  const std::size_t blocks = (all + kPositions - 1) / kPositions;
  const std::size_t stride = q.count * kPositions;
  const std::size_t answers = heads.count * q.count;
  float* const scores = workspace;                             // (heads, blocks, count, kPositions)
  float* const sums = scores + heads.count * blocks * stride;  // (heads, count, padded)
  float* const inverses = sums + answers * padded;             // (heads, count)
  std::memset(workspace, 0, (heads.count * blocks * stride + answers * padded) * sizeof(float));
  const auto scores_of = [&](std::size_t head, std::size_t block) {
    return scores + (head * blocks + block) * stride;
  };
  // Integers are multiplied with their scales where a scale meets one number: a key's its score, a
  // value's its weight.
  const auto scale_scores = [&](const auto& part, float* to) {
    if constexpr (CacheLayout<T>::kScaled) {
      for (std::size_t i = 0; i < q.count; ++i) scale_by(part.scales(), to + i * kPositions);
    }
  };
  // Of what is read part by part, keys block by block and then values, the next one: processors do
  // not foresee where it lies.
  const auto after = [&](std::size_t part) {
    const std::size_t block = (part + 1) / heads.count;
    const std::size_t head = heads.first + (part + 1) % heads.count;
    if (block >= 2 * blocks) return Ahead();
    const auto next =
        block < blocks ? layout.keys(block, head) : layout.values(block - blocks, head);
    return Ahead(next.begin, next.bytes);
  };

  for (std::size_t b = 0; b < blocks; ++b) {
    for (std::size_t h = 0; h < heads.count; ++h) {
      const auto keys = layout.keys(b, heads.first + h);
      run_tiles(FloatTile<T>{keys.numbers(), kPositions, q.queries + h * depth, q.query_stride,
                             depth, scores_of(h, b), kPositions, after(b * heads.count + h)},
                kPositions, q.count);
      scale_scores(keys, scores_of(h, b));
    }
  }
  const float scale = 1.0f / std::sqrt(static_cast<float>(depth));
  for (std::size_t h = 0; h < heads.count; ++h) {
    for (std::size_t i = 0; i < q.count; ++i) {
      inverses[h * q.count + i] =
          softmax(scores_of(h, 0) + i * kPositions, stride, blocks, positions + i, scale);
    }
  }
  for (std::size_t b = 0; b < blocks; ++b) {
    for (std::size_t h = 0; h < heads.count; ++h) {
      const auto values = layout.values(b, heads.first + h);
      float* const weights = scores_of(h, b);
      scale_scores(values, weights);
      const auto add_values = [&](std::size_t query, std::size_t queries, std::size_t count,
                                  Ahead ahead) {
        run_tiles(FloatTile<T>{values.numbers(), padded, weights + query * kPositions, kPositions,
                               count, sums + (h * q.count + query) * padded, padded, ahead},
                  padded, queries);
      };
      if (positions >= (b + 1) * kPositions) {
        add_values(0, q.count, kPositions, after((blocks + b) * heads.count + h));
        continue;
      }
      // Each for itself: a weight of 0 times what a later token left there need not be 0.
      for (std::size_t i = 0; i < q.count; ++i) {
        if (positions + i > b * kPositions) {
          add_values(i, 1, HWY_MIN(kPositions, positions + i - b * kPositions), Ahead());
        }
      }
    }
  }
  for (std::size_t h = 0; h < heads.count; ++h) {
    for (std::size_t i = 0; i < q.count; ++i) {
      const std::size_t answer = h * q.count + i;
      float* const out = q.out + i * q.out_stride + h * depth;
      for (std::size_t c = 0; c < depth; ++c) {
        out[c] = sums[answer * padded + c] * inverses[answer];
      }
    }
  }
}

void attend_all(const Queries& q, const LayerCache& cache, Heads heads, std::size_t positions,
                float* workspace) {
  switch (cache.type) {
    case CacheType::kF32:
      return attend_heads<float>(q, cache, heads, positions, workspace);
    case CacheType::kBF16:
      return attend_heads<std::uint16_t>(q, cache, heads, positions, workspace);
    case CacheType::kQ8:
      return attend_heads<std::int8_t>(q, cache, heads, positions, workspace);
  }
}

}  // namespace decant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace decant {

HWY_EXPORT(store_all);
HWY_EXPORT(attend_all);

std::size_t layer_bytes(std::size_t heads, std::size_t depth, CacheType type) {
  const LayerCache cache{.blocks = {}, .offset = 0, .heads = heads, .depth = depth, .type = type};
  switch (cache.type) {
    case CacheType::kF32:
      return CacheLayout<float>(cache).bytes();
    case CacheType::kBF16:
      return CacheLayout<std::uint16_t>(cache).bytes();
    case CacheType::kQ8:
      break;
  }
  return CacheLayout<std::int8_t>(cache).bytes();
}

void store_positions(const LayerCache& cache, Heads heads, std::int64_t position,
                     const KeysAndValues& from) {
  HWY_DYNAMIC_DISPATCH(store_all)(cache, heads, static_cast<std::size_t>(position), from);
}

void attend(const Queries& q, const LayerCache& cache, Heads heads, std::int64_t positions,
            std::span<float> workspace) {
  [[maybe_unused]] const std::int64_t all = positions + static_cast<std::int64_t>(q.count) - 1;
  assert(q.count >= 1 && q.count <= kAttendQueries && positions >= 1);
  assert(all <= static_cast<std::int64_t>(cache.blocks.size()) * kCachePositions);
  assert(workspace.size() >= attend_workspace_size(heads.count * q.count, all, cache.depth));
  HWY_DYNAMIC_DISPATCH(attend_all)
  (q, cache, heads, static_cast<std::size_t>(positions), workspace.data());
}

}  // namespace decant
#endif  // HWY_ONCE
