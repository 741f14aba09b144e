#include "decant/logprobs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "candidates.h"
#include "decant/error.h"
#include "raw_scores.h"

namespace decant {
namespace {

// The logarithm of the sum of exp(logit): what softmax divides by.
double log_sum_exp(Candidates& candidates) {
  return candidates.max() + std::log(candidates.exact_mass());
}

}  // namespace

TokenScore raw_score(Logits logits, TokenId token, Candidates& candidates) {
  if (token < 0 || static_cast<std::size_t>(token) >= logits.size()) {
    throw Error(ErrorCode::kInvalidToken,
                fmt::format("token {} is outside the vocabulary of {}", token, logits.size()));
  }
  const float own = logits[static_cast<std::size_t>(token)];
  std::int64_t rank = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    rank += logits[i] > own || (logits[i] == own && i < static_cast<std::size_t>(token));
  }
  return {token, own - log_sum_exp(candidates), rank};
}

double raw_mass_before(Logits logits, TokenId token, Candidates& candidates) {
  const float own = logits[static_cast<std::size_t>(token)];
  const std::size_t ties = count_equal(logits.first(static_cast<std::size_t>(token)), own);
  const double before = exp_sum_exact(logits, next_above(own), candidates.max(), 1) +
                        static_cast<double>(ties) * candidates.weight(own);
  return std::min(1.0, before / candidates.exact_mass());
}

std::vector<TokenScore> take_top(Candidates& candidates, std::int64_t n) {
  std::vector<TokenScore> result;
  if (n <= 0) return result;
  const double log_sum = log_sum_exp(candidates);
  candidates.keep_top(static_cast<std::size_t>(n), TopKRule::kExact);
  for (const Place& place : candidates.ranking()) {
    result.push_back(
        {place.token, place.value - log_sum, static_cast<std::int64_t>(result.size())});
  }
  return result;
}

TokenScore score_token(Logits logits, TokenId token) {
  Candidates candidates;
  candidates.assign(logits);
  return raw_score(logits, token, candidates);
}

std::vector<TokenScore> top_tokens(Logits logits, std::int64_t n) {
  Candidates candidates;
  candidates.assign(logits);
  return take_top(candidates, n);
}

}  // namespace decant
