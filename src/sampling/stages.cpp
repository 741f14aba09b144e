#include "stages.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

#include "decant/error.h"

namespace decant {
namespace {

template <typename Value>
void require(bool in_range, std::string_view option, Value value, std::string_view range) {
  if (in_range) return;
  throw Error(ErrorCode::kInvalidOption,
              fmt::format("{} is {}: it must be {}", option, value, range));
}

Stage make_temperature(const SamplingConfig& config) {
  require(std::isfinite(config.temperature) && config.temperature >= 0, "temperature",
          config.temperature, "a number >= 0 (0 is greedy, 1 is off)");
  return Temperature{config.temperature};
}

Stage make_top_k(const SamplingConfig& config) {
  require(config.top_k >= 0, "top_k", config.top_k, "a whole number >= 0 (0 is off)");
  return TopK{config.top_k};
}

Stage make_top_p(const SamplingConfig& config) {
  require(config.top_p > 0 && config.top_p <= 1, "top_p", config.top_p,
          "a number > 0 and <= 1 (1 is off)");
  return TopP{config.top_p, config.top_p_rule};
}

constexpr std::array kStages = {
    StageRow{"temperature", make_temperature},
    StageRow{"top_k", make_top_k},
    StageRow{"top_p", make_top_p},
};

}  // namespace

std::span<const StageRow> stage_table() { return kStages; }

void Temperature::apply(Candidates& candidates) const {
  if (t == 1) return;
  if (t == 0) {
    candidates.keep_first(1);
  } else {
    candidates.divide(t);
  }
}

void TopK::apply(Candidates& candidates) const {
  if (k == 0 || candidates.size() <= static_cast<std::size_t>(k)) return;
  candidates.keep_at_least(candidates.rank_first(static_cast<std::size_t>(k)).back().logit);
}

void TopP::apply(Candidates& candidates) const {
  if (p == 1) return;
  const double mass = candidates.mass();
  std::size_t kept = 0;
  candidates.walk([&](const Candidate&, double cumulative) {
    // Dividing the sum, rather than summing quotients, lands exactly on p where the sum does.
    const double probability = cumulative / mass;
    if (rule == TopPRule::kExclusive && probability > p) return false;
    ++kept;
    return probability < p || rule == TopPRule::kExclusive;
  });
  candidates.keep_first(kept);
}

}  // namespace decant
