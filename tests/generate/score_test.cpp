// The oracle is PyTorch's logits, put through a log-softmax in double.
#include "decant/score.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "decant/error.h"
#include "small_model.h"

namespace decant {
namespace {

TEST(Score, IsTheLogSoftmaxOfPyTorchsLogits) {
  SmallModel small;
  const auto vocab = static_cast<std::size_t>(small.model.config().vocab_size);
  std::size_t next = 1;
  score(small.session, small.data.tokens, [&](std::size_t index, const TokenReport& s) {
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

std::vector<TokenId> long_text(std::size_t size) {
  std::vector<TokenId> text;
  for (std::size_t i = 0; i < size; ++i) text.push_back(static_cast<TokenId>(i * i % 97));
  return text;
}

std::vector<TokenReport> reports(SmallModel& small, std::span<const TokenId> text,
                                 const ScoreOptions& options) {
  std::vector<TokenReport> all;
  score(
      small.session, text,
      [&](std::size_t index, const TokenReport& report) {
        ASSERT_EQ(index, all.size() + 1);
        EXPECT_EQ(report.token, text[index]);
        all.push_back(report);
      },
      options);
  return all;
}

// Windows begin at 0, stride, 2 stride, ...; the first that reaches token t (that feeds the token
// before it) judges it, by all that lies between.
TEST(Score, EachTokenIsScoredInTheFirstWindowThatReachesIt) {
  SmallModel small;
  const auto window = static_cast<std::size_t>(small.session.capacity());
  for (const std::size_t stride :
       {std::size_t{1}, std::size_t{7}, window / 2, window - 1, window}) {
    for (const std::size_t size : {std::size_t{2}, window - 1, window, window + 1, window + 2,
                                   2 * window, 2 * window + 1, 3 * window + 5}) {
      const std::vector<TokenId> text = long_text(size);
      const auto scored = reports(small, text, {.stride = static_cast<std::int64_t>(stride)});
      ASSERT_EQ(scored.size(), size - 1);
      for (std::size_t t = 1; t < size; ++t) {
        std::size_t begin = 0;
        while (begin + window < t) begin += stride;
        Session fresh(small.model, 1);
        const Logits logits = fresh.prefill(std::span(text).subspan(begin, t - begin));
        ASSERT_EQ(scored[t - 1].logprob, score_token(logits, text[t]).logprob)
            << "token " << t << " of " << size << ", stride " << stride;
      }
    }
  }
}

TEST(Score, TheStrideIsHalfTheWindowUnlessOneIsGiven) {
  SmallModel small;
  const std::int64_t window = small.session.capacity();
  const auto text = long_text(static_cast<std::size_t>(3 * window));
  const auto one = reports(small, text, {});
  const auto other = reports(small, text, {.stride = window / 2});
  for (std::size_t i = 0; i < one.size(); ++i) EXPECT_EQ(one[i].logprob, other[i].logprob);
}

TEST(Score, EntropyAndStagesAreOfTheSameLogits) {
  SmallModel small;
  std::vector<TokenId> text = long_text(static_cast<std::size_t>(small.session.capacity()));
  for (TokenId& token : text) token %= 3;  // for the penalties to find
  const SamplingConfig sampling = {
      .temperature = .7, .top_k = 90, .frequency_penalty = 3, .penalize_prompt = false};
  const auto all = reports(small, text, {.sampling = sampling});
  Pipeline pipeline(sampling);
  for (std::size_t t = 1; t < text.size(); ++t) {
    Session fresh(small.model, 1);
    const auto before = std::span(text).first(t);
    const Logits logits = fresh.prefill(before);
    double sum = 0;
    double weighted = 0;
    for (const float logit : logits) {
      sum += std::exp(double{logit});
      weighted += std::exp(double{logit}) * double{logit};
    }
    EXPECT_NEAR(all[t - 1].entropy, std::log(sum) - weighted / sum, 1e-9);
    // The survivors, as they would be drawn from.
    double expected = -std::numeric_limits<double>::infinity();
    for (const auto& [token, probability] :
         pipeline.distribution(logits, {.tokens = before, .prompt_size = 1})) {
      if (token == text[t]) expected = std::log(probability);
    }
    ASSERT_EQ(all[t - 1].after.size(), 3u);
    EXPECT_EQ(all[t - 1].after[0].stage, "penalties");
    if (std::isinf(expected)) {
      EXPECT_EQ(all[t - 1].after.back().logprob, expected);
    } else {
      EXPECT_NEAR(all[t - 1].after.back().logprob, expected, 1e-9);
    }
  }
}

TEST(Score, RefusesAStrideOutsideTheWindow) {
  SmallModel small;
  const std::int64_t window = small.session.capacity();
  for (const std::int64_t stride : {std::int64_t{0}, std::int64_t{-1}, window + 1}) {
    try {
      reports(small, long_text(3), {.stride = stride});
      ADD_FAILURE() << stride;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidOption);
      EXPECT_NE(std::string(error.what()).find("from 1 to " + std::to_string(window)),
                std::string::npos)
          << error.what();
    }
  }
  EXPECT_THROW(validate({.sampling = {.top_p = 2}}, window), Error);
}

TEST(Score, NeedsTwoTokens) {
  SmallModel small;
  const std::vector<TokenId> one = {1};
  EXPECT_THROW(score(small.session, one, [](std::size_t, const TokenReport&) {}), Error);
}

}  // namespace
}  // namespace decant
