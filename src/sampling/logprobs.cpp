#include "decant/logprobs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "candidates.h"
#include "decant/error.h"

namespace decant {
namespace {

// The logarithm of the sum of exp(logit): what softmax divides by.
double log_sum_exp(const Candidates& candidates) {
  return candidates.max_logit() + std::log(candidates.mass());
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
  for (const Candidate& c :
       candidates.rank_first(static_cast<std::size_t>(std::max<std::int64_t>(n, 0)))) {
    result.push_back({c.token, c.logit - log_sum, static_cast<std::int64_t>(result.size())});
  }
  return result;
}

}  // namespace decant
