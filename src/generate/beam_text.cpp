#include "beam_text.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "decant/error.h"

namespace decant {

BeamText::BeamText(const Task& task, Session session)
    : task_(task), options_(std::get<BeamSearch>(task.options().strategy)) {
  const auto most = static_cast<std::int64_t>(task.limit() - task.prompt().size());
  // Every group begins with the prompt.
  for (std::int64_t g = 0; g < options_.num_beam_groups; ++g) {
    groups_.push_back({BeamPool(options_, g, most, made_.beam_tree), {0}});
  }
  beams_.push_back({std::move(session),
                    Context(task.options().context),
                    Stream(task.options().stop, task.options().raw),
                    {task.prompt().begin(), task.prompt().end()}});
  if (most == 0) {
    end(std::nullopt);
  } else {
    beams_[0].fed = beams_[0].context.feed(beams_[0].session, beams_[0].tokens);
  }
}

void BeamText::feed(std::vector<SessionGroup::Part>& parts) {
  for (Beam& beam : beams_) parts.push_back({&beam.session, beam.fed});
}

void BeamText::take(const Rows& rows) {
  if (const auto reason = task_.interruption()) return end(reason);
  handicap_.clear();
  for (std::size_t g = 0; g < groups_.size(); ++g) advance(g, rows);
  if (std::ranges::all_of(groups_, [](const Group& g) { return g.pool.live().empty(); })) {
    return end(std::nullopt);
  }
  branch();
}

// One group's step. The groups behind it are to avoid what it chose.
void BeamText::advance(std::size_t index, const Rows& rows) {
  Group& group = groups_[index];
  if (group.pool.live().empty()) return;
  const std::size_t most = group.pool.competitors(task_.options().stop_tokens.size());
  std::vector<BeamCandidate> all =
      candidates(group, options_.do_sample ? rows.logits(0).size() : most, rows);
  group.pool.advance(options_.do_sample ? draw(index, group, most, std::move(all)) : std::move(all),
                     most);
  for (const BeamPool::Live& beam : group.pool.live()) {
    handicap_[made_.beam_tree[static_cast<std::size_t>(beam.node)].token] +=
        options_.diversity_penalty;
  }
}

// The best continuations of each beam. One for which no token is left has none.
std::vector<BeamCandidate> BeamText::candidates(const Group& group, std::size_t most,
                                                const Rows& rows) {
  std::vector<BeamCandidate> found;
  for (std::size_t i = 0; i < group.beams.size(); ++i) {
    const Beam& beam = beams_[group.beams[i]];
    try {
      for (const Pipeline::Continuation& one :
           task_.pipeline().continuations(task_.writable(rows.logits(group.beams[i])), most,
                                          task_.history(beam.tokens), handicap_)) {
        found.push_back({i, one.token, one.logprob, one.score, ends(beam, one.token)});
      }
    } catch (const Error& error) {
      made_.error = error.what();
    }
  }
  return found;
}

// Draws without replacement, each with a uniform of its own. The first group's first is that which
// sampling would use.
std::vector<BeamCandidate> BeamText::draw(std::size_t index, const Group& group, std::size_t most,
                                          std::vector<BeamCandidate> all) const {
  const auto total = [&](const BeamCandidate& c) { return group.pool.score(c.beam) + c.score; };
  double best = -std::numeric_limits<double>::infinity();
  for (const BeamCandidate& one : all) best = std::max(best, total(one));
  std::vector<double> weights(all.size());
  std::ranges::transform(all, weights.begin(),
                         [&](const BeamCandidate& c) { return std::exp(total(c) - best); });
  std::vector<BeamCandidate> drawn;
  DrawAddress address = task_.address(beams_[group.beams[0]].tokens);
  address.sequence += static_cast<std::uint64_t>(index * most) << 32;
  for (; drawn.size() < most; address.sequence += std::uint64_t{1} << 32) {
    double sum = 0;
    for (const double weight : weights) sum += weight;
    if (sum == 0) break;
    const double target = uniform(address) * sum;
    double reached = 0;
    std::size_t last = 0;  // that can be drawn
    for (std::size_t i = 0; i < weights.size() && (reached <= target || weights[last] == 0); ++i) {
      if (weights[i] > 0) last = i;
      reached += weights[i];
    }
    drawn.push_back(all[last]);
    weights[last] = 0;
  }
  return drawn;
}

bool BeamText::ends(const Beam& beam, TokenId token) const {
  if (task_.is_stop_token(token) || beam.tokens.size() + 1 == task_.limit()) return true;
  if (task_.options().stop.empty()) return false;
  Stream stream = beam.stream;
  stream.push(task_.tokenizer().token_bytes(token));
  return stream.stopped();
}

// The beams of the next step. The last child of a beam takes over its session.
void BeamText::branch() {
  std::vector<std::size_t> children(beams_.size());
  for (const Group& group : groups_) {
    for (const BeamPool::Live& beam : group.pool.live()) ++children[group.beams[beam.parent]];
  }
  std::vector<Beam> next;
  for (Group& group : groups_) {
    std::vector<std::size_t> places;
    for (const BeamPool::Live& live : group.pool.live()) {
      const std::size_t parent = group.beams[live.parent];
      Beam& from = beams_[parent];
      const TokenId token = made_.beam_tree[static_cast<std::size_t>(live.node)].token;
      places.push_back(next.size());
      if (--children[parent] == 0) {
        next.push_back(std::move(from));
      } else {
        next.push_back({from.session.fork(), from.context, from.stream, from.tokens});
      }
      next.back().tokens.push_back(token);
      if (!task_.options().stop.empty()) {
        next.back().stream.push(task_.tokenizer().token_bytes(token));
      }
    }
    group.beams = std::move(places);
  }
  beams_ = std::move(next);
  for (Beam& beam : beams_) beam.fed = beam.context.feed(beam.session, beam.tokens);
}

void BeamText::end(std::optional<FinishReason> interruption) {
  unfinished_ = false;
  beams_.clear();
  struct Finished {
    std::int64_t node;
    double final_score;
  };
  std::vector<Finished> finished;
  for (Group& group : groups_) {
    group.pool.close();
    for (const std::int64_t node : group.pool.finished()) {
      finished.push_back({node, group.pool.final_score(node)});
    }
  }
  std::ranges::stable_sort(finished, std::ranges::greater{}, &Finished::final_score);
  finished.resize(
      std::min(finished.size(), static_cast<std::size_t>(options_.num_return_sequences)));
  for (const Finished& one : finished) {
    made_.beam_tree[static_cast<std::size_t>(one.node)].fate = BeamFate::kReturned;
    made_.hypotheses.push_back(hypothesis(one.node, one.final_score));
  }
  if (interruption) {
    made_.finish_reason = *interruption;
  } else if (finished.empty()) {
    made_.finish_reason = made_.error.empty() ? FinishReason::kLength : FinishReason::kError;
  } else {
    made_.finish_reason = made_.hypotheses[0].stopped ? FinishReason::kStop : FinishReason::kLength;
  }
  if (made_.finish_reason != FinishReason::kError) made_.error.clear();
  const Listener& listener = task_.listener();
  if (!made_.hypotheses.empty()) {
    made_.tokens = made_.hypotheses[0].tokens;
    const std::string& text = made_.hypotheses[0].text;
    if (listener.on_text && !text.empty()) listener.on_text(text);
  }
  if (listener.on_finish) listener.on_finish(made_);
}

Hypothesis BeamText::hypothesis(std::int64_t node, double final_score) const {
  const BeamNode& last = made_.beam_tree[static_cast<std::size_t>(node)];
  Hypothesis result{.node = node,
                    .sum_logprob = last.sum_logprob,
                    .score = last.score,
                    .length = last.length,
                    .final_score = final_score};
  for (std::int64_t i = node; i >= 0; i = made_.beam_tree[static_cast<std::size_t>(i)].parent) {
    result.tokens.push_back(made_.beam_tree[static_cast<std::size_t>(i)].token);
  }
  std::ranges::reverse(result.tokens);
  if (task_.is_stop_token(last.token)) {
    result.stopped = true;
    result.tokens.pop_back();
  }
  Stream stream(task_.options().stop, task_.options().raw);
  for (const TokenId token : result.tokens) {
    result.text += stream.push(task_.tokenizer().token_bytes(token));
  }
  result.stopped = result.stopped || stream.stopped();
  result.text += stream.finish();
  return result;
}

}  // namespace decant
