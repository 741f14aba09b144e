#include "speculation.h"

#include <algorithm>

#include "decant/error.h"

namespace decant {
namespace {

// What checking a guess adds to a step's time: little where that is spent on reading weights from
// memory, much where they come from a cache (measured with GPT-2 124M and the model that ships).
constexpr double kCheck = 0.1;
constexpr double kCachedCheck = 0.4;
constexpr std::size_t kCacheBytes = std::size_t{32} << 20;

// Where guesses do not pay, one is made now and then, to notice when that changes.
constexpr std::size_t kPause = 32;
// The weight of the last guesses in the share that is right.
constexpr double kNews = 0.2;

// Tokens that must agree before what followed them is taken for a guess, and beyond which it does
// not matter how many more do.
constexpr std::size_t kShortestMatch = 2;
constexpr std::size_t kLongestMatch = 16;
// Tokens back, beyond which a search would take a noticeable part of a step.
constexpr std::size_t kFurthest = 8192;

// How many tokens that end at `end` are those that the text ends with.
std::size_t matching(std::span<const TokenId> text, std::size_t end) {
  std::size_t count = 0;
  while (count < std::min(end, kLongestMatch) &&
         text[end - 1 - count] == text[text.size() - 1 - count]) {
    ++count;
  }
  return count;
}

}  // namespace

Speculator::Speculator(const Task& task, const Session& session) : task_(task) {
  const Speculation& options = std::get<Sampling>(task.options().strategy).speculation;
  limit_ = static_cast<std::size_t>(options.prompt_lookup_num_tokens);
  if (options.draft != nullptr) {
    // Guesses may be made from whatever window is cheapest.
    draft_.emplace(Draft{Session(*options.draft), Context(ContextPolicy::kSlide)});
    limit_ = static_cast<std::size_t>(options.num_draft_tokens);
  }
  const auto bytes = static_cast<double>(session.step_bytes());
  cost_ = bytes > kCacheBytes ? kCheck : kCachedCheck;
  if (draft_) cost_ += static_cast<double>(draft_->session.step_bytes()) / bytes;
  most_ = limit_;
}

void Speculator::guess(std::vector<TokenId>& text, std::size_t room, const NextTokens& next) {
  const std::size_t most = std::min(most_, room);
  known_ = text.size();
  made_ = 0;
  if (most == 0) return;
  if (right_ < cost_ && ++waiting_ < kPause) return;
  waiting_ = 0;
  if (draft_) {
    draft(text, most, next);
  } else {
    look_up(text, most);
  }
  made_ = text.size() - known_;
}

// What followed the longest match, and of several the last.
void Speculator::look_up(std::vector<TokenId>& text, std::size_t most) const {
  std::size_t longest = kShortestMatch - 1;
  std::size_t best = 0;
  const std::size_t furthest = text.size() - std::min(text.size(), kFurthest);
  for (std::size_t end = text.size() - 1;
       end > std::max(longest, furthest) && longest < kLongestMatch; --end) {
    const std::size_t length = matching(text, end);
    if (length <= longest) continue;
    longest = length;
    best = end;
  }
  if (best == 0) return;
  const std::size_t count = std::min(most, text.size() - best);
  for (std::size_t i = 0; i < count; ++i) text.push_back(text[best + i]);
}

void Speculator::draft(std::vector<TokenId>& text, std::size_t most, NextTokens next) {
  try {
    for (std::size_t i = 0; i < most; ++i) {
      const Logits logits = draft_->session.prefill(draft_->context.feed(draft_->session, text));
      const TokenId token = task_.pipeline()
                                .sample(task_.writable(logits), task_.address(text),
                                        task_.history(text, next.allowed()))
                                .token;
      text.push_back(token);
      if (task_.is_stop_token(token) || draft_->context.room(draft_->session, text) == 0) return;
      next.add(token);
      if (next.must_end()) return;
    }
  } catch (const Error&) {
    // Of this token there is none to guess; whether the model has one, it will say.
  }
}

void Speculator::learn(std::size_t right) {
  if (made_ == 0) return;
  right_ += kNews * (static_cast<double>(right) / static_cast<double>(made_) - right_);
  most_ = right == made_ ? std::min(limit_, 2 * most_) : std::max<std::size_t>(1, right);
  const std::size_t certain = known_ + right;
  if (draft_ && draft_->context.fed() > certain) {
    draft_->context.take_back(draft_->session, draft_->context.fed() - certain);
  }
}

}  // namespace decant
