#include "context.h"

#include <algorithm>

namespace decant {

std::span<const TokenId> Context::feed(Session& session, std::span<const TokenId> text) {
  const bool prompt = fed_ == 0;
  const auto fresh = text.subspan(prompt ? static_cast<std::size_t>(session.position()) : fed_);
  fed_ = text.size();
  const std::int64_t room = session.capacity() - session.position();
  if (static_cast<std::int64_t>(fresh.size()) <= room) return fresh;
  // Positions are learned and absolute: when the window moves, every token in it is another input.
  session.truncate(0);
  const bool slide = !prompt && policy_ == ContextPolicy::kSlide;
  const std::int64_t kept =
      slide ? std::max<std::int64_t>(1, session.capacity() / 2) : session.capacity();
  return text.last(std::min(text.size(), static_cast<std::size_t>(kept)));
}

std::size_t Context::room(const Session& session, std::span<const TokenId> text) const {
  const auto taken = static_cast<std::size_t>(session.position()) + text.size() - fed_;
  const auto capacity = static_cast<std::size_t>(session.capacity());
  return capacity - std::min(capacity, taken);
}

void Context::take_back(Session& session, std::size_t count) {
  session.truncate(session.position() - static_cast<std::int64_t>(count));
  fed_ -= count;
}

}  // namespace decant
