#include "context.h"

#include <algorithm>

namespace decant {

Context::Context(Session& session, ContextPolicy policy) : session_(session), policy_(policy) {}

Logits Context::prefill(std::span<const TokenId> prompt) {
  return recompute(prompt, session_.capacity());
}

std::optional<Logits> Context::step(std::span<const TokenId> text) {
  if (session_.position() < session_.capacity()) return session_.step(text.back());
  switch (policy_) {
    case ContextPolicy::kStop:
      return std::nullopt;
    case ContextPolicy::kSlide:
      return recompute(text, std::max<std::int64_t>(1, session_.capacity() / 2));
    case ContextPolicy::kCrop:
      break;
  }
  return recompute(text, session_.capacity());
}

// Positions are learned and absolute: when the window moves, every token in it is another input.
Logits Context::recompute(std::span<const TokenId> text, std::int64_t length) {
  session_.truncate(0);
  return session_.prefill(text.last(std::min(text.size(), static_cast<std::size_t>(length))));
}

}  // namespace decant
