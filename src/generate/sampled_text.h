// The strategy of drawing one token after the other.
#pragma once

#include "context.h"
#include "job.h"
#include "next_tokens.h"
#include "output.h"
#include "speculation.h"

namespace decant {

class SampledText : public Job {
 public:
  /// The session has seen nothing, or a beginning of the prompt.
  SampledText(const Task& task, Session session);

  bool unfinished() const override { return output_.unfinished(); }
  void feed(std::vector<SessionGroup::Part>& parts) override;
  void take(const Rows& rows) override;
  const Generation& made() const override { return output_.made(); }

 private:
  void prepare();

  const Task task_;
  Session session_;
  Context context_;
  Output output_;
  NextTokens next_;
  Speculator speculator_;
  std::vector<TokenId> tokens_;   // the prompt and what was made; while fed, guesses behind them
  std::size_t known_ = 0;         // how many of them are no guesses
  std::vector<TokenId> guesses_;  // that the rows of a step check
  std::span<const TokenId> feed_;
};

}  // namespace decant
