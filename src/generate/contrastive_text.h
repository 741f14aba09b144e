// The strategy of weighing probability against repetition in the hidden states.
#pragma once

#include <vector>

#include "context.h"
#include "job.h"
#include "next_tokens.h"
#include "output.h"

namespace decant {

/// What a candidate is chosen by.
double contrastive_score(const ContrastiveSearch& options, double probability, double similarity);

/// The tokens of a text by their hidden states, and how much a further one resembles them.
class HiddenStates {
 public:
  void add(std::span<const float> state);

  /// The largest cosine similarity to one that was added; 0 for a state of zeros.
  double similarity(std::span<const float> state) const;

 private:
  std::vector<float> states_;  // (tokens, C), of length 1 each
};

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
  std::size_t choose(const Rows& rows) const;

  const Task task_;
  const ContrastiveSearch options_;
  Session session_;
  Context context_;
  Output output_;
  NextTokens next_;
  std::vector<TokenId> tokens_;  // the prompt and what was made
  HiddenStates states_;
  std::vector<float> logits_;  // (V) that the candidates are from
  std::vector<Candidate> candidates_;
};

}  // namespace decant
