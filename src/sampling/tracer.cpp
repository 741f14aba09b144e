#include "tracer.h"

#include <algorithm>
#include <cmath>

namespace decant {

Tracer::Snapshot Tracer::look(Candidates& candidates) const {
  Snapshot now{.logits = std::vector<double>(vocab_size_),
               .probabilities = std::vector<double>(vocab_size_),
               .possible = std::vector<bool>(vocab_size_),
               .size = static_cast<std::int64_t>(candidates.size()),
               .max = candidates.max(),
               .temperature = candidates.temperature(),
               .mass = candidates.exact_mass(),
               .entropy = candidates.entropy()};
  candidates.for_each([&](TokenId token, float value) {
    const auto i = static_cast<std::size_t>(token);
    now.logits[i] = value / now.temperature;
    now.probabilities[i] = candidates.weight(value) / now.mass;
    now.possible[i] = true;
  });
  return now;
}

Tracer::Tracer(Logits logits, Candidates& candidates)
    : vocab_size_(logits.size()), ranking_(candidates.ranking()) {
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
                  .entropy = after.entropy};
  for (std::size_t i = 0; i < vocab_size_; ++i) {
    if (before.possible[i] && !after.possible[i]) seen.mass_removed += before.probabilities[i];
  }
  if (const auto floor = candidates.floor()) {
    seen.threshold =
        std::exp((*floor - static_cast<double>(before.max)) / before.temperature) / before.mass;
  }
  trace_.stages.push_back(std::move(seen));
}

void Tracer::record(const Draw& draw, Candidates& candidates) {
  DrawTrace seen{.token = draw.token, .u = draw.u, .probability = draw.probability};
  const double mass = candidates.exact_mass();
  double before = 0;
  for (const Place& place : candidates.ranking()) {
    if (place.token == draw.token) break;
    before += candidates.weight(place.value);
    ++seen.rank;
  }
  // u lies inside, also where these sums, done in another order than the draw's, round past it.
  seen.begin = std::min(before / mass, draw.u);
  seen.end = std::max(seen.begin + draw.probability, std::nextafter(draw.u, 1.0));
  trace_.draw = seen;
}

Trace Tracer::finish(const TraceOptions& options, Candidates& candidates) {
  const Snapshot& raw = snapshots_.front();
  const Snapshot& last = snapshots_.back();
  trace_.final_entropy = last.entropy;
  trace_.survivors = static_cast<std::int64_t>(candidates.size());
  for (std::size_t rank = 0; rank < ranking_.size(); ++rank) {
    const auto [value, token] = ranking_[rank];
    const auto i = static_cast<std::size_t>(token);
    if (last.possible[i]) trace_.mass_kept += raw.probabilities[i];
    const bool at_top = static_cast<std::int64_t>(rank) < options.top;
    if (!at_top && !(options.every_survivor && last.possible[i])) {
      ++trace_.others;
      trace_.others_probability += raw.probabilities[i];
      continue;
    }
    CandidateTrace seen{.token = token,
                        .rank = static_cast<std::int64_t>(rank),
                        .logit = value,
                        .logprob = value - static_cast<double>(raw.max) - std::log(raw.mass),
                        .probability = last.probabilities[i]};
    for (std::size_t stage = 0; stage + 1 < snapshots_.size(); ++stage) {
      const Snapshot& after = snapshots_[stage + 1];
      if (!after.possible[i]) {
        seen.removed_by = stage;
        break;
      }
      seen.logits.push_back(after.logits[i]);
      seen.probabilities.push_back(after.probabilities[i]);
    }
    trace_.candidates.push_back(std::move(seen));
  }
  return std::move(trace_);
}

}  // namespace decant
