#include "logits.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <numeric>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "logits.cpp"
#include <hwy/foreach_target.h>

#include "simd.h"

HWY_BEFORE_NAMESPACE();
namespace decant::HWY_NAMESPACE {

using Ids = hn::RebindToSigned<Floats>;
using Doubles = hn::CappedTag<double, 8>;
using FewFloats = hn::Rebind<float, Doubles>;  // as many as there are Doubles
using DoubleVector = hn::Vec<Doubles>;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// A row is added up in blocks of so many; the last one is filled up with -inf.
constexpr std::size_t kBlock = 64;

// For a row that is not finite throughout: counts what is, and finds what must not be there.
void examine(const float* row, std::size_t n, RowScan& scan) {
  const Floats d;
  const std::size_t lanes = hn::Lanes(d);
  const Vector infinity = hn::Set(d, kInfinity);
  const Vector minus_infinity = hn::Set(d, -kInfinity);
  scan.finite = 0;
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const Vector x = hn::LoadU(d, row + i);
    if (!hn::AllTrue(d, hn::Lt(x, infinity))) break;
    scan.finite += hn::CountTrue(d, hn::Gt(x, minus_infinity));
  }
  for (; i < n && row[i] < kInfinity; ++i) scan.finite += row[i] > -kInfinity ? 1 : 0;
  scan.bad = i;
}

// A vector for more than one use. Without the empty statement GCC makes the load a part of each
// instruction that uses it, and the row is read twice.
HWY_INLINE Vector load_once(const float* from) {
  Vector v = hn::LoadU(Floats(), from);
#if HWY_ARCH_X86 && HWY_COMPILER_GCC && HWY_TARGET <= HWY_SSSE3
  asm("" : "+v"(v.raw));
#endif
  return v;
}

// One add beside each max finds out whether anything is not finite: max takes no notice of NaN, but
// a sum does. Most rows are finite, and the others are read once more.
RowScan scan(const float* row, std::size_t n, std::size_t stride, float* maxima) {
  const Floats d;
  const std::size_t lanes = hn::Lanes(d);
  const Vector lowest = hn::Set(d, -kInfinity);
  Vector total_max = lowest;
  Vector sum0 = hn::Zero(d);
  Vector sum1 = hn::Zero(d);
  for (std::size_t begin = 0; begin < n; begin += kSums * stride, maxima += kSums) {
    const std::size_t end = std::min(n, begin + kSums * stride);
    for (std::size_t lane = 0; lane < kSums; lane += lanes) {
      Vector max0 = lowest;
      Vector max1 = lowest;
      Vector max2 = lowest;
      Vector max3 = lowest;
      std::size_t i = begin + lane;
      for (; i + 3 * kSums + lanes <= end; i += 4 * kSums) {
        const Vector a = load_once(row + i);
        const Vector b = load_once(row + i + kSums);
        const Vector c = load_once(row + i + 2 * kSums);
        const Vector e = load_once(row + i + 3 * kSums);
        max0 = hn::Max(max0, a);
        max1 = hn::Max(max1, b);
        max2 = hn::Max(max2, c);
        max3 = hn::Max(max3, e);
        sum0 = hn::Add(sum0, hn::Add(a, b));
        sum1 = hn::Add(sum1, hn::Add(c, e));
      }
      for (; i < end; i += kSums) {
        HWY_ALIGN float rest[kSums];
        const std::size_t left = std::min(lanes, end - i);
        std::fill(std::copy_n(row + i, left, rest), rest + lanes, -kInfinity);
        max0 = hn::Max(max0, hn::Load(d, rest));
        std::fill(rest + left, rest + lanes, 0.0f);
        sum0 = hn::Add(sum0, hn::Load(d, rest));
      }
      const Vector max = hn::Max(hn::Max(max0, max1), hn::Max(max2, max3));
      hn::StoreU(max, d, maxima + lane);
      total_max = hn::Max(total_max, max);
    }
  }
  HWY_ALIGN float last[kSums];
  hn::Store(hn::Add(sum0, sum1), d, last);
  const bool all_finite = std::isfinite(std::accumulate(last, last + lanes, 0.0f));
  hn::Store(total_max, d, last);
  RowScan result{.max = *std::max_element(last, last + lanes), .finite = n, .bad = n};
  if (!all_finite) examine(row, n, result);
  return result;
}

