// One row of scores, read once and fast: its maximum, sums of its exponentials, and compaction.
//
// The same bits on every instruction set with fused multiply-add: sums keep 16 partial sums, added
// up in one order.
//
// n = length of the row
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace decant {

/// What one read of a row tells.
struct RowScan {
  float max = 0;           ///< of the finite entries
  std::size_t finite = 0;  ///< how many there are; the others are -inf
  std::size_t bad = 0;     ///< the first NaN or +inf; n, if there is none (else nothing else holds)
};

/// How many maxima scan_row() leaves behind for a row of n entries. Each entry counts in one of
/// them, and at most 256 entries in each, up to n = 65,536, so that the k-th largest of the maxima
/// is near the k-th largest entry, and never above it.
std::size_t maxima_count(std::size_t n);

/// `maxima` holds maxima_count(n) entries.
RowScan scan_row(std::span<const float> row, std::span<float> maxima);

/// The first entry that can count in maxima[index].
std::size_t maxima_begin(std::span<const float> row, std::size_t index);

/// How many entries equal `value`.
std::size_t count_equal(std::span<const float> row, float value);

/// The index of the nth entry that equals `value`, counted from 0; n, if there are not so many.
std::size_t find_equal(std::span<const float> row, float value, std::size_t nth = 0);

/// Room that select() needs behind the last entry that it writes.
inline constexpr std::size_t kSelectPadding = 16;

/// Copies the entries with low <= entry <= high, and their ids, in their order; returns how many
/// there are. Without `ids` (nullptr), the ids count up from `first_id`. The outputs need room for
/// kSelectPadding more.
std::size_t select(std::span<const float> row, const std::int32_t* ids, std::int32_t first_id,
                   float low, float high, float* out, std::int32_t* out_ids);

/// The sum of exp((x - max) / temperature) over the entries x >= low, which is finite; a
/// temperature of infinity counts them. In float inside: within kExpSumError, relatively, of the
/// exact sum.
double exp_sum(std::span<const float> row, float low, float max, double temperature);
inline constexpr double kExpSumError = 0x1p-22;

/// The same in double precision.
double exp_sum_exact(std::span<const float> row, float low, float max, double temperature);

/// With d = (max - x) / temperature, which is finite: the sums of exp(-d) and of d * exp(-d) over
/// the entries that are not -inf, in double precision. The first has the bits of exp_sum_exact().
struct ExpMoments {
  double sum = 0;
  double distances = 0;
};
ExpMoments exp_moments(std::span<const float> row, float max, double temperature);

}  // namespace decant
