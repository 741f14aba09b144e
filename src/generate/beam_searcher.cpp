#include "beam_searcher.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>

#include "decant/error.h"

namespace decant {

BeamSearcher::BeamSearcher(const Task& task)
    : task_(task), options_(std::get<BeamSearch>(task.options().strategy)) {
  const auto most = static_cast<std::int64_t>(task.limit() - task.prompt().size());
  if (most == 0) return;
  if (NextTokens(task).must_end()) {
    made_.finish_reason = FinishReason::kStop;
    return;
  }
  // Every group begins with the prompt.
  for (std::int64_t g = 0; g < options_.num_beam_groups; ++g) {
    groups_.push_back({BeamPool(options_, g, most, made_.beam_tree), {0}});
  }
  beams_.push_back({{task.prompt().begin(), task.prompt().end()},
                    Stream(task.options().stop, task.options().raw),
                    NextTokens(task)});
}

void BeamSearcher::advance(std::span<const Logits> rows) {
  handicap_.clear();
  for (Group& group : groups_) {
    if (!group.pool.live().empty()) advance(group, rows);
  }
  if (failure_ == FinishReason::kError) {
    for (Group& group : groups_) group.pool.close();
  }
  branch();
}

// The groups behind this one are to avoid what it chooses.
void BeamSearcher::advance(Group& group, std::span<const Logits> rows) {
  const std::size_t most = group.pool.competitors(task_.options().stop_tokens.size());
  const std::size_t first_node = made_.beam_tree.size();
  std::vector<std::int64_t> parents;
  for (const BeamPool::Live& beam : group.pool.live()) parents.push_back(beam.node);
  auto found = candidates(group, options_.do_sample ? rows[0].size() : most, rows);
  if (options_.do_sample) found = draw(group, most, found);
  for (BeamCandidate& one : found) one.ends = ends(beams_[group.beams[one.beam]], one.token);
  const auto chosen = group.pool.advance(std::move(found), most);
  for (const TokenId token : chosen) handicap_[token] += options_.diversity_penalty;
  if (task_.options().logprobs) report(group, first_node, parents, rows);
}

// What the model and the stages thought of the tokens by which the search goes on.
void BeamSearcher::report(const Group& group, std::size_t first_node,
                          std::span<const std::int64_t> parents, std::span<const Logits> rows) {
  for (const std::int64_t parent : parents) {
    if (parent >= 0 && node(parent).fate == BeamFate::kBarren) {
      made_.beam_tree[static_cast<std::size_t>(parent)].report.reset();
    }
  }
  for (std::size_t i = first_node; i < made_.beam_tree.size(); ++i) {
    BeamNode& node = made_.beam_tree[i];
    if (node.fate == BeamFate::kOutranked) continue;
    const auto parent = std::ranges::find(parents, node.parent) - parents.begin();
    const std::size_t row = group.beams[static_cast<std::size_t>(parent)];
    node.report =
        task_.pipeline().report(task_.writable(rows[row]), node.token, *task_.options().logprobs,
                                task_.history(beams_[row].tokens, beams_[row].next.allowed()));
  }
}

// The `most` best continuations of each beam. One for which no token is left has none.
std::vector<BeamCandidate> BeamSearcher::candidates(const Group& group, std::size_t most,
                                                    std::span<const Logits> rows) {
  std::vector<BeamCandidate> found;
  for (std::size_t i = 0; i < group.beams.size(); ++i) {
    Beam& beam = beams_[group.beams[i]];
    try {
      for (const Pipeline::Continuation& one : task_.pipeline().continuations(
               task_.writable(rows[group.beams[i]]), most,
               task_.history(beam.tokens, beam.next.allowed()), handicap_)) {
        if (!task_.tokenizer().contains(one.token)) continue;
        found.push_back(
            {.beam = i, .token = one.token, .logprob = one.logprob, .score = one.score});
      }
    } catch (const Error& error) {
      if (failure_ == FinishReason::kError) continue;
      made_.error = error.what();
      failure_ = failure_reason(error);
    }
  }
  return found;
}

// Draws without replacement. Each draw has a sequence of its own, 2^32 apart, so that the first has
// the luck that sampling would have.
std::vector<BeamCandidate> BeamSearcher::draw(const Group& group, std::size_t most,
                                              std::span<const BeamCandidate> all) const {
  const auto total = [&](const BeamCandidate& c) { return group.pool.score(c.beam) + c.score; };
  double best = -std::numeric_limits<double>::infinity();
  for (const BeamCandidate& one : all) best = std::max(best, total(one));
  // The weights are the leaves of a tree of sums, so that a draw takes a step a level.
  const std::size_t leaves = std::bit_ceil(std::max<std::size_t>(1, all.size()));
  std::vector<double> sums(2 * leaves);
  for (std::size_t i = 0; i < all.size(); ++i) sums[leaves + i] = std::exp(total(all[i]) - best);
  for (std::size_t i = leaves - 1; i > 0; --i) sums[i] = sums[2 * i] + sums[2 * i + 1];
  std::vector<BeamCandidate> drawn;
  DrawAddress address = task_.address(beams_[group.beams[0]].tokens);
  for (; drawn.size() < most && sums[1] > 0; address.sequence += std::uint64_t{1} << 32) {
    double target = uniform(address) * sums[1];
    std::size_t at = 1;
    while (at < leaves) {
      at *= 2;
      if (target < sums[at] || sums[at + 1] == 0) continue;
      target -= sums[at];
      ++at;
    }
    drawn.push_back(all[at - leaves]);
    for (sums[at] = 0; at > 1; at /= 2) sums[at / 2] = sums[at] + sums[at ^ 1];
  }
  return drawn;
}

bool BeamSearcher::ends(const Beam& beam, TokenId token) const {
  if (task_.is_stop_token(token)) return true;
  if (task_.options().constraint != nullptr) {
    NextTokens next = beam.next;
    next.add(token);
    if (next.must_end()) return true;
  }
  if (task_.options().stop.empty()) return false;
  Stream stream = beam.stream;
  stream.push(task_.tokenizer().token_bytes(token));
  return stream.stopped();
}

// The beams of the next step, group by group.
void BeamSearcher::branch() {
  std::vector<Beam> next;
  for (Group& group : groups_) {
    std::vector<std::size_t> places;
    for (const BeamPool::Live& live : group.pool.live()) {
      const std::size_t parent = group.beams[live.parent];
      const TokenId token = node(live.node).token;
      places.push_back(next.size());
      next.push_back(beams_[parent]);
      next.back().parent = parent;
      next.back().tokens.push_back(token);
      next.back().next.add(token);
      if (!task_.options().stop.empty()) {
        next.back().stream.push(task_.tokenizer().token_bytes(token));
      }
    }
    group.beams = std::move(places);
  }
  beams_ = std::move(next);
}

Generation BeamSearcher::finish(std::optional<FinishReason> interruption) {
  for (Group& group : groups_) {
    group.pool.close();
    for (const std::int64_t last : group.pool.finished()) {
      made_.hypotheses.push_back(
          hypothesis(last, group.pool.final_score(last), reason(node(last), interruption)));
    }
  }
  // What broke off is no match for a whole text.
  std::ranges::stable_sort(made_.hypotheses, [this](const Hypothesis& a, const Hypothesis& b) {
    return std::pair(a.finish_reason == failure_, -a.final_score) <
           std::pair(b.finish_reason == failure_, -b.final_score);
  });
  made_.hypotheses.resize(
      std::min(made_.hypotheses.size(), static_cast<std::size_t>(options_.num_return_sequences)));
  for (const Hypothesis& one : made_.hypotheses) {
    made_.beam_tree[static_cast<std::size_t>(one.node)].fate = BeamFate::kReturned;
  }
  if (made_.hypotheses.empty()) {
    made_.finish_reason = failure_.value_or(made_.finish_reason);
  } else {
    made_.tokens = made_.hypotheses[0].tokens;
    made_.finish_reason = made_.hypotheses[0].finish_reason;
  }
  if (failure_ == FinishReason::kError) made_.finish_reason = *failure_;
  if (interruption) made_.finish_reason = *interruption;
  if (made_.finish_reason != failure_) made_.error.clear();
  return std::move(made_);
}

// Why a text ends with this node.
FinishReason BeamSearcher::reason(const BeamNode& last,
                                  std::optional<FinishReason> interruption) const {
  if (interruption) return *interruption;
  if (last.ends) return FinishReason::kStop;
  if (task_.prompt().size() + static_cast<std::size_t>(last.length) == task_.limit()) {
    return FinishReason::kLength;
  }
  return failure_.value_or(FinishReason::kLength);
}

Hypothesis BeamSearcher::hypothesis(std::int64_t last, double final_score,
                                    FinishReason reason) const {
  Hypothesis result{.node = last,
                    .sum_logprob = node(last).sum_logprob,
                    .score = node(last).score,
                    .length = node(last).length,
                    .final_score = final_score,
                    .finish_reason = reason};
  for (std::int64_t i = last; i >= 0; i = node(i).parent) result.tokens.push_back(node(i).token);
  std::ranges::reverse(result.tokens);
  if (task_.is_stop_token(result.tokens.back())) result.tokens.pop_back();
  Stream stream(task_.options().stop, task_.options().raw);
  for (const TokenId token : result.tokens) {
    result.text += stream.push(task_.tokenizer().token_bytes(token));
  }
  result.text += stream.finish();
  return result;
}

}  // namespace decant