std::size_t count_all_equal(const float* row, std::size_t n, float value) {
  const Floats d;
  const std::size_t lanes = hn::Lanes(d);
  const Vector wanted = hn::Set(d, value);
  std::size_t count = 0;
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    count += hn::CountTrue(d, hn::Eq(hn::LoadU(d, row + i), wanted));
  }
  for (; i < n; ++i) count += row[i] == value ? 1 : 0;
  return count;
}

std::size_t find_nth_equal(const float* row, std::size_t n, float value, std::size_t nth) {
  const Floats d;
  const std::size_t lanes = hn::Lanes(d);
  const Vector wanted = hn::Set(d, value);
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const std::size_t count = hn::CountTrue(d, hn::Eq(hn::LoadU(d, row + i), wanted));
    if (count > nth) break;
    nth -= count;
  }
  for (; i < n; ++i) {
    if (row[i] == value && nth-- == 0) break;
  }
  return i;
}

// Writes the entries inside, and their ids; returns how many. A compressed vector is stored whole,
// as a masked store would be slower than the bytes are worth.
HWY_INLINE std::size_t select_vector(Vector x, hn::Vec<Ids> id, Vector low, Vector high, float* out,
                                     std::int32_t* out_ids) {
  const Floats d;
  const Ids di;
  const auto inside = hn::And(hn::Ge(x, low), hn::Le(x, high));
  hn::StoreU(hn::Compress(x, inside), d, out);
  hn::StoreU(hn::Compress(id, hn::RebindMask(di, inside)), di, out_ids);
  return hn::CountTrue(d, inside);
}

template <bool kHasIds>
HWY_INLINE std::size_t select_from(const float* row, const std::int32_t* ids, std::int32_t first_id,
                                   std::size_t n, float low, float high, float* out,
                                   std::int32_t* out_ids) {
  const Floats d;
  const Ids di;
  const std::size_t lanes = hn::Lanes(d);
  const Vector lows = hn::Set(d, low);
  const Vector highs = hn::Set(d, high);
  std::size_t count = 0;
  std::size_t i = 0;
  const auto first_ids = hn::Iota(di, first_id);
  const auto id_at = [&](std::size_t at) HWY_ATTR {
    if constexpr (kHasIds) return hn::LoadU(di, ids + at);
    return hn::Add(first_ids, hn::Set(di, static_cast<std::int32_t>(at)));
  };
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    const Vector a = hn::LoadU(d, row + i);
    const Vector b = hn::LoadU(d, row + i + lanes);
    const Vector c = hn::LoadU(d, row + i + 2 * lanes);
    const Vector e = hn::LoadU(d, row + i + 3 * lanes);
    const Vector max = hn::Max(hn::Max(a, b), hn::Max(c, e));
    if (hn::AllFalse(d, hn::Ge(max, lows))) continue;
    const auto take = [&](std::size_t j, Vector x) HWY_ATTR {
      count += select_vector(x, id_at(i + j * lanes), lows, highs, out + count, out_ids + count);
    };
    take(0, a);
    take(1, b);
    take(2, c);
    take(3, e);
  }
  for (; i < n; ++i) {
    if (!(row[i] >= low && row[i] <= high)) continue;
    out[count] = row[i];
    out_ids[count] = kHasIds ? ids[i] : first_id + static_cast<std::int32_t>(i);
    ++count;
  }
  return count;
}

std::size_t select_all(const float* row, const std::int32_t* ids, std::int32_t first_id,
                       std::size_t n, float low, float high, float* out, std::int32_t* out_ids) {
  return ids == nullptr ? select_from<false>(row, ids, first_id, n, low, high, out, out_ids)
                        : select_from<true>(row, ids, first_id, n, low, high, out, out_ids);
}

