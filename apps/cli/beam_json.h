// What beam search found, and all that it looked at, as JSON.
#pragma once

#include "common.h"
#include "decant/generate.h"

namespace decant::cli {

/// {"sum_logprob", "score", "length", "length_penalty", "final"}: final is score /
/// length^length_penalty, and score differs from sum_logprob by what penalties and groups cost.
Json score_json(const Hypothesis& hypothesis, double length_penalty);

/// The reports of a hypothesis' tokens, a stop token's too.
Json steps_json(const Generation& made, const Hypothesis& hypothesis, const Tokenizer& tokenizer);

/// Every beginning: its parent's index, its token, its scores, what became of it, and in which
/// step.
Json tree_json(std::span<const BeamNode> tree, const Tokenizer& tokenizer);

}  // namespace decant::cli
