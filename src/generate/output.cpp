#include "output.h"

#include <algorithm>

namespace decant {

Output::Output(const Task& task) : task_(task), stream_(task.options().stop, task.options().raw) {
  const std::size_t most = task.limit() - task.prompt().size();
  made_.tokens.reserve(std::min<std::size_t>(most, 1 << 20));
  if (most == 0) {
    end(FinishReason::kLength);
  } else if (NextTokens(task).must_end()) {
    end(FinishReason::kStop);
  }
}

void Output::append(const Draw& draw, Logits logits, const History& history, NextTokens& next) {
  if (task_.is_stop_token(draw.token)) return end(FinishReason::kStop);
  std::string_view bytes;
  try {
    bytes = task_.tokenizer().token_bytes(draw.token);
  } catch (const Error& error) {
    return fail(error);
  }
  made_.tokens.push_back(draw.token);
  const Listener& listener = task_.listener();
  if (listener.on_step) listener.on_step({draw, logits, history, bytes});
  next.add(draw.token);
  const std::string_view certain = stream_.push(bytes);
  if (listener.on_text && !certain.empty()) listener.on_text(certain);
  if (stream_.stopped() || next.must_end()) return end(FinishReason::kStop);
  if (task_.prompt().size() + made_.tokens.size() == task_.limit()) end(FinishReason::kLength);
}

void Output::count_guesses(std::size_t guesses) {
  made_.guessed += static_cast<std::int64_t>(guesses);
}

void Output::end(FinishReason reason) {
  unfinished_ = false;
  made_.finish_reason = reason;
  const Listener& listener = task_.listener();
  const std::string_view rest = stream_.finish();
  if (listener.on_text && !rest.empty()) listener.on_text(rest);
  if (listener.on_finish) listener.on_finish(made_);
}

void Output::fail(const Error& error) {
  made_.error = error.what();
  end(failure_reason(error));
}

}  // namespace decant
