#include "decant/logprobs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "candidates.h"
#include "decant/error.h"

namespace decant {
namespace {

// The logarithm of the sum of exp(logit): what softmax divides by.
double log_sum_exp(Candidates& candidates) {
  return candidates.max() + std::log(candidates.exact_mass());
}

}  // namespace

TokenScore score_token(Logits logits, TokenId token) {
  if (token < 0 || static_cast<std::size_t>(token) >= logits.size()) {
    throw Error(ErrorCode::kInvalidToken,
                fmt::format("token {} is outside the vocabulary of {}", token, logits.size()));
  }
  Candidates candidates;
  candidates.assign(logits);
  const float own = logits[static_cast<std::size_t>(token)];
  std::int64_t rank = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    rank += logits[i] > own || (logits[i] == own && i < static_cast<std::size_t>(token));
  }
  return {token, own - log_sum_exp(candidates), rank};
}

std::vector<TokenScore> top_tokens(Logits logits, std::int64_t n) {
  Candidates candidates;
  candidates.assign(logits);
  const double log_sum = log_sum_exp(candidates);
  std::vector<TokenScore> result;
  if (n <= 0) return result;
  candidates.keep_top(static_cast<std::size_t>(n), TopKRule::kExact);
  for (const Place& place : candidates.ranking()) {
    result.push_back(
        {place.token, place.value - log_sum, static_cast<std::int64_t>(result.size())});
  }
  return result;
}

}  // namespace decant
