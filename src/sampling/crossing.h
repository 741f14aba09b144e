// Where the cumulative mass of a ranking crosses a threshold, found without sorting the ranking.
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "decant/types.h"

namespace decant {

/// Scores of candidates, and whose they are. Ids ascend. Entries of -inf are not candidates.
struct Row {
  std::span<const float> values = {};
  const TokenId* ids = nullptr;  // nullptr: they count up from first_id
  TokenId first_id = 0;

  std::size_t size() const { return values.size(); }
  TokenId id(std::size_t i) const {
    return ids == nullptr ? first_id + static_cast<TokenId>(i) : ids[i];
  }
  /// How many entries have an id of at most `last`.
  std::size_t count_to(TokenId last) const;
  Row first(std::size_t n) const { return {values.first(n), ids, first_id}; }
  Row from(std::size_t n) const {
    return {values.subspan(n), ids == nullptr ? nullptr : ids + n,
            first_id + static_cast<TokenId>(n)};
  }
};

/// A place in a ranking: larger value first, lower id first on ties.
struct Place {
  float value = 0;
  TokenId token = 0;

  bool ranks_before(const Place& other) const {
    return value > other.value || (value == other.value && token < other.token);
  }
};

inline bool ranks_before(const Place& a, const Place& b) { return a.ranks_before(b); }

/// The next larger float.
inline float next_above(float value) {
  return std::nextafter(value, std::numeric_limits<float>::infinity());
}

/// How candidates weigh: exp((value - max) / temperature). At a temperature of infinity each weighs
/// 1, and a mass is a count.
struct Weighing {
  float max = 0;
  double temperature = 1;

  double weight(float value) const;
};

/// What is looked for: the first place of the ranking where cumulative mass / total mass reaches
/// `share`, or exceeds it.
struct Threshold {
  double share = 0;
  bool exceed = false;

  bool reached(double cumulative, double total) const {
    const double q = cumulative / total;
    return exceed ? q > share : q >= share;
  }
};

/// The least j >= 1 for which the threshold is reached at above + j * weight, which has to be so at
/// `count`, within rounding.
double ties_to_reach(const Threshold& threshold, double above, double weight, double count,
                     double total);

struct Crossing {
  Place place = {};
  double weight = 0;  // of that candidate
  double total = 0;   // the mass of the row
};

/// A buffer for rows that are made from other rows.
struct RowBuffer {
  std::vector<float> values = {};
  std::vector<TokenId> ids = {};

  /// Room for rows of n entries, and for select() to write beyond their end.
  void reserve(std::size_t n);

  /// The part of `row` with low <= value <= high, in this buffer, behind its first `begin` entries.
  Row select(const Row& row, float low, float high, std::size_t begin = 0);
};

/// Finds crossings by narrowing a row down to the few candidates around the threshold: a sample
/// says between which two values it should lie, sums of mass say whether it does. Sums are done in
/// float first; only where their rounding could change the outcome are they done again in double.
/// So the outcome is always that of double precision.
class CrossingFinder {
 public:
  /// Workspace for rows of n entries.
  void reserve(std::size_t n);

  /// `row` has at least one candidate.
  Crossing find(const Row& row, const Weighing& weighing, const Threshold& threshold);

 private:
  struct Search;
  RowBuffer buffers_[2];
};

}  // namespace decant
