// The stages: each a small value with one apply(), and a table that makes them by name. What the
// knobs mean and where they come from is said in decant/sampling.h.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "candidates.h"
#include "decant/sampling.h"

namespace decant {

struct LogitBias {
  std::map<TokenId, double> bias;
  void apply(Candidates& candidates) const;
};

struct KeepAllowed {
  void apply(Candidates& candidates, const History& history) const;
};

struct Penalties {
  double repetition = 1;
  double presence = 0;
  double frequency = 0;
  std::int64_t last_n = -1;     // -1 = the whole history
  bool penalize_prompt = true;  // by presence and frequency
  struct Count {
    std::uint32_t seen = 0;
    std::uint32_t counted = 0;  // by presence and frequency
  };
  std::vector<Count> counts = {};  // workspace: of each token, all 0 between two steps
  void apply(Candidates& candidates, const History& history);
};

struct NoRepeatNgram {
  std::int64_t n = 0;
  void apply(Candidates& candidates, const History& history) const;
};

struct Temperature {
  double t = 1;
  void apply(Candidates& candidates) const;
};

struct TopK {
  std::int64_t k = 0;
  TopKRule rule = TopKRule::kTies;
  void apply(Candidates& candidates) const;
};

struct TopP {
  double p = 1;
  TopPRule rule = TopPRule::kInclusive;
  void apply(Candidates& candidates) const;
};

struct MinP {
  double p = 0;
  void apply(Candidates& candidates) const;
};

struct TypicalP {
  double p = 1;
  void apply(Candidates& candidates) const;
};

struct EpsilonCutoff {
  double epsilon = 0;
  void apply(Candidates& candidates) const;
};

struct EtaCutoff {
  double eta = 0;
  void apply(Candidates& candidates) const;
};

struct TopNSigma {
  double n = 0;
  void apply(Candidates& candidates) const;
};

using Stage = std::variant<LogitBias, KeepAllowed, Penalties, NoRepeatNgram, Temperature, TopK,
                           TopP, MinP, TypicalP, EpsilonCutoff, EtaCutoff, TopNSigma>;

/// One row for each stage: what SamplingConfig::stages calls it, and how to read its knobs.
struct StageRow {
  std::string_view name;
  /// None where the knobs are off. Throws Error (kInvalidOption) where they are out of range.
  std::optional<Stage> (*make)(const SamplingConfig& config);
};

std::span<const StageRow> stage_table();

}  // namespace decant
