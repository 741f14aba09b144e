// The stages in their order, then the draw: one uniform laid along the ranking.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cassert>
#include <cmath>

#include "candidates.h"
#include "decant/error.h"
#include "decant/sampling.h"
#include "philox.h"
#include "stages.h"

namespace decant {
namespace {

std::vector<Stage> make_stages(const SamplingConfig& config) {
  const auto table = stage_table();
  // A knob is checked also when its stage is left out: a value that is out of range is a mistake.
  for (const StageRow& row : table) row.make(config);

  std::vector<Stage> stages;
  for (const std::string& name : config.stages) {
    const auto row = std::ranges::find(table, name, &StageRow::name);
    if (row == table.end()) {
      std::vector<std::string_view> names;
      for (const StageRow& known : table) names.push_back(known.name);
      throw Error(ErrorCode::kInvalidOption,
                  fmt::format("stages: there is no stage '{}'; there are {}", name,
                              fmt::join(names, ", ")));
    }
    stages.push_back(row->make(config));
  }
  return stages;
}

}  // namespace

struct Pipeline::State {
  explicit State(const SamplingConfig& c) : config(c), stages(make_stages(c)) {}

  void reshape(Logits logits) {
    candidates.assign(logits);
    for (const Stage& stage : stages) {
      std::visit([this](const auto& s) { s.apply(candidates); }, stage);
    }
  }

  SamplingConfig config;
  std::vector<Stage> stages;
  Candidates candidates;
};

Pipeline::Pipeline(const SamplingConfig& config) : state_(std::make_unique<State>(config)) {}
Pipeline::Pipeline(Pipeline&&) noexcept = default;
Pipeline& Pipeline::operator=(Pipeline&&) noexcept = default;
Pipeline::~Pipeline() = default;

const SamplingConfig& Pipeline::config() const { return state_->config; }

Draw Pipeline::sample(Logits logits, const DrawAddress& address) {
  return sample_at(logits, uniform(address.seed, address.sequence, address.position));
}

Draw Pipeline::sample_at(Logits logits, double u) {
  assert(u >= 0 && u < 1);
  state_->reshape(logits);
  Candidates& candidates = state_->candidates;
  const double mass = candidates.mass();

  Draw draw{.u = u, .survivors = static_cast<std::int64_t>(candidates.size())};
  double before = 0;
  candidates.walk([&](const Candidate& candidate, double cumulative) {
    // A candidate whose exp underflowed to 0 adds nothing and is never taken, also not as the last
    // one when rounding leaves u beyond the end of the cumulative sum.
    if (cumulative > before) {
      draw.token = candidate.token;
      draw.probability = (cumulative - before) / mass;
      before = cumulative;
    }
    return cumulative <= u * mass;
  });
  return draw;
}

std::vector<Pipeline::Survivor> Pipeline::distribution(Logits logits) {
  state_->reshape(logits);
  const double mass = state_->candidates.mass();
  const double max = state_->candidates.max_logit();
  std::vector<Survivor> result;
  for (const Candidate& c : state_->candidates.rank_first(state_->candidates.size())) {
    result.push_back({c.token, std::exp(c.logit - max) / mass});
  }
  return result;
}

}  // namespace decant
