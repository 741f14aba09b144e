// How probable the model finds a given text.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "decant/logprobs.h"
#include "decant/model.h"
#include "decant/sampling.h"

namespace decant {

struct ScoreOptions {
  /// A text longer than the model's block_size is read in windows of block_size tokens, each of
  /// which begins `stride` tokens behind the one before it. From 1 to block_size; half of it, if
  /// none is given. A smaller stride leaves each token more text to be judged by, and takes longer:
  /// about block_size / stride times as long as reading the text once.
  std::optional<std::int64_t> stride = {};
  std::int64_t stride_for(std::int64_t block_size) const {
    return stride.value_or(std::max<std::int64_t>(1, block_size / 2));
  }
  /// The stages whose log-probabilities are reported; by default none acts.
  SamplingConfig sampling = {};
  /// Ids from here on do not take part: those rows of the model for which the tokenizer has no
  /// text, as generate() has it. All rows, if none is given.
  std::optional<std::size_t> vocab_size = {};
};

/// Throws Error (kInvalidOption) that names the option, its value and its range. score() does this
/// first; to do it before a model is loaded saves the wait.
void validate(const ScoreOptions& options, std::int64_t block_size);

/// Scores tokens[1], tokens[2], ... each after all that goes before it in its window, and calls
/// visit(index, report) in order. The first token is given, not predicted.
///
///     double total = 0;
///     score(session, tokens, [&](std::size_t, const TokenReport& r) { total += r.logprob; });
///     const double perplexity = std::exp(-total / (tokens.size() - 1));
///
/// Each token is scored once, in the first window that reaches it, as in "Perplexity of
/// fixed-length models" of Hugging Face's documentation: there with at least block_size - stride
/// tokens before it, here with one more, as a window also predicts the token behind its last.
///
/// Stages see the text before a token as its history, in which the first token is the prompt.
///
/// Starts `session` over. `visit` must not use the session or its group. Throws Error
/// (kInvalidPrompt for fewer than two tokens, kInvalidOption, kInvalidToken, kInvalidLogits, and
/// kNoCandidates where the stages forbid every token).
void score(Session& session, std::span<const TokenId> tokens,
           const std::function<void(std::size_t index, const TokenReport& report)>& visit,
           const ScoreOptions& options = {});

}  // namespace decant
