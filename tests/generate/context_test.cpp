#include "context.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "small_model.h"

namespace decant {
namespace {

// The logits after `text` as a session computes them that never saw anything else.
std::vector<float> from_scratch(const Model& model, std::span<const TokenId> text) {
  Session session(model, 1);
  const Logits logits = session.prefill(text);
  return {logits.begin(), logits.end()};
}

// As generate() does it, with a session of its own.
class Follower {
 public:
  Follower(Session& session, ContextPolicy policy) : session_(session), context_(policy) {
    session.truncate(0);
  }

  // The logits after `text`.
  Logits follow(std::span<const TokenId> text) {
    return session_.prefill(context_.feed(session_, text));
  }

 private:
  Session& session_;
  Context context_;
};

std::vector<TokenId> long_text(std::size_t size) {
  std::vector<TokenId> text;
  for (std::size_t i = 0; i < size; ++i) text.push_back(static_cast<TokenId>(i * i % 97));
  return text;
}

TEST(Context, CropEqualsRecomputingTheWindowAtEveryStep) {
  SmallModel small;
  const auto window = static_cast<std::size_t>(small.session.capacity());
  const auto text = long_text(4 * window);
  for (const std::size_t prompt : {std::size_t{1}, window - 1, window, window + 5}) {
    Follower context(small.session, ContextPolicy::kCrop);
    Logits logits = context.follow(std::span(text).first(prompt));
    for (std::size_t n = prompt;; ++n) {
      const auto seen = std::span(text).first(n).last(std::min(n, window));
      ASSERT_TRUE(std::ranges::equal(logits, from_scratch(small.model, seen))) << n << " tokens";
      if (n == text.size()) break;
      logits = context.follow(std::span(text).first(n + 1));
    }
  }
}

TEST(Context, SlideDropsTheOlderHalfOnceAHalfWindow) {
  SmallModel small;
  const auto window = static_cast<std::size_t>(small.session.capacity());
  const auto text = long_text(4 * window);
  Follower context(small.session, ContextPolicy::kSlide);
  context.follow(std::span(text).first(3));
  std::size_t begin = 0;  // the first token that the model sees
  for (std::size_t n = 4; n <= text.size(); ++n) {
    if (n - begin > window) begin = n - window / 2;
    const Logits logits = context.follow(std::span(text).first(n));
    ASSERT_EQ(small.session.position(), static_cast<std::int64_t>(n - begin));
    ASSERT_TRUE(std::ranges::equal(
        logits, from_scratch(small.model, std::span(text).subspan(begin, n - begin))));
  }
}

}  // namespace
}  // namespace decant
