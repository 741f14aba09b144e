// The oracle is PyTorch's logits, put through a log-softmax in double.
#include "decant/score.h"

#include <gtest/gtest.h>

#include <cmath>

#include "decant/error.h"
#include "small_model.h"

namespace decant {
namespace {

TEST(Score, IsTheLogSoftmaxOfPyTorchsLogits) {
  SmallModel small;
  const auto vocab = static_cast<std::size_t>(small.model.config().vocab_size);
  std::size_t next = 1;
  score(small.session, small.data.tokens, [&](std::size_t index, const TokenScore& s) {
    ASSERT_EQ(index, next++);
    const auto row = std::span(small.data.logits).subspan((index - 1) * vocab, vocab);
    double sum = 0;
    for (const float logit : row) sum += std::exp(double{logit});
    const TokenId token = small.data.tokens[index];
    EXPECT_EQ(s.token, token);
    EXPECT_NEAR(s.logprob, row[static_cast<std::size_t>(token)] - std::log(sum), 2e-4);
  });
  EXPECT_EQ(next, small.data.tokens.size());
}

TEST(Score, ALongTextIsScoredOnceEachWithHalfAWindowBefore) {
  SmallModel small;
  const auto window = static_cast<std::size_t>(small.session.capacity());
  for (const std::size_t size : {window, window + 1, window + 2, 5 * window + 3}) {
    std::vector<TokenId> text;
    for (std::size_t i = 0; i < size; ++i) text.push_back(static_cast<TokenId>(i * i % 97));
    std::vector<TokenScore> scores;
    score(small.session, text, [&](std::size_t index, const TokenScore& s) {
      ASSERT_EQ(index, scores.size() + 1);
      scores.push_back(s);
    });
    ASSERT_EQ(scores.size(), size - 1);
    // Each is the score after some stretch before it of between half a window and a window.
    for (std::size_t i = 1; i < size; i += 7) {
      bool found = false;
      for (std::size_t n = std::min(i, window / 2); n <= std::min(i, window) && !found; ++n) {
        Session fresh(small.model, 1);
        const Logits logits = fresh.prefill(std::span(text).subspan(i - n, n));
        found = score_token(logits, text[i]).logprob == scores[i - 1].logprob;
      }
      EXPECT_TRUE(found) << "token " << i << " of " << size;
    }
  }
}

TEST(Score, NeedsTwoTokens) {
  SmallModel small;
  const std::vector<TokenId> one = {1};
  EXPECT_THROW(score(small.session, one, [](std::size_t, const TokenScore&) {}), Error);
}

}  // namespace
}  // namespace decant
