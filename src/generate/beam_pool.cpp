#include "beam_pool.h"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

namespace decant {

std::string_view beam_fate_name(BeamFate fate) {
  switch (fate) {
    case BeamFate::kContinued:
      return "continued";
    case BeamFate::kOutranked:
      return "outranked";
    case BeamFate::kBarren:
      return "barren";
    case BeamFate::kFinished:
      return "finished";
    case BeamFate::kDisplaced:
      return "displaced";
    case BeamFate::kReturned:
      return "returned";
    case BeamFate::kUnfinished:
      break;
  }
  return "unfinished";
}

BeamPool::BeamPool(const BeamSearch& options, std::int64_t group, std::int64_t max_length,
                   std::vector<BeamNode>& tree)
    : options_(options),
      group_(group),
      max_length_(max_length),
      tree_(tree),
      size_(static_cast<std::size_t>(options.num_beams / options.num_beam_groups)),
      capacity_(finished_capacity(options)) {}

std::size_t finished_capacity(const BeamSearch& options) {
  constexpr double kMost = 1 << 20;
  const std::int64_t size = options.num_beams / options.num_beam_groups;
  return static_cast<std::size_t>(
      std::clamp(std::floor(options.patience * static_cast<double>(size) + 0.5), 1.0, kMost));
}

std::size_t BeamPool::competitors(std::size_t stop_tokens) const {
  return (1 + std::max<std::size_t>(1, stop_tokens)) * size_;
}

double BeamPool::value(double score, std::int64_t length) const {
  return score / std::pow(static_cast<double>(length), options_.length_penalty);
}

double BeamPool::final_score(std::int64_t node) const {
  const BeamNode& n = tree_[static_cast<std::size_t>(node)];
  return value(n.score, n.length);
}

void BeamPool::decide(std::int64_t node, BeamFate fate) {
  tree_[static_cast<std::size_t>(node)].fate = fate;
  tree_[static_cast<std::size_t>(node)].decided = length_;
}

void BeamPool::finish(std::int64_t node) {
  const auto worse = [this](std::int64_t a, std::int64_t b) {
    return final_score(a) < final_score(b);
  };
  decide(node, BeamFate::kFinished);
  finished_.push_back(node);
  if (finished_.size() <= capacity_) return;
  // Of equal ones the last goes.
  const auto worst = std::min_element(finished_.rbegin(), finished_.rend(), worse);
  decide(*worst, BeamFate::kDisplaced);
  finished_.erase(std::next(worst).base());
}

double BeamPool::score(std::size_t beam) const {
  const std::int64_t node = live_[beam].node;
  return node < 0 ? 0 : tree_[static_cast<std::size_t>(node)].score;
}

std::vector<TokenId> BeamPool::advance(std::vector<BeamCandidate> candidates, std::size_t most) {
  const auto total = [this](const BeamCandidate& c) { return score(c.beam) + c.score; };
  std::ranges::sort(candidates, [&](const BeamCandidate& a, const BeamCandidate& b) {
    return std::tuple(-total(a), a.beam, a.token) < std::tuple(-total(b), b.beam, b.token);
  });
  candidates.resize(std::min(candidates.size(), most));
  if (candidates.empty()) {  // no beam can go on, and what breaks off is no match for a whole text
    if (finished_.empty()) close();
    for (const Live& beam : std::exchange(live_, {})) decide(beam.node, BeamFate::kBarren);
    return {};
  }
  ++length_;
  const std::vector<Live> parents = std::exchange(live_, {});
  std::vector<bool> fertile(parents.size());
  std::vector<TokenId> chosen;
  for (std::size_t rank = 0; rank < candidates.size(); ++rank) {
    const BeamCandidate& candidate = candidates[rank];
    const auto index = static_cast<std::int64_t>(tree_.size());
    tree_.push_back(child(parents[candidate.beam].node, candidate));
    if (candidate.ends ? rank >= size_ : live_.size() == size_) continue;  // outranked
    fertile[candidate.beam] = true;
    if (candidate.ends) {
      finish(index);
    } else {
      live_.push_back({index, candidate.beam});
      chosen.push_back(candidate.token);
      decide(index, BeamFate::kUnfinished);
    }
  }
  for (std::size_t i = 0; i < parents.size(); ++i) {
    if (parents[i].node < 0) continue;
    decide(parents[i].node, fertile[i] ? BeamFate::kContinued : BeamFate::kBarren);
  }
  if (is_over()) {
    live_.clear();
  } else if (length_ == max_length_) {
    close();
  }
  return chosen;
}

BeamNode BeamPool::child(std::int64_t parent, const BeamCandidate& candidate) const {
  BeamNode node{.parent = parent,
                .token = candidate.token,
                .length = length_,
                .group = group_,
                .logprob = candidate.logprob,
                .sum_logprob = candidate.logprob,
                .score = candidate.score,
                .ends = candidate.ends,
                .decided = length_};
  if (parent >= 0) {
    node.sum_logprob += tree_[static_cast<std::size_t>(parent)].sum_logprob;
    node.score += tree_[static_cast<std::size_t>(parent)].score;
  }
  return node;
}

// Whether no beam can still come to be among the finished, or enough are.
bool BeamPool::is_over() const {
  if (live_.empty()) return true;
  if (finished_.size() < capacity_) return false;
  if (options_.early_stopping == BeamSearch::EarlyStopping::kTrue) return true;
  const bool longest =
      options_.early_stopping == BeamSearch::EarlyStopping::kNever && options_.length_penalty > 0;
  double best = value(score(0), longest ? max_length_ : length_);
  double worst = final_score(finished_[0]);
  for (const std::int64_t node : finished_) worst = std::min(worst, final_score(node));
  return worst >= best;
}

void BeamPool::close() {
  for (const Live& beam : std::exchange(live_, {})) {
    if (beam.node >= 0) finish(beam.node);
  }
}

}  // namespace decant
