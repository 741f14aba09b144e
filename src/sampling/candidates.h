// The value that flows through the pipeline: which tokens are still possible, and their logits.
#pragma once

#include <array>
#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "crossing.h"
#include "decant/sampling.h"
#include "decant/token_mask.h"
#include "decant/types.h"
#include "logits.h"

namespace decant {

/// One row of logits, narrowed down by one stage after another. As long as nothing changes a logit,
/// it is the caller's row that is read, in as few passes as can be: temperatures are only
/// remembered, and a filter copies what it keeps. Once only few candidates are left, or few and
/// others that all tie for the last places, the few are put in order, and the rest is done on
/// those.
///
/// A value is a logit as it was given, or as a bias or penalty made it, in float: a candidate's
/// logit is value / temperature(), its probability exp((value - max()) / temperature()) / mass().
class Candidates {
 public:
  /// Starts over with one step's logits, which must outlive the step. Tokens of logit -inf are no
  /// candidates. Throws Error (kInvalidLogits) for NaN, +inf, or a row without a finite entry.
  /// Allocates only when the vocabulary grows.
  void assign(Logits logits);

  std::size_t vocab_size() const { return vocab_size_; }
  std::size_t size() const { return size_; }
  float max() const { return max_; }
  double temperature() const { return temperature_; }

  /// The sum of all weights exp((value - max) / temperature), within kExpSumError or to double
  /// precision.
  double mass();
  double exact_mass();

  /// Of the current distribution, in nats.
  double entropy();

  /// The natural logarithm of a token's probability in the current distribution; -inf, if it is no
  /// candidate.
  double logprob(TokenId token);

  /// The population standard deviation of the values.
  double value_deviation();

  // --- What changes logits ---

  /// logit -> logit / temperature, for temperature > 0.
  void divide(double temperature);

  /// logit -> change(logit) for one token, if it is a candidate. After the last one, settle().
  template <typename Change>
  void change(TokenId token, const Change& change) {
    if (float* value = writable(token)) {
      *value = rounded(change(static_cast<double>(*value) / temperature_) * temperature_);
    }
  }
  /// Takes in what change() did; false if it left no candidate.
  bool settle();

  // --- What removes candidates; at least one is kept, but by keep_only() ---

  /// Keeps those that are in the mask; false if it leaves none.
  bool keep_only(const TokenMask& mask);

  /// Keeps the first of the ranking.
  void keep_best();
  /// Keeps what ranks up to and including the k-th and, by the rule, what ties with it.
  void keep_top(std::size_t k, TopKRule rule);
  /// Keeps the smallest prefix of the ranking with at least that share of the mass.
  void keep_nucleus(double share, TopPRule rule);
  /// Keeps values >= floor, and always the largest.
  void keep_from(double floor);
  /// Keeps probabilities >= least, and always the largest.
  void keep_probable(double least);
  /// Keeps the share of the mass whose surprise is nearest to the entropy.
  void keep_typical(double share);

  /// The candidate under u, when all are laid end to end on [0, 1) in rank order.
  struct Drawn {
    TokenId token;
    double probability;
  };
  Drawn draw(double u);

  /// The value below which the last filter removed candidates, since forget_floor().
  std::optional<double> floor() const { return floor_; }
  void forget_floor() { floor_.reset(); }

  double weight(float value) const { return weighing().weight(value); }

  /// The first `count` candidates in order: a sort, to look at.
  std::vector<Place> ranking(std::size_t count = std::numeric_limits<std::size_t>::max()) const;

  /// Calls visit(token, value) for each candidate, in no particular order.
  template <typename Visit>
  void for_each(const Visit& visit) const {
    if (!few_) {
      for (std::size_t i = 0; i < row_.size(); ++i) {
        if (row_.values[i] > kImpossible) visit(row_.id(i), row_.values[i]);
      }
      return;
    }
    for (const Ranked& c : ranked()) visit(c.place.token, c.place.value);
    std::size_t left = ties_.count;
    for (std::size_t i = 0; left > 0; ++i) {
      if (row_.values[i] != ties_.value) continue;
      visit(row_.id(i), row_.values[i]);
      --left;
    }
  }

 private:
  static constexpr float kImpossible = -std::numeric_limits<float>::infinity();
  static constexpr std::size_t kFew = 64;

  struct Ranked {
    Place place;
    double weight;
  };
  std::span<Ranked> ranked() { return {ranked_.data(), size_ - ties_.count}; }
  std::span<const Ranked> ranked() const { return {ranked_.data(), size_ - ties_.count}; }

  static float rounded(double value);
  Weighing weighing() const { return {max_, temperature_}; }
  float* writable(TokenId token);
  RowBuffer& spare() { return buffers_[current_ == 0 ? 1 : 0]; }
  /// Takes a row in the spare buffer for the candidates.
  void adopt(const Row& row);
  /// The first of the ranking.
  Place best() const;
  /// Keeps what ranks at or before a place.
  void keep_to(const Place& last);
  /// Puts the candidates in order, if they are few enough now.
  void rank_if_few();
  /// The same, if all but a few tie for the last places.
  void rank_if_tied();
  void rank(const Row& few);
  void order();
  /// The reverse: the candidates are in a row again.
  void spread_ties();
  /// When they are few: how many of the ranking it takes to reach a threshold; keeps the first.
  std::size_t few_to_reach(const Threshold& threshold);
  void keep_first(std::size_t count);
  TokenId tie(std::size_t nth) const { return row_.id(find_equal(row_.values, ties_.value, nth)); }
  void weigh();
  void forget_mass();

  std::size_t vocab_size_ = 0;
  Row row_ = {};          // unless few_, the candidates
  std::size_t size_ = 0;  // candidates
  float max_ = 0;         // the largest value
  double temperature_ = 1;
  bool few_ = false;  // the candidates are in ranked_, in order, and behind them in ties_
  std::array<Ranked, kFew> ranked_ = {};
  struct Ties {
    float value = 0;
    double weight = 0;
    std::size_t count = 0;  // the first of those in row_ that equal value
  };
  Ties ties_ = {};
  std::vector<float> maxima_ = {};  // see scan_row()
  bool maxima_hold_ = false;        // they are those of row_
  RowBuffer buffers_[2];            // what filters and changes write to, by turns
  int current_ = -1;                // which of them row_ lies in; -1: the caller's memory
  std::optional<double> mass_ = {};
  std::optional<double> exact_mass_ = {};
  std::optional<double> floor_ = {};
  CrossingFinder crossings_;
  struct Typical {
    double distance;
    double weight;
    TokenId token;
  };
  std::vector<Typical> typical_ = {};  // workspace of keep_typical()
};

}  // namespace decant
