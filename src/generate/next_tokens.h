// Which tokens may come next in one text, as its constraint and min_new_tokens have it.
#pragma once

#include "decant/constraint.h"
#include "job.h"

namespace decant {

/// A copy goes with a fork of the text. The task must outlive it.
class NextTokens {
 public:
  explicit NextTokens(const Task& task);

  /// For History::allowed; nullptr: any. Valid until the next call or add().
  const TokenMask* allowed();

  /// The text goes on with this token, which was allowed.
  void add(TokenId token);

  /// Whether the constraint lets no token follow, not even the first.
  bool must_end() const;

 private:
  const Task* task_;
  Constraint::State state_ = {};
  std::int64_t made_ = 0;  // tokens
  TokenMask mask_;         // where stop tokens are held back
};

}  // namespace decant