// 2^(x * scale - exponent) to 1e-7, relatively. The scale in two floats, so that the product is
// exact to twice the digits: its integer part is the exponent of the result, and the rest, in
// [-1/2, 1/2], goes through a polynomial of degree 6 (minimax, 2e-8).
struct Exponential {
  Exponential(float max, double temperature) {
    constexpr double kLog2E = 1.4426950408889634074;
    const double exact_scale = kLog2E / temperature;
    scale = static_cast<float>(exact_scale);
    scale_rest = static_cast<float>(exact_scale - static_cast<double>(scale));
    const double top = static_cast<double>(max) * exact_scale;
    exponent = std::nearbyint(top);
    correction = std::exp2(exponent - top);
    // Below, a result would not be a normal float. It is as good as 0 beside the maximum's 1.
    lowest = static_cast<float>(
        std::max((exponent - 120) / exact_scale, -double{std::numeric_limits<float>::max()}));
  }

  HWY_INLINE Vector operator()(Floats d, Vector x) const {
    // Adding 1.5 * 2^23 rounds to an integer, and leaves it in the low bits of the sum.
    constexpr float kMagic = 12582912.0f;
    const Vector scales = hn::Set(d, scale);
    const Vector clamped = hn::Max(x, hn::Set(d, lowest));
    const Vector shifted = hn::MulAdd(clamped, scales, hn::Set(d, kMagic));
    const Vector whole = hn::Sub(shifted, hn::Set(d, kMagic));
    const Vector r =
        hn::MulAdd(clamped, hn::Set(d, scale_rest), hn::MulSub(clamped, scales, whole));
    Vector p = hn::MulAdd(r, hn::Set(d, 1.535336196e-4f), hn::Set(d, 1.339887502e-3f));
    p = hn::MulAdd(r, p, hn::Set(d, 9.618436918e-3f));
    p = hn::MulAdd(r, p, hn::Set(d, 5.550332367e-2f));
    p = hn::MulAdd(r, p, hn::Set(d, 2.402264774e-1f));
    p = hn::MulAdd(r, p, hn::Set(d, 6.931471825e-1f));
    p = hn::MulAdd(r, p, hn::Set(d, 1.0f));
    const Ids di;
    const auto bits =
        hn::Sub(hn::BitCast(di, shifted), hn::Set(di, static_cast<std::int32_t>(exponent)));
    return hn::BitCast(d, hn::Add(hn::BitCast(di, p), hn::ShiftLeft<23>(bits)));
  }

  float scale;
  float scale_rest;
  float lowest;
  double exponent;
  double correction;  // from 2^(x * scale - exponent) to exp((x - max) / temperature)
};

// The 16 partial sums of a row, in double.
struct Sums {
  HWY_ALIGN double partial[kSums] = {};

  HWY_INLINE void add(std::size_t lane, DoubleVector v) {
    const Doubles dd;
    hn::Store(hn::Add(hn::Load(dd, partial + lane), v), dd, partial + lane);
  }
  double total() {
    for (std::size_t half = kSums / 2; half > 0; half /= 2) {
      for (std::size_t i = 0; i < half; ++i) partial[i] += partial[i + half];
    }
    return partial[0];
  }
};

// Calls visit on the blocks of a row.
template <typename Visit>
HWY_INLINE void for_each_block(const float* row, std::size_t n, const Visit& visit) {
  std::size_t i = 0;
  for (; i + kBlock <= n; i += kBlock) visit(row + i);
  if (i < n) {
    float block[kBlock];
    std::fill(std::copy_n(row + i, n - i, block), block + kBlock, -kInfinity);
    visit(block);
  }
}

HWY_INLINE bool any_from(const float* block, float low) {
  const Floats d;
  Vector max = hn::LoadU(d, block);
  for (std::size_t i = hn::Lanes(d); i < kBlock; i += hn::Lanes(d)) {
    max = hn::Max(max, hn::LoadU(d, block + i));
  }
  return !hn::AllFalse(d, hn::Ge(max, hn::Set(d, low)));
}

