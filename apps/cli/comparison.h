// What strategies make of one prompt, and what the model thinks of that.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "decant/generate.h"
#include "decant/logprobs.h"
#include "decant/model.h"
#include "decant/sampling.h"
#include "decant/types.h"

namespace decant::cli {

/// One text of a strategy.
struct ComparedText {
  std::uint64_t sequence = 0;
  Generation made;
  std::string text;
  std::vector<TokenReport> reports;  // of each new token
};

/// Figures of all texts of a strategy: see decant/metrics.h.
struct Figures {
  std::optional<double> mean_logprob;
  std::optional<double> perplexity;
  std::array<std::optional<double>, 3> distinct;    // 1, 2, 3
  std::array<std::optional<double>, 4> repetition;  // rep-1 to rep-4
  std::optional<double> diversity;
  std::optional<double> tail_share;
  std::optional<double> self_bleu;
  double length = 0;  // mean, in tokens
  double tokens_per_second = 0;
};

struct ComparedStrategy {
  std::string name;
  std::string words;  // as generate takes them
  SamplingConfig sampling;
  Strategy strategy;
  /// Then there is one text, which counts as the `samples` that would all be equal.
  bool deterministic = false;
  bool interrupted = false;  // while its texts were made; the figures are those of what there is
  std::vector<ComparedText> texts;
  double seconds = 0;
  Figures figures;
};

struct Comparison {
  std::string prompt;
  std::vector<TokenId> prompt_tokens;
  Seed seed = 0;
  std::uint64_t samples = 1;
  std::int64_t max_new_tokens = 200;
  std::string context;
  std::string model;
  std::string weights;
  int threads = 0;
  bool interrupted = false;  // then strategies are missing, or texts of the last
  std::vector<ComparedStrategy> strategies;
};

/// What the model thinks of each of `tokens` after `prompt`, before any stage: by the logits that
/// generate() had with this policy, past the window, too. As there, ids from `vocab_size` on, for
/// which the tokenizer has no text, do not take part.
std::vector<TokenReport> judge(Session& session, std::span<const TokenId> prompt,
                               std::span<const TokenId> tokens, ContextPolicy policy,
                               std::size_t vocab_size);

/// The figures of a strategy whose texts are made and judged.
Figures figures_of(const ComparedStrategy& strategy, std::uint64_t samples);

/// How many probable tokens make up the nucleus beyond which the tail begins.
inline constexpr double kNucleus = 0.9;

inline bool in_tail(const TokenReport& report) { return report.mass_before >= kNucleus; }

}  // namespace decant::cli
