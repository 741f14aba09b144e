// A text that grows by one token after the other, and what its listener is told of it.
#pragma once

#include <string>

#include "job.h"
#include "next_tokens.h"
#include "stream.h"

namespace decant {

class Output {
 public:
  explicit Output(const Task& task);

  bool unfinished() const { return unfinished_; }
  const Generation& made() const { return made_; }

  /// Takes in the next token, which was drawn from `logits` after `history`; it may end the text.
  void append(const Draw& draw, Logits logits, const History& history, NextTokens& next);

  void count_guesses(std::size_t guesses);
  /// The token that is appended next was guessed.
  void count_right_guess() { ++made_.guessed_right; }

  void end(FinishReason reason);
  /// Ends with failure_reason(error).
  void fail(const Error& error);

 private:
  const Task& task_;
  Stream stream_;
  bool unfinished_ = true;
  Generation made_;
};

}  // namespace decant
