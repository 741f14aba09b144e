// What the model itself thought of a token, and what each stage made of that.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "decant/types.h"

namespace decant {

struct TokenScore {
  TokenId token = 0;
  double logprob = 0;     ///< natural logarithm of the softmax of the raw logits
  std::int64_t rank = 0;  ///< 0 = the most probable; lower id first on ties
};

/// The score of one token. Throws Error (kInvalidLogits, kInvalidToken).
TokenScore score_token(Logits logits, TokenId token);

/// The n most probable tokens (all, if there are fewer), by rank. Throws Error (kInvalidLogits).
std::vector<TokenScore> top_tokens(Logits logits, std::int64_t n);

/// One token of a text, seen through one pipeline: see Pipeline::report().
struct TokenReport {
  TokenId token = 0;
  // By the raw logits, before any stage:
  double logprob = 0;     ///< natural logarithm of its probability
  std::int64_t rank = 0;  ///< 0 = the most probable; lower id first on ties
  /// The probability of all that rank before it. The nucleus of p (the smallest set of the most
  /// probable tokens that holds p) has the token in it if this is below p.
  double mass_before = 0;
  double entropy = 0;  ///< of the distribution, in nats: the log-probability to expect, negated
  std::vector<TokenScore> top = {};  ///< the most probable tokens, by rank

  /// One stage, and the token's log-probability in the distribution that it left: -inf from the
  /// stage on that removed it.
  struct After {
    std::string stage;
    double logprob = 0;
  };
  std::vector<After> after = {};  ///< in the order in which the stages acted
};

}  // namespace decant
