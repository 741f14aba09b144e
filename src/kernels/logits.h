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

/// How many entries share one of the maxima that scan_row() leaves behind: entry i belongs to
/// maxima[i / (16 * stride) * 16 + i % 16], so that each covers `stride` entries, 16 apart.
std::size_t maxima_stride(std::size_t n);
std::size_t maxima_count(std::size_t n);

/// `maxima` holds maxima_count(n) entries.
RowScan scan_row(std::span<const float> row, std::span<float> maxima);

/// The index of the first entry that equals `value`; n, if there is none.
std::size_t find_value(std::span<const float> row, float value);

/// Room that select() needs behind the last entry that it writes.
inline constexpr std::size_t kSelectPadding = 16;

/// Copies the entries with low <= entry <= high, and their ids, in their order; returns how many
/// there are. Without `ids` (nullptr), the ids count up from `first_id`. The outputs need room for
/// kSelectPadding more.
std::size_t select(std::span<const float> row, const std::int32_t* ids, std::int32_t first_id,
                   float low, float high, float* out, std::int32_t* out_ids);

/// The sum of exp((x - max) / temperature) over the entries x >= low; a temperature of infinity
/// counts them. In float inside: within kExpSumError, relatively, of the exact sum.
double exp_sum(std::span<const float> row, float low, float max, double temperature);
inline constexpr double kExpSumError = 0x1p-22;

/// The same in double precision.
double exp_sum_exact(std::span<const float> row, float low, float max, double temperature);

}  // namespace decant