double sum_exp_exact(const float* row, std::size_t n, float low, float max, double temperature) {
  const Doubles dd;
  const FewFloats df;
  const auto lows = hn::Set(df, low);
  const auto maxes = hn::Set(dd, static_cast<double>(max));
  const auto inverse = hn::Set(dd, 1 / temperature);
  Sums sums;
  for_each_block(row, n, [&](const float* block) HWY_ATTR {
    for (std::size_t i = 0; i < kBlock; i += hn::Lanes(dd)) {
      const auto few = hn::LoadU(df, block + i);
      if (hn::AllFalse(df, hn::Ge(few, lows))) continue;
      const DoubleVector x = hn::PromoteTo(dd, few);
      const auto inside = hn::Ge(x, hn::Set(dd, static_cast<double>(low)));
      // At an infinite temperature -inf, which is outside, would make NaN.
      const auto power = hn::IfThenElseZero(inside, hn::Mul(hn::Sub(x, maxes), inverse));
      sums.add(i % kSums, hn::IfThenElseZero(inside, hn::Exp(dd, power)));
    }
  });
  return sums.total();
}

ExpMoments exp_moments_of(const float* row, std::size_t n, float max, double temperature) {
  const Doubles dd;
  const FewFloats df;
  const auto impossible = hn::Set(dd, -std::numeric_limits<double>::infinity());
  const auto maxes = hn::Set(dd, static_cast<double>(max));
  const auto inverse = hn::Set(dd, 1 / temperature);
  Sums sums;
  Sums distances;
  for_each_block(row, n, [&](const float* block) HWY_ATTR {
    for (std::size_t i = 0; i < kBlock; i += hn::Lanes(dd)) {
      const DoubleVector x = hn::PromoteTo(dd, hn::LoadU(df, block + i));
      const auto inside = hn::Gt(x, impossible);
      const auto power = hn::IfThenElseZero(inside, hn::Mul(hn::Sub(x, maxes), inverse));
      const DoubleVector weight = hn::IfThenElseZero(inside, hn::Exp(dd, power));
      sums.add(i % kSums, weight);
      distances.add(i % kSums, hn::Mul(weight, hn::Neg(power)));
    }
  });
  return {sums.total(), distances.total()};
}

// What is said of the error of a sum in float takes fused multiply-add to keep.
#undef DECANT_FUSED
#if HWY_ARCH_X86
#define DECANT_FUSED (HWY_TARGET <= HWY_AVX2)
#else
#define DECANT_FUSED (HWY_TARGET == HWY_NEON)
#endif

#if DECANT_FUSED
// Without a floor there is nothing to mask: what is -inf weighs next to nothing.
template <bool kHasFloor>
HWY_INLINE double sum_exp_from(const float* row, std::size_t n, float low,
                               const Exponential& exponential) {
  const Floats d;
  const Doubles dd;
  const FewFloats df;
  const Vector lows = hn::Set(d, low);
  Sums sums;
  for_each_block(row, n, [&](const float* block) HWY_ATTR {
    if (kHasFloor && !any_from(block, low)) return;
    HWY_ALIGN float fours[kSums];  // four rows of 16 added up in float, the rest in double
    for (std::size_t lane = 0; lane < kSums; lane += hn::Lanes(d)) {
      const auto weight = [&](std::size_t i) HWY_ATTR {
        const Vector x = hn::LoadU(d, block + i * kSums + lane);
        const Vector w = exponential(d, x);
        return kHasFloor ? hn::IfThenElseZero(hn::Ge(x, lows), w) : w;
      };
      hn::Store(hn::Add(hn::Add(weight(0), weight(1)), hn::Add(weight(2), weight(3))), d,
                fours + lane);
    }
    for (std::size_t lane = 0; lane < kSums; lane += hn::Lanes(dd)) {
      sums.add(lane, hn::PromoteTo(dd, hn::Load(df, fours + lane)));
    }
  });
  return sums.total() * exponential.correction;
}

double sum_exp(const float* row, std::size_t n, float low, float max, double temperature) {
  const Exponential exponential(max, temperature);
  // At an infinite temperature also -inf would weigh 1.
  const bool has_floor = low > std::numeric_limits<float>::lowest() || std::isinf(temperature);
  return has_floor ? sum_exp_from<true>(row, n, low, exponential)
                   : sum_exp_from<false>(row, n, low, exponential);
}
#else
double sum_exp(const float* row, std::size_t n, float low, float max, double temperature) {
  return sum_exp_exact(row, n, low, max, temperature);
}
#endif

}  // namespace decant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace decant {

