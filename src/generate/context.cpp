#include "context.h"

#include <algorithm>

namespace decant {

std::span<const TokenId> Context::feed(std::span<const TokenId> text) {
  const bool prompt = fed_ == 0;
  const auto fresh = text.subspan(prompt ? static_cast<std::size_t>(session_.position()) : fed_);
  fed_ = text.size();
  const std::int64_t room = session_.capacity() - session_.position();
  if (static_cast<std::int64_t>(fresh.size()) <= room) return fresh;
  if (prompt) return recompute(text, session_.capacity());
  switch (policy_) {
    case ContextPolicy::kStop:
      return {};
    case ContextPolicy::kSlide:
      return recompute(text, std::max<std::int64_t>(1, session_.capacity() / 2));
    case ContextPolicy::kCrop:
      break;
  }
  return recompute(text, session_.capacity());
}

// Positions are learned and absolute: when the window moves, every token in it is another input.
std::span<const TokenId> Context::recompute(std::span<const TokenId> text, std::int64_t length) {
  session_.truncate(0);
  return text.last(std::min(text.size(), static_cast<std::size_t>(length)));
}

}  // namespace decant
