// The stages in their order, then the draw: one uniform laid along the ranking.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "candidates.h"
#include "decant/error.h"
#include "decant/sampling.h"
#include "peers.h"
#include "philox.h"
#include "raw_scores.h"
#include "stages.h"
#include "tracer.h"

namespace decant {
namespace {

struct NamedStage {
  std::string_view name;
  Stage stage;
};

std::vector<NamedStage> make_stages(const SamplingConfig& config) {
  const auto table = stage_table();
  // A knob is checked also when its stage is left out: a value that is out of range is a mistake.
  for (const StageRow& row : table) row.make(config);

  std::vector<NamedStage> stages;
  for (const std::string& name : config.stages) {
    const auto row = std::ranges::find(table, name, &StageRow::name);
    if (row == table.end()) {
      std::vector<std::string_view> names;
      for (const StageRow& known : table) names.push_back(known.name);
      throw Error(ErrorCode::kInvalidOption,
                  fmt::format("stages: there is no stage '{}'; there are {}", name,
                              fmt::join(names, ", ")));
    }
    if (auto stage = row->make(config)) stages.push_back({row->name, *std::move(stage)});
  }
  return stages;
}

void check_uniform(double u) {
  if (u >= 0 && u < 1) return;
  throw Error(ErrorCode::kInvalidOption, fmt::format("u is {}: it must be in [0, 1)", u));
}

bool is_constraint(const NamedStage& stage) {
  return std::holds_alternative<KeepAllowed>(stage.stage);
}

// Whether a stage takes part in a step.
bool acts(const NamedStage& stage, const History& history) {
  return history.allowed != nullptr || !is_constraint(stage);
}

void apply(Stage& stage, Candidates& candidates, const History& history) {
  std::visit(
      [&](auto& s) {
        if constexpr (requires { s.apply(candidates, history); }) {
          s.apply(candidates, history);
        } else {
          s.apply(candidates);
        }
      },
      stage);
}

}  // namespace

struct Pipeline::State {
  explicit State(const SamplingConfig& c) : config(c), stages(make_stages(c)) {
    if (!config.like.empty()) check_like(config);
  }

  void start(Logits logits, const History& history) {
    if (history.allowed != nullptr && std::ranges::none_of(stages, is_constraint)) {
      const bool ours = config.like.empty();
      throw Error(ErrorCode::kInvalidOption,
                  fmt::format("stages: they leave out constraint, but there is one to keep to; {}",
                              ours ? "add it" : fmt::format("leave out like {}", config.like)));
    }
    candidates.assign(logits);
  }

  void reshape(Logits logits, const History& history) {
    start(logits, history);
    for (NamedStage& s : stages) {
      if (acts(s, history)) apply(s.stage, candidates, history);
    }
  }

  Draw draw(double u) {
    const Candidates::Drawn drawn = candidates.draw(u);
    return {drawn.token, u, drawn.probability, static_cast<std::int64_t>(candidates.size())};
  }

  SamplingConfig config;
  std::vector<NamedStage> stages;
  Candidates candidates;
  std::vector<float> logprobs;              // workspace of continuations()
  std::vector<Continuation> continuations;  // its result
};

Pipeline::Pipeline(const SamplingConfig& config) : state_(std::make_unique<State>(config)) {}
Pipeline::Pipeline(Pipeline&&) noexcept = default;
Pipeline& Pipeline::operator=(Pipeline&&) noexcept = default;
Pipeline::~Pipeline() = default;

const SamplingConfig& Pipeline::config() const { return state_->config; }

double uniform(const DrawAddress& address) {
  return uniform(address.seed, address.sequence, address.position);
}

Draw Pipeline::sample(Logits logits, const DrawAddress& address, const History& history) {
  return sample_at(logits, uniform(address), history);
}

Draw Pipeline::sample_at(Logits logits, double u, const History& history) {
  check_uniform(u);
  state_->reshape(logits, history);
  return state_->draw(u);
}

std::vector<Pipeline::Survivor> Pipeline::distribution(Logits logits, const History& history,
                                                       std::size_t most) {
  state_->reshape(logits, history);
  Candidates& candidates = state_->candidates;
  const double mass = candidates.exact_mass();
  candidates.keep_top(most, TopKRule::kExact);
  std::vector<Survivor> result;
  for (const Place& place : candidates.ranking()) {
    result.push_back({place.token, candidates.weight(place.value) / mass});
  }
  return result;
}

std::span<const Pipeline::Continuation> Pipeline::continuations(
    Logits logits, std::size_t most, const History& history,
    const std::map<TokenId, double>& handicap) {
  State& s = *state_;
  s.candidates.assign(logits);
  const double normalizer = s.candidates.max() + std::log(s.candidates.exact_mass());
  s.logprobs.resize(logits.size());
  const auto shift = static_cast<float>(normalizer);
  std::ranges::transform(logits, s.logprobs.begin(), [shift](float x) { return x - shift; });
  for (const auto& [token, amount] : handicap) {
    s.logprobs[static_cast<std::size_t>(token)] -= static_cast<float>(amount);
  }
  s.reshape(s.logprobs, history);
  s.candidates.keep_top(most, TopKRule::kExact);
  s.continuations.clear();
  for (const Place& place : s.candidates.ranking()) {
    const auto index = static_cast<std::size_t>(place.token);
    const double logprob = double{logits[index]} - normalizer;
    // The log-probability before it was rounded, and what was changed since.
    const double change = place.value / s.candidates.temperature() - double{logits[index] - shift};
    s.continuations.push_back({place.token, logprob, logprob + change});
  }
  return s.continuations;
}

Trace Pipeline::trace(Logits logits, const TraceOptions& options, const History& history) {
  if (options.u) check_uniform(*options.u);
  state_->start(logits, history);
  Candidates& candidates = state_->candidates;
  Tracer tracer(logits, options, candidates);
  for (NamedStage& s : state_->stages) {
    if (!acts(s, history)) continue;
    candidates.forget_floor();
    apply(s.stage, candidates, history);
    tracer.record(s.name, candidates);
  }
  if (options.u) tracer.record(state_->draw(*options.u), candidates);
  return tracer.finish(candidates);
}

TokenReport Pipeline::report(Logits logits, TokenId token, std::int64_t top,
                             const History& history) {
  Candidates& candidates = state_->candidates;
  state_->start(logits, history);
  TokenReport report{.token = token, .entropy = candidates.entropy()};
  const TokenScore raw = raw_score(logits, token, candidates);
  report.logprob = raw.logprob;
  report.rank = raw.rank;
  report.mass_before = raw_mass_before(logits, token, candidates);
  if (top > 0) {
    report.top = take_top(candidates, top);
    candidates.assign(logits);
  }
  for (NamedStage& s : state_->stages) {
    if (!acts(s, history)) continue;
    apply(s.stage, candidates, history);
    report.after.push_back({std::string(s.name), candidates.logprob(token)});
  }
  return report;
}

}  // namespace decant
