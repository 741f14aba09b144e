#include "sampled_text.h"

#include <algorithm>

namespace decant {

SampledText::SampledText(const Task& task, Session session)
    : task_(task),
      session_(std::move(session)),
      context_(task.options().context),
      output_(task_),
      next_(task_),
      speculator_(task_, session_),
      tokens_(task.prompt().begin(), task.prompt().end()) {
  tokens_.reserve(std::min(task_.limit(), tokens_.size() + (1 << 20)));
  if (unfinished()) prepare();
}

// Guesses, and says what the session is fed with them.
void SampledText::prepare() {
  known_ = tokens_.size();
  const std::size_t room = std::min(context_.room(session_, tokens_), task_.limit() - known_ - 1);
  speculator_.guess(tokens_, room, next_);
  feed_ = context_.feed(session_, tokens_);
}

void SampledText::feed(std::vector<SessionGroup::Part>& parts) {
  parts.push_back({&session_, feed_, tokens_.size() - known_ + 1});
}

// Each row is there for a draw; the rows behind a guess hold only if it is drawn.
void SampledText::take(const Rows& rows) {
  guesses_.assign(tokens_.begin() + static_cast<std::ptrdiff_t>(known_), tokens_.end());
  tokens_.resize(known_);
  output_.count_guesses(guesses_.size());
  std::size_t right = 0;
  for (;;) {
    if (const auto reason = task_.interruption()) return output_.end(*reason);
    const Logits logits = rows.logits(right);
    const History history = task_.history(tokens_, next_.allowed());
    Draw draw;
    try {
      draw = task_.pipeline().sample(task_.writable(logits), task_.address(tokens_), history);
    } catch (const Error& error) {
      return output_.fail(error);
    }
    const bool guessed = right < guesses_.size() && draw.token == guesses_[right];
    if (guessed) output_.count_right_guess();
    output_.append(draw, logits, history, next_);
    if (!unfinished()) return;
    tokens_.push_back(draw.token);
    if (!guessed) break;
    ++right;
  }
  speculator_.learn(right);
  context_.take_back(session_, guesses_.size() - right);
  prepare();
}

}  // namespace decant
