// The stages: each a small value with one apply(), and a table that makes them by name.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <variant>

#include "candidates.h"
#include "decant/sampling.h"

namespace decant {

struct Temperature {
  double t = 1;  // 1 = off, 0 = greedy
  void apply(Candidates& candidates) const;
};

struct TopK {
  std::int64_t k = 0;  // 0 = off. Keeps probabilities >= the k-th largest: ties with it stay.
  void apply(Candidates& candidates) const;
};

struct TopP {
  double p = 1;  // 1 = off. Keeps the smallest prefix of the ranking with that much probability.
  TopPRule rule = TopPRule::kInclusive;
  void apply(Candidates& candidates) const;
};

using Stage = std::variant<Temperature, TopK, TopP>;

/// One row for each stage: what SamplingConfig::stages calls it, and how to read its knobs.
struct StageRow {
  std::string_view name;
  Stage (*make)(const SamplingConfig& config);  // throws Error (kInvalidOption)
};

std::span<const StageRow> stage_table();

}  // namespace decant
