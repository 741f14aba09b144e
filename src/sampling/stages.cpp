#include "stages.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "decant/error.h"

namespace decant {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

template <typename Value>
void require(bool in_range, std::string_view option, Value value, std::string_view range) {
  if (in_range) return;
  throw Error(ErrorCode::kInvalidOption,
              fmt::format("{} is {}: it must be {}", option, value, range));
}

void settle(Candidates& candidates, std::string_view culprit) {
  if (candidates.settle()) return;
  throw Error(ErrorCode::kNoCandidates, fmt::format("{}: no token is left to draw", culprit));
}

// Only a ban makes a token impossible, not an overflow.
double finite(double x) {
  constexpr double kMost = std::numeric_limits<double>::max();
  return std::clamp(x, -kMost, kMost);
}

std::optional<Stage> make_logit_bias(const SamplingConfig& config) {
  for (const auto& [token, bias] : config.logit_bias) {
    require(token >= 0, "logit_bias: a token", token, "0 or more");
    require(bias < kInfinity, fmt::format("logit_bias of token {}", token), bias,
            "a number, or -inf to ban the token");
  }
  if (config.logit_bias.empty()) return {};
  return LogitBias{config.logit_bias};
}

// Has no knob: whether a step is constrained is known with its history.
std::optional<Stage> make_constraint(const SamplingConfig& /*config*/) { return KeepAllowed{}; }

std::optional<Stage> make_penalties(const SamplingConfig& config) {
  require(std::isfinite(config.repetition_penalty) && config.repetition_penalty > 0,
          "repetition_penalty", config.repetition_penalty, "a number > 0 (1 is off)");
  require(std::isfinite(config.presence_penalty), "presence_penalty", config.presence_penalty,
          "a number (0 is off)");
  require(std::isfinite(config.frequency_penalty), "frequency_penalty", config.frequency_penalty,
          "a number (0 is off)");
  require(config.penalty_last_n >= -1, "penalty_last_n", config.penalty_last_n,
          "a whole number >= 0, or -1 for all");
  const bool off = config.repetition_penalty == 1 && config.presence_penalty == 0 &&
                   config.frequency_penalty == 0;
  if (off || config.penalty_last_n == 0) return {};
  return Penalties{config.repetition_penalty, config.presence_penalty, config.frequency_penalty,
                   config.penalty_last_n,     config.penalize_prompt,  {}};
}

std::optional<Stage> make_no_repeat_ngram(const SamplingConfig& config) {
  require(config.no_repeat_ngram_size >= 0, "no_repeat_ngram_size", config.no_repeat_ngram_size,
          "a whole number >= 0 (0 is off)");
  if (config.no_repeat_ngram_size == 0) return {};
  return NoRepeatNgram{config.no_repeat_ngram_size};
}

std::optional<Stage> make_temperature(const SamplingConfig& config) {
  require(std::isfinite(config.temperature) && config.temperature >= 0, "temperature",
          config.temperature, "a number >= 0 (0 is greedy, 1 is off)");
  if (config.temperature == 1) return {};
  return Temperature{config.temperature};
}

std::optional<Stage> make_top_k(const SamplingConfig& config) {
  require(config.top_k >= 0, "top_k", config.top_k, "a whole number >= 0 (0 is off)");
  if (config.top_k == 0) return {};
  return TopK{config.top_k, config.top_k_rule};
}

std::optional<Stage> make_top_p(const SamplingConfig& config) {
  require(config.top_p > 0 && config.top_p <= 1, "top_p", config.top_p,
          "a number > 0 and <= 1 (1 is off)");
  if (config.top_p == 1) return {};
  return TopP{config.top_p, config.top_p_rule};
}

std::optional<Stage> make_min_p(const SamplingConfig& config) {
  require(config.min_p >= 0 && config.min_p <= 1, "min_p", config.min_p,
          "a number from 0 to 1 (0 is off)");
  if (config.min_p == 0) return {};
  return MinP{config.min_p};
}

std::optional<Stage> make_typical_p(const SamplingConfig& config) {
  require(config.typical_p > 0 && config.typical_p <= 1, "typical_p", config.typical_p,
          "a number > 0 and <= 1 (1 is off)");
  if (config.typical_p == 1) return {};
  return TypicalP{config.typical_p};
}

std::optional<Stage> make_epsilon_cutoff(const SamplingConfig& config) {
  require(config.epsilon_cutoff >= 0 && config.epsilon_cutoff < 1, "epsilon_cutoff",
          config.epsilon_cutoff, "a number >= 0 and < 1 (0 is off)");
  if (config.epsilon_cutoff == 0) return {};
  return EpsilonCutoff{config.epsilon_cutoff};
}

std::optional<Stage> make_eta_cutoff(const SamplingConfig& config) {
  require(config.eta_cutoff >= 0 && config.eta_cutoff < 1, "eta_cutoff", config.eta_cutoff,
          "a number >= 0 and < 1 (0 is off)");
  if (config.eta_cutoff == 0) return {};
  return EtaCutoff{config.eta_cutoff};
}

std::optional<Stage> make_top_n_sigma(const SamplingConfig& config) {
  require(std::isfinite(config.top_n_sigma) && config.top_n_sigma >= 0, "top_n_sigma",
          config.top_n_sigma, "a number >= 0 (0 is off)");
  if (config.top_n_sigma == 0) return {};
  return TopNSigma{config.top_n_sigma};
}

constexpr std::array kStages = {
    StageRow{"logit_bias", make_logit_bias},
    StageRow{"constraint", make_constraint},
    StageRow{"penalties", make_penalties},
    StageRow{"no_repeat_ngram", make_no_repeat_ngram},
    StageRow{"temperature", make_temperature},
    StageRow{"top_k", make_top_k},
    StageRow{"top_p", make_top_p},
    StageRow{"min_p", make_min_p},
    StageRow{"typical_p", make_typical_p},
    StageRow{"epsilon_cutoff", make_epsilon_cutoff},
    StageRow{"eta_cutoff", make_eta_cutoff},
    StageRow{"top_n_sigma", make_top_n_sigma},
};

}  // namespace

