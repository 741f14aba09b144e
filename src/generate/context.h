// Keeps a session on a text that may outgrow the model's window.
#pragma once

#include <optional>
#include <span>

#include "decant/generate.h"

namespace decant {

/// Feeds a growing text to a session and applies the ContextPolicy when the window is full.
class Context {
 public:
  /// Starts the session over.
  Context(Session& session, ContextPolicy policy);

  /// The logits after the whole prompt, or after as much of its end as the window holds.
  Logits prefill(std::span<const TokenId> prompt);

  /// The logits after `text`, whose last token is new since the last call; nothing where the window
  /// is full and the policy is to stop.
  std::optional<Logits> step(std::span<const TokenId> text);

 private:
  Logits recompute(std::span<const TokenId> text, std::int64_t length);

  Session& session_;
  ContextPolicy policy_;
};

}  // namespace decant
