#include "tracer.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "logits.h"

namespace decant {
namespace {

constexpr float kNone = -std::numeric_limits<float>::infinity();

// What is left of 1 beside less than this has digits enough; beside more it is added up itself.
constexpr double kNearlyAll = 0.999;

}  // namespace

bool Tracer::Snapshot::has(std::size_t token) const { return values[token] > kNone; }

double Tracer::Snapshot::probability(std::size_t token) const {
  return has(token) ? Weighing{max, temperature}.weight(values[token]) / mass : 0;
}

double Tracer::Snapshot::probability_of(const std::vector<float>& some) const {
  return exp_sum_exact(some, std::numeric_limits<float>::lowest(), max, temperature) / mass;
}

Tracer::Shares Tracer::divide(const Snapshot& before, const Snapshot& after) {
  const auto add_up = [&](bool kept) {
    some_.clear();
    for (std::size_t i = 0; i < vocab_size_; ++i) {
      if (before.has(i) && after.has(i) == kept) some_.push_back(before.values[i]);
    }
    return before.probability_of(some_);
  };
  const bool few_kept = 2 * after.size <= before.size;
  const double few = add_up(few_kept);
  const double many = few < kNearlyAll ? 1 - few : add_up(!few_kept);
  return few_kept ? Shares{few, many} : Shares{many, few};
}

Tracer::Snapshot Tracer::look(Candidates& candidates) const {
  const double entropy = candidates.entropy();  // first: its pass over the logits has the mass, too
  Snapshot now{.values = std::vector<float>(vocab_size_, kNone),
               .size = static_cast<std::int64_t>(candidates.size()),
               .max = candidates.max(),
               .temperature = candidates.temperature(),
               .mass = candidates.exact_mass(),
               .entropy = entropy};
  candidates.for_each(
      [&](TokenId token, float value) { now.values[static_cast<std::size_t>(token)] = value; });
  return now;
}

Tracer::Tracer(Logits logits, const TraceOptions& options, Candidates& candidates)
    : vocab_size_(logits.size()), options_(options) {
  const auto top = static_cast<std::size_t>(std::max(options.top, std::int64_t{0}));
  ranking_ = candidates.ranking(options.every_survivor ? candidates.size() : top);
  snapshots_.push_back(look(candidates));
  trace_.vocab_size = static_cast<std::int64_t>(vocab_size_);
  trace_.possible = snapshots_.front().size;
  trace_.entropy = snapshots_.front().entropy;
}

void Tracer::record(std::string_view stage, Candidates& candidates) {
  snapshots_.push_back(look(candidates));
  const Snapshot& after = snapshots_.back();
  const Snapshot& before = snapshots_[snapshots_.size() - 2];
  StageTrace seen{.name = std::string(stage),
                  .kept = after.size,
                  .removed = before.size - after.size,
                  .mass_removed = divide(before, after).gone,
                  .entropy = after.entropy};
  if (const auto floor = candidates.floor()) {
    seen.threshold =
        std::exp((*floor - static_cast<double>(before.max)) / before.temperature) / before.mass;
  }
  trace_.stages.push_back(std::move(seen));
}

void Tracer::record(const Draw& draw, Candidates& candidates) {
  const Snapshot& last = snapshots_.back();
  const Place drawn{last.values[static_cast<std::size_t>(draw.token)], draw.token};
  some_.clear();
  candidates.for_each([&](TokenId token, float value) {
    if (ranks_before({value, token}, drawn)) some_.push_back(value);
  });
  // u lies inside, also where this sum, done in another order than the draw's, rounds past it.
  DrawTrace seen{.token = draw.token,
                 .u = draw.u,
                 .rank = static_cast<std::int64_t>(some_.size()),
                 .probability = draw.probability};
  seen.begin = std::min(last.probability_of(some_), draw.u);
  seen.end = std::max(seen.begin + draw.probability, std::nextafter(draw.u, 1.0));
  trace_.draw = seen;
}

CandidateTrace Tracer::follow(TokenId token, std::int64_t rank) const {
  const Snapshot& raw = snapshots_.front();
  const auto i = static_cast<std::size_t>(token);
  const double logit = raw.values[i];
  CandidateTrace seen{.token = token,
                      .rank = rank,
                      .logit = logit,
                      .logprob = logit - static_cast<double>(raw.max) - std::log(raw.mass),
                      .probability = snapshots_.back().probability(i)};
  for (std::size_t stage = 0; stage + 1 < snapshots_.size(); ++stage) {
    const Snapshot& after = snapshots_[stage + 1];
    if (!after.has(i)) {
      seen.removed_by = stage;
      break;
    }
    seen.logits.push_back(static_cast<double>(after.values[i]) / after.temperature);
    seen.probabilities.push_back(after.probability(i));
  }
  return seen;
}

Trace Tracer::finish(Candidates& candidates) {
  Snapshot& raw = snapshots_.front();
  const Snapshot& last = snapshots_.back();
  trace_.final_entropy = last.entropy;
  trace_.survivors = static_cast<std::int64_t>(candidates.size());
  trace_.mass_kept = divide(raw, last).kept;
  std::vector<float> listed;
  for (std::size_t rank = 0; rank < ranking_.size(); ++rank) {
    const auto [value, token] = ranking_[rank];
    const bool at_top = static_cast<std::int64_t>(rank) < options_.top;
    if (!at_top && !last.has(static_cast<std::size_t>(token))) continue;
    trace_.candidates.push_back(follow(token, static_cast<std::int64_t>(rank)));
    listed.push_back(value);
  }
  trace_.others = raw.size - static_cast<std::int64_t>(listed.size());
  const double in_list = raw.probability_of(listed);
  if (trace_.others > 0 && in_list < kNearlyAll) {
    trace_.others_probability = 1 - in_list;
  } else {
    for (const CandidateTrace& seen : trace_.candidates) {
      raw.values[static_cast<std::size_t>(seen.token)] = kNone;
    }
    trace_.others_probability = raw.probability_of(raw.values);
  }
  return std::move(trace_);
}

}  // namespace decant
