#include "contrastive_text.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

namespace decant {
namespace {

double inner_product(std::span<const float> a, std::span<const float> b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

}  // namespace

double contrastive_score(const ContrastiveSearch& options, double probability, double similarity) {
  return (1 - options.penalty_alpha) * probability - options.penalty_alpha * similarity;
}

void HiddenStates::add(std::span<const float> state) {
  const double length = std::sqrt(inner_product(state, state));
  for (const float x : state) {
    states_.push_back(length > 0 ? static_cast<float>(x / length) : 0);
  }
}

double HiddenStates::similarity(std::span<const float> state) const {
  const double length = std::sqrt(inner_product(state, state));
  if (length == 0 || states_.empty()) return 0;
  double largest = -1;
  for (std::size_t i = 0; i < states_.size(); i += state.size()) {
    largest = std::max(largest,
                       inner_product(std::span(states_).subspan(i, state.size()), state) / length);
  }
  return largest;
}

ContrastiveText::ContrastiveText(const Task& task, Session session)
    : task_(task),
      options_(std::get<ContrastiveSearch>(task.options().strategy)),
      session_(std::move(session)),
      context_(task.options().context),
      output_(task_),
      next_(task_),
      tokens_(task.prompt().begin(), task.prompt().end()) {
  if (!unfinished()) return;
  session_.truncate(0);
  const auto prompt = context_.feed(session_, tokens_);
  session_.prefill(prompt, [&](std::size_t index, Logits logits, std::span<const float> hidden) {
    states_.add(hidden);
    if (index + 1 == prompt.size()) logits_.assign(logits.begin(), logits.end());
  });
  propose(logits_);
}

void ContrastiveText::feed(std::vector<SessionGroup::Part>& parts) {
  for (Candidate& one : candidates_) parts.push_back({&one.session, one.fed});
}

void ContrastiveText::propose(Logits logits) {
  candidates_.clear();
  try {
    for (const Pipeline::Survivor& one : task_.pipeline().distribution(
             task_.writable(logits), task_.history(tokens_, next_.allowed()),
             static_cast<std::size_t>(options_.top_k))) {
      std::vector<TokenId> tokens = tokens_;
      tokens.push_back(one.token);
      candidates_.push_back(
          {session_.fork(), context_, one.token, one.probability, std::move(tokens)});
    }
  } catch (const Error& error) {
    return output_.fail(error);
  }
  for (Candidate& one : candidates_) one.fed = one.context.feed(one.session, one.tokens);
}

void ContrastiveText::take(const Rows& rows) {
  if (const auto reason = task_.interruption()) return output_.end(*reason);
  const std::size_t best = choose(rows);
  Candidate chosen = std::move(candidates_[best]);
  output_.append({.token = chosen.token,
                  .probability = chosen.probability,
                  .survivors = static_cast<std::int64_t>(candidates_.size())},
                 logits_, task_.history(tokens_, next_.allowed()), next_);
  if (!unfinished()) return;
  tokens_.push_back(chosen.token);
  session_ = std::move(chosen.session);
  context_ = chosen.context;
  states_.add(rows.hidden(best));
  const Logits logits = rows.logits(best);
  logits_.assign(logits.begin(), logits.end());
  propose(logits_);
}

// The candidate with the best score, and of equal ones the most probable.
std::size_t ContrastiveText::choose(const Rows& rows) const {
  std::size_t best = 0;
  double best_score = -std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < candidates_.size(); ++i) {
    const double score =
        contrastive_score(options_, candidates_[i].probability, states_.similarity(rows.hidden(i)));
    if (score <= best_score) continue;
    best = i;
    best_score = score;
  }
  return best;
}

}  // namespace decant
