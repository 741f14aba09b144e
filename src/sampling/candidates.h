// The value that flows through the pipeline: which tokens are still possible, and their logits.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "decant/types.h"

namespace decant {

struct Candidate {
  TokenId token;
  double logit;  // double: what a stage compares or sums has no rounding of its own
};

/// The tokens that no stage has removed yet. Impossible tokens (logit -inf) never enter. Only as
/// much of the ranking is sorted as somebody asks for.
class Candidates {
 public:
  /// Starts over with one step's logits. Throws Error (kInvalidLogits) for NaN, +inf, or a row
  /// without a finite entry. Allocates only when the vocabulary grows.
  void assign(Logits logits);

  std::size_t size() const { return items_.size(); }

  double max_logit() const;

  /// The sum of exp(logit - max_logit): a candidate's probability is exp(logit - max_logit) / mass.
  double mass() const;

  /// The `count` most probable candidates (fewer, if there are fewer) in rank order: larger logit
  /// first, lower id first on ties. Grows a sorted prefix; O(n) for the rest.
  std::span<const Candidate> rank_first(std::size_t count);

  /// Walks down the ranking and calls visit(candidate, cumulative), where cumulative is the sum of
  /// exp(logit - max_logit) down to and including the candidate, until visit returns false.
  template <typename Visit>
  void walk(const Visit& visit) {
    const double max = max_logit();
    double cumulative = 0;
    std::size_t done = 0;
    // The nucleus is mostly small, so the sorted prefix starts small and grows geometrically.
    for (std::size_t want = 32; done < size(); want *= 8) {
      for (const auto ranked = rank_first(want); done < ranked.size(); ++done) {
        cumulative += std::exp(ranked[done].logit - max);
        if (!visit(ranked[done], cumulative)) return;
      }
    }
  }

  /// Keeps the first `count` of the ranking, at least one.
  void keep_first(std::size_t count);

  /// Keeps the candidates whose logit is at least `floor`.
  void keep_at_least(double floor);

  /// logit -> (logit - max_logit) / temperature, for temperature > 0. The maximum goes first, so
  /// that a tiny temperature cannot overflow.
  void divide(double temperature);

 private:
  std::vector<Candidate> items_;  // the sorted prefix, then the others in no particular order
  std::size_t ranked_ = 0;        // length of that prefix
};

}  // namespace decant
