// Keeps a session on a text that may outgrow the model's window.
#pragma once

#include <span>

#include "decant/generate.h"

namespace decant {

/// Says what a session is to be fed so that it stands behind a growing text, and applies the
/// ContextPolicy when the window is full.
class Context {
 public:
  Context(Session& session, ContextPolicy policy) : session_(session), policy_(policy) {}

  /// The part of `text` to append to the session before the next draw; it may first make the
  /// session forget. `text` has grown by at least one token since the last call. Nothing where the
  /// window is full and the policy is to stop.
  std::span<const TokenId> feed(std::span<const TokenId> text);

 private:
  std::span<const TokenId> recompute(std::span<const TokenId> text, std::int64_t length);

  Session& session_;
  ContextPolicy policy_;
  std::size_t fed_ = 0;  // tokens of the text that the session has seen, or dropped
};

}  // namespace decant
