// Keeps a session on a text that may outgrow the model's window.
#pragma once

#include <span>

#include "decant/generate.h"

namespace decant {

/// Says what a session is to be fed so that it stands behind a growing text, and moves the window
/// when that is full. A copy goes with a fork of the session.
class Context {
 public:
  explicit Context(ContextPolicy policy) : policy_(policy) {}

  /// The part of `text` to append to the session before the next draw: at least one token. It may
  /// first make the session forget. `text` has grown by at least one token since the last call.
  std::span<const TokenId> feed(Session& session, std::span<const TokenId> text);

  /// Tokens of the text that were fed.
  std::size_t fed() const { return fed_; }

  /// How many tokens more could be fed behind `text` before the window moves.
  std::size_t room(const Session& session, std::span<const TokenId> text) const;

  /// Makes the session forget the last `count` tokens of the text, which are to become others.
  void take_back(Session& session, std::size_t count);

 private:
  ContextPolicy policy_;
  std::size_t fed_ = 0;  // tokens of the text that the session has seen, or dropped
};

}  // namespace decant
