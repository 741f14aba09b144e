// Scores by the raw logits. `candidates` were assigned these logits, and no stage has acted on
// them: who asks for several has their exponentials summed once.
#pragma once

#include <cstdint>
#include <vector>

#include "candidates.h"
#include "decant/logprobs.h"
#include "decant/types.h"

namespace decant {

/// Throws Error (kInvalidToken).
TokenScore raw_score(Logits logits, TokenId token, Candidates& candidates);

/// The probability of all tokens that rank before one of the vocabulary.
double raw_mass_before(Logits logits, TokenId token, Candidates& candidates);

/// The n most probable, by rank. Narrows the candidates down to them.
std::vector<TokenScore> take_top(Candidates& candidates, std::int64_t n);

}  // namespace decant
