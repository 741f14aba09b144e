// Guesses at the next tokens, and how many are worth it.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "context.h"
#include "job.h"
#include "next_tokens.h"

namespace decant {

/// Makes the guesses of one text, which the model then checks. While they fail, they become few and
/// rare.
class Speculator {
 public:
  /// `session` is that of the text.
  Speculator(const Task& task, const Session& session);

  /// Adds at most `room` guesses behind the tokens of `text`.
  void guess(std::vector<TokenId>& text, std::size_t room, const NextTokens& next);

  /// How many of the last guesses were drawn.
  void learn(std::size_t right);

 private:
  void look_up(std::vector<TokenId>& text, std::size_t most) const;
  void draft(std::vector<TokenId>& text, std::size_t most, NextTokens next);

  const Task& task_;
  struct Draft {
    Session session;
    Context context;
  };
  std::optional<Draft> draft_;
  std::size_t limit_;        // guesses at a time, at most,
  std::size_t most_;         // and now
  std::size_t known_ = 0;    // tokens of the text at the last time,
  std::size_t made_ = 0;     // and guesses behind them
  double cost_;              // of a guess, in steps
  double right_ = 1;         // the share of guesses that were right lately
  std::size_t waiting_ = 0;  // steps since a guess, while they do not pay
};

}  // namespace decant
