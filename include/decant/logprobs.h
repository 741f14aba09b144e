// What the model itself thought of a token, before any stage reshaped its scores.
#pragma once

#include <cstdint>
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

}  // namespace decant
