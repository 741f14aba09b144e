// Floats to integers of 8 bits with one scale. Include after hwy/foreach_target.h; no #pragma once,
// as each instruction set includes it anew.
#include <cstring>

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

  Vector largest = hn::Zero(d);
  Vector poison = hn::Zero(d);  // stays 0 but for infinities and NaN, which it makes NaN
  for (std::size_t i = 0; i < padded; i += hn::Lanes(d)) {
    const Vector v = load(i);
    largest = hn::Max(largest, hn::Abs(v));
    poison = hn::MulAdd(v, hn::Zero(d), poison);
  }
  const float magnitude = hn::GetLane(hn::MaxOfLanes(d, largest));
  const Vector inverse = hn::Set(d, magnitude > kTiny ? 127.0f / magnitude : 0.0f);
  Ints sum = hn::Zero(di);
  for (std::size_t i = 0; i < padded; i += hn::Lanes(d)) {
    const Vector scaled = hn::Mul(load(i), inverse);
    // No number, and what comes of an infinity, becomes 0: the scale tells.
    const auto fits = hn::Le(hn::Abs(scaled), hn::Set(d, 127.5f));
    const Ints integers = hn::NearestInt(hn::IfThenElseZero(fits, scaled));
    sum = hn::Add(sum, integers);
    hn::StoreU(hn::DemoteTo(d8, integers), d8, bytes + i);
  }
  return {magnitude / 127.0f + hn::GetLane(hn::SumOfLanes(d, poison)), sum};
}

}  // namespace decant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // DECANT_KERNELS_TO_BYTES_H