HWY_EXPORT(scan);
HWY_EXPORT(count_all_equal);
HWY_EXPORT(find_nth_equal);
HWY_EXPORT(select_all);
HWY_EXPORT(sum_exp);
HWY_EXPORT(sum_exp_exact);
HWY_EXPORT(exp_moments_of);

namespace {

constexpr std::size_t kLanes = 16;  // of the widest vector

// Entries before the first that lies where a cache line begins: a vector that straddles two lines
// takes two loads.
std::size_t head_size(std::span<const float> row) {
  const auto address = reinterpret_cast<std::uintptr_t>(row.data());
  return std::min<std::size_t>(row.size(), (64 - address % 64) % 64 / sizeof(float));
}

// About 200 maxima are few enough to look through, and enough to tell the 50 largest entries.
std::size_t maxima_stride(std::size_t n) {
  return 256 * std::max<std::size_t>(1, (n + 65535) / 65536);
}

}  // namespace

std::size_t maxima_count(std::size_t n) {
  const std::size_t chunk = kLanes * maxima_stride(n);
  return (n + chunk - 1) / chunk * kLanes;
}

std::size_t maxima_begin(std::span<const float> row, std::size_t index) {
  if (index < kLanes) return 0;
  return head_size(row) + index / kLanes * kLanes * maxima_stride(row.size());
}

RowScan scan_row(std::span<const float> row, std::span<float> maxima) {
  assert(maxima.size() == maxima_count(row.size()));
  const std::size_t head = head_size(row);
  const auto body = row.subspan(head);
  std::ranges::fill(maxima, -std::numeric_limits<float>::infinity());
  RowScan result = HWY_DYNAMIC_DISPATCH(scan)(body.data(), body.size(), maxima_stride(row.size()),
                                              maxima.data());
  result.bad += head;
  for (std::size_t i = head; i-- > 0;) {
    const float x = row[i];
    if (!(x < std::numeric_limits<float>::infinity())) result.bad = i;
    result.finite += x > -std::numeric_limits<float>::infinity() ? 1 : 0;
    result.max = std::max(result.max, x);
    maxima[i] = std::max(maxima[i], x);
  }
  return result;
}

std::size_t count_equal(std::span<const float> row, float value) {
  return HWY_DYNAMIC_DISPATCH(count_all_equal)(row.data(), row.size(), value);
}

std::size_t find_equal(std::span<const float> row, float value, std::size_t nth) {
  return HWY_DYNAMIC_DISPATCH(find_nth_equal)(row.data(), row.size(), value, nth);
}

std::size_t select(std::span<const float> row, const std::int32_t* ids, std::int32_t first_id,
                   float low, float high, float* out, std::int32_t* out_ids) {
  return HWY_DYNAMIC_DISPATCH(select_all)(row.data(), ids, first_id, row.size(), low, high, out,
                                          out_ids);
}

double exp_sum(std::span<const float> row, float low, float max, double temperature) {
  // In float, x / temperature must have digits left behind the point, and 1 / temperature all of
  // its.
  const bool fits =
      std::isinf(temperature) || (temperature > 1e-30 && temperature < 1e30 &&
                                  std::abs(static_cast<double>(max)) < temperature * 0x1p19);
  if (!fits) return exp_sum_exact(row, low, max, temperature);
  return HWY_DYNAMIC_DISPATCH(sum_exp)(row.data(), row.size(), low, max, temperature);
}

double exp_sum_exact(std::span<const float> row, float low, float max, double temperature) {
  return HWY_DYNAMIC_DISPATCH(sum_exp_exact)(row.data(), row.size(), low, max, temperature);
}

ExpMoments exp_moments(std::span<const float> row, float max, double temperature) {
  return HWY_DYNAMIC_DISPATCH(exp_moments_of)(row.data(), row.size(), max, temperature);
}

}  // namespace decant
#endif  // HWY_ONCE
