// One text in the making: what lies between two steps of the model.
#pragma once

#include <span>
#include <vector>

#include "context.h"
#include "decant/generate.h"
#include "stream.h"

namespace decant {

/// What generate() does with one text; the model's part is the caller's:
///
///     while (text.unfinished()) text.take(session.prefill(text.feed()));
class Text {
 public:
  /// The session has seen nothing, or a beginning of the prompt. The references must outlive it.
  Text(Session& session, const Tokenizer& tokenizer, Pipeline& pipeline,
       const GenerateRequest& request);

  bool unfinished() const { return unfinished_; }

  /// The tokens to append to the session before take(): never none, while unfinished.
  std::span<const TokenId> feed() const { return feed_; }

  /// Draws the next token from the logits after them.
  void take(Logits logits);

  /// What became of it, once it is finished.
  const Generation& made() const { return made_; }

 private:
  void draw(Logits logits);
  void end(FinishReason reason);

  const Tokenizer& tokenizer_;
  Pipeline& pipeline_;
  const GenerateRequest& request_;
  Context context_;
  Stream stream_;
  std::vector<TokenId> tokens_;  // the prompt and what was made
  std::size_t limit_;            // how many they may become
  std::span<const TokenId> feed_;
  bool unfinished_ = true;
  Generation made_;
};

}  // namespace decant
