// Attention of one query of one head over the cache.
#include <cassert>
#include <cmath>
#include <cstddef>
#include <limits>

#include "kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "attention.cpp"
#include <hwy/foreach_target.h>

#include "simd.h"

HWY_BEFORE_NAMESPACE();
namespace decant::HWY_NAMESPACE {

void attend_head(const float* HWY_RESTRICT q, std::size_t depth, const HeadCache& cache,
                 std::size_t positions, float* HWY_RESTRICT scores, float* HWY_RESTRICT out) {
  const Floats d;
  const std::size_t lanes = hn::Lanes(d);
  const auto stride = static_cast<std::size_t>(cache.stride);
  const std::size_t padded = (positions + kSums - 1) / kSums * kSums;  // <= stride

  const float scale = 1.0f / std::sqrt(static_cast<float>(depth));
  for (std::size_t p = 0; p < padded; p += lanes) {
    Vector sum = hn::Zero(d);
    for (std::size_t i = 0; i < depth; ++i) {
      sum = hn::MulAdd(hn::Set(d, q[i]), hn::LoadU(d, cache.keys + i * stride + p), sum);
    }
    hn::StoreU(hn::Mul(sum, hn::Set(d, scale)), d, scores + p);
  }

  // exp(-inf) = 0: what lies behind the last position adds nothing.
  for (std::size_t p = positions; p < padded; ++p) {
    scores[p] = -std::numeric_limits<float>::infinity();
  }
  float max = scores[0];
  for (std::size_t p = 1; p < positions; ++p) max = HWY_MAX(max, scores[p]);

  HWY_ALIGN float partial[kSums] = {};
  for (std::size_t p = 0; p < padded; p += kSums) {
    for (std::size_t lane = 0; lane < kSums; lane += lanes) {
      const Vector score = hn::Sub(hn::LoadU(d, scores + p + lane), hn::Set(d, max));
      // Exp makes 0 of NaN, which would hide a broken model.
      const Vector e = hn::IfThenElse(hn::Eq(score, score), hn::Exp(d, score), score);
      hn::StoreU(e, d, scores + p + lane);
      hn::StoreU(hn::Add(hn::LoadU(d, partial + lane), e), d, partial + lane);
    }
  }
  const float inverse = 1.0f / sum_of_16(partial);

  std::size_t i = 0;
  for (; i + lanes <= depth; i += lanes) {
    Vector sum = hn::Zero(d);
    for (std::size_t p = 0; p < positions; ++p) {
      sum = hn::MulAdd(hn::Set(d, scores[p]), hn::LoadU(d, cache.values + p * depth + i), sum);
    }
    hn::StoreU(hn::Mul(sum, hn::Set(d, inverse)), d, out + i);
  }
  for (; i < depth; ++i) {  // a head size that is no multiple of the vector
    const hn::CappedTag<float, 1> d1;
    auto sum = hn::Zero(d1);
    for (std::size_t p = 0; p < positions; ++p) {
      sum = hn::MulAdd(hn::Set(d1, scores[p]), hn::LoadU(d1, cache.values + p * depth + i), sum);
    }
    out[i] = hn::GetLane(sum) * inverse;
  }
}

}  // namespace decant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace decant {

HWY_EXPORT(attend_head);

void attend(std::span<const float> q, const HeadCache& cache, std::int64_t positions,
            std::span<float> scores, std::span<float> out) {
  assert(positions >= 1 && positions <= cache.stride);
  assert(cache.stride % kPositionAlign == 0);
  assert(static_cast<std::int64_t>(scores.size()) >= cache.stride && out.size() == q.size());
  HWY_DYNAMIC_DISPATCH(attend_head)
  (q.data(), q.size(), cache, static_cast<std::size_t>(positions), scores.data(), out.data());
}

}  // namespace decant
#endif  // HWY_ONCE
