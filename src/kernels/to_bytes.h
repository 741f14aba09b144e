// Floats to integers of 8 bits with one scale. Include after hwy/foreach_target.h; no #pragma once,
// as each instruction set includes it anew.
#include <cmath>
#include <cstring>
#include <limits>

#include "simd.h"

#if defined(DECANT_KERNELS_TO_BYTES_H) == defined(HWY_TARGET_TOGGLE)
#ifdef DECANT_KERNELS_TO_BYTES_H
#undef DECANT_KERNELS_TO_BYTES_H
#else
#define DECANT_KERNELS_TO_BYTES_H
#endif

HWY_BEFORE_NAMESPACE();
namespace decant::HWY_NAMESPACE {

using IntsTag = hn::RebindToSigned<Floats>;
using Ints = hn::Vec<IntsTag>;

// What is smaller counts as zero: its inverse could overflow.
constexpr float kTiny = 1e-30f;

struct Scaled {
  float scale;  // largest magnitude / 127; NaN, where an entry is no finite number
  Ints sum;     // of the integers, over all lanes
};

// x (count) is about scale * bytes, which are padded with zeros to a multiple of 16.
HWY_INLINE Scaled to_bytes(const float* x, std::size_t count, std::int8_t* bytes) {
  const Floats d;
  const IntsTag di;
  const hn::Rebind<std::int8_t, Floats> d8;
  const std::size_t whole = count / kSums * kSums;
  float rest[kSums] = {};
  if (whole < count) std::memcpy(rest, x + whole, (count - whole) * sizeof(float));
  const std::size_t padded = whole + (whole < count ? kSums : 0);
  const auto load = [&](std::size_t i)
                        HWY_ATTR { return hn::LoadU(d, i < whole ? x + i : rest + (i - whole)); };

  // Magnitudes are ordered as their bits are, with infinity and NaN behind all numbers.
  Ints largest = hn::Zero(di);
  for (std::size_t i = 0; i < padded; i += hn::Lanes(d)) {
    largest = hn::Max(largest, hn::BitCast(di, hn::Abs(load(i))));
  }
  const float magnitude = hn::GetLane(hn::BitCast(d, hn::MaxOfLanes(di, largest)));
  Ints sum = hn::Zero(di);
  if (!std::isfinite(magnitude)) {
    std::memset(bytes, 0, padded);
    return {std::numeric_limits<float>::quiet_NaN(), sum};
  }
  const Vector inverse = hn::Set(d, magnitude > kTiny ? 127.0f / magnitude : 0.0f);
  // 1.5 * 2^23 has 1 as its last place: to add it rounds to the nearest integer, even on a tie,
  // which then is what its bits are beyond those of 1.5 * 2^23.
  const Vector round = hn::Set(d, 12582912.0f);
  const Ints offset = hn::BitCast(di, round);
  for (std::size_t i = 0; i < padded; i += hn::Lanes(d)) {
    const Vector rounded = hn::Add(hn::Mul(load(i), inverse), round);
    const Ints integers = hn::Sub(hn::BitCast(di, rounded), offset);
    sum = hn::Add(sum, integers);
    hn::StoreU(hn::DemoteTo(d8, integers), d8, bytes + i);
  }
  return {magnitude / 127.0f, sum};
}

}  // namespace decant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // DECANT_KERNELS_TO_BYTES_H
