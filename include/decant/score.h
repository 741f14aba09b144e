// How probable the model finds a given text.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "decant/logprobs.h"
#include "decant/model.h"

namespace decant {

/// Scores tokens[1], tokens[2], ... each after all that goes before it, and calls
/// visit(index, score) in order. A text longer than the context is read in windows that overlap by
/// half: beyond the first window, each token is scored with at least block_size / 2 tokens before
/// it. Starts `session` over. Throws Error (kInvalidPrompt for fewer than two tokens,
/// kInvalidToken, kInvalidLogits).
void score(Session& session, std::span<const TokenId> tokens,
           const std::function<void(std::size_t index, const TokenScore& score)>& visit);

}  // namespace decant
