#include "speculation.h"

#include <algorithm>

#include "decant/error.h"

namespace decant {
namespace {

// A guess adds a tenth to a step's time, or two, so that below this share of hits it does not pay.
// Then one is made now and then, to notice when that changes.
constexpr double kWorthwhile = 0.2;
constexpr std::size_t kPause = 32;
// The weight of what is new among the hits.
constexpr double kNews = 0.2;

// Tokens that must agree before what followed them is taken for a guess, and beyond which it does
// not matter how many more do.
constexpr std::size_t kShortestMatch = 2;
constexpr std::size_t kLongestMatch = 16;

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

Speculator::Speculator(const Task& task) : task_(task) {
  const Speculation& options = std::get<Sampling>(task.options().strategy).speculation;
  limit_ = static_cast<std::size_t>(options.prompt_lookup_num_tokens);
  if (options.draft != nullptr) {
    // Guesses may be made from whatever window is cheapest.
    draft_.emplace(Draft{Session(*options.draft), Context(ContextPolicy::kSlide)});
    limit_ = static_cast<std::size_t>(options.num_draft_tokens);
  }
  most_ = limit_;
}

void Speculator::guess(std::vector<TokenId>& text, std::size_t room) {
  const std::size_t most = std::min(most_, room);
  known_ = text.size();
  made_ = 0;
  if (most == 0) return;
  if (hits_ < kWorthwhile && ++waiting_ < kPause) return;
  waiting_ = 0;
  if (draft_) {
    draft(text, most);
  } else {
    look_up(text, most);
  }
  made_ = text.size() - known_;
}

// What followed the longest match, and of several the last.
void Speculator::look_up(std::vector<TokenId>& text, std::size_t most) const {
  std::size_t longest = kShortestMatch - 1;
  std::size_t best = 0;
  for (std::size_t end = text.size() - 1; end > longest && longest < kLongestMatch; --end) {
    const std::size_t length = matching(text, end);
    if (length <= longest) continue;
    longest = length;
    best = end;
  }
  if (best == 0) return;
  const std::size_t count = std::min(most, text.size() - best);
  for (std::size_t i = 0; i < count; ++i) text.push_back(text[best + i]);
}

void Speculator::draft(std::vector<TokenId>& text, std::size_t most) {
  try {
    for (std::size_t i = 0; i < most; ++i) {
      const Logits logits = draft_->session.prefill(draft_->context.feed(draft_->session, text));
      text.push_back(task_.pipeline()
                         .sample(task_.writable(logits), task_.address(text), task_.history(text))
                         .token);
      if (draft_->context.room(draft_->session, text) == 0) return;
    }
  } catch (const Error&) {
    // Of this token there is none to guess; whether the model has one, it will say.
  }
}

void Speculator::learn(std::size_t right) {
  if (made_ == 0) return;
  hits_ += kNews * ((right > 0 ? 1 : 0) - hits_);
  most_ = right == made_ ? std::min(limit_, 2 * most_) : std::max<std::size_t>(1, right);
  const std::size_t certain = known_ + right;
  if (draft_ && draft_->context.fed() > certain) {
    draft_->context.take_back(draft_->session, draft_->context.fed() - certain);
  }
}

}  // namespace decant