std::span<const StageRow> stage_table() { return kStages; }

void LogitBias::apply(Candidates& candidates) const {
  for (const auto& [token, value] : bias) {
    candidates.change(token, [added = value](double logit) { return logit + added; });
  }
  settle(candidates, "logit_bias bans every token");
}

void KeepAllowed::apply(Candidates& candidates, const History& history) const {
  if (candidates.keep_only(*history.allowed)) return;
  throw Error(ErrorCode::kNoCandidates,
              "constraint: none of the possible tokens is allowed: no token is left to draw");
}

void Penalties::apply(Candidates& candidates, const History& history) {
  const auto size = history.tokens.size();
  const std::size_t window = last_n < 0 ? size : std::min(size, static_cast<std::size_t>(last_n));
  const auto recent = history.tokens.last(window);
  const std::size_t first_counted = penalize_prompt ? 0 : history.prompt_size;
  counts.resize(candidates.vocab_size());
  const auto is_known = [this](TokenId token) {
    return token >= 0 && static_cast<std::size_t>(token) < counts.size();
  };
  for (std::size_t i = 0; i < window; ++i) {
    if (!is_known(recent[i])) continue;
    Count& count = counts[static_cast<std::size_t>(recent[i])];
    ++count.seen;
    if (size - window + i >= first_counted) ++count.counted;
  }
  for (const TokenId token : recent) {
    if (!is_known(token)) continue;
    Count& count = counts[static_cast<std::size_t>(token)];
    if (count.seen == 0) continue;  // done before
    candidates.change(token, [&](double logit) {
      logit = finite(logit > 0 ? logit / repetition : logit * repetition);
      logit = finite(logit - (count.counted > 0 ? presence : 0));
      return finite(logit - finite(frequency * count.counted));
    });
    count = {};
  }
  settle(candidates, "penalties");
}

void NoRepeatNgram::apply(Candidates& candidates, const History& history) const {
  const auto tokens = history.tokens;
  const auto context = static_cast<std::size_t>(n) - 1;
  if (tokens.size() <= context) return;
  const auto last = tokens.last(context);
  for (std::size_t i = 0; i + context < tokens.size(); ++i) {
    if (!std::ranges::equal(tokens.subspan(i, context), last)) continue;
    candidates.change(tokens[i + context], [](double) { return -kInfinity; });
  }
  settle(candidates, "no_repeat_ngram_size forbids every token");
}

void Temperature::apply(Candidates& candidates) const {
  if (t == 0) {
    candidates.keep_best();
  } else {
    candidates.divide(t);
  }
}

void TopK::apply(Candidates& candidates) const {
  candidates.keep_top(static_cast<std::size_t>(k), rule);
}

void TopP::apply(Candidates& candidates) const { candidates.keep_nucleus(p, rule); }

// p / p_max = exp((value - max) / temperature) >= min_p.
void MinP::apply(Candidates& candidates) const {
  candidates.keep_from(candidates.max() + candidates.temperature() * std::log(p));
}

void TypicalP::apply(Candidates& candidates) const { candidates.keep_typical(p); }

void EpsilonCutoff::apply(Candidates& candidates) const { candidates.keep_probable(epsilon); }

void EtaCutoff::apply(Candidates& candidates) const {
  candidates.keep_probable(std::min(eta, std::sqrt(eta) * std::exp(-candidates.entropy())));
}

// A temperature scales both sides alike, so values do as well as logits.
void TopNSigma::apply(Candidates& candidates) const {
  candidates.keep_from(candidates.max() - n * candidates.value_deviation());
}

}  // namespace decant
