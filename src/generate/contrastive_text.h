// The strategy of weighing probability against repetition in the hidden states.
#pragma once

#include <vector>

#include "context.h"
#include "job.h"
#include "output.h"

namespace decant {

class ContrastiveText : public Job {
 public:
  /// The session is read anew: the prompt's hidden states are wanted, too.
  ContrastiveText(const Task& task, Session session);

  bool unfinished() const override { return output_.unfinished(); }
  void feed(std::vector<SessionGroup::Part>& parts) override;
  void take(const Rows& rows) override;
  const Generation& made() const override { return output_.made(); }

 private:
  // A token that may be next, and the text's session with it.
  struct Candidate {
    Session session;
    Context context;
    TokenId token;
    double probability;
    std::vector<TokenId> tokens;  // the text with it
    std::span<const TokenId> fed = {};
  };

  void propose(Logits logits);
  void remember(std::span<const float> state);
  double similarity(std::span<const float> state) const;

  const Task task_;
  const ContrastiveSearch options_;
  Session session_;
  Context context_;
  Output output_;
  std::vector<TokenId> tokens_;  // the prompt and what was made
  std::vector<float> states_;    // (tokens, C) of length 1 each
  std::vector<float> logits_;    // (V) that the candidates are from
  std::vector<Candidate> candidates_;
};

}  // namespace decant
