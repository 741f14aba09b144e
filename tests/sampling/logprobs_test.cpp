#include "decant/logprobs.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "decant/error.h"

namespace decant {
namespace {

const std::vector<float> kLogits = {std::log(.1f), std::log(.4f), std::log(.1f), std::log(.4f)};

TEST(ScoreToken, IsTheLogSoftmaxAndTheRank) {
  for (const float shift : {0.0f, 1000.0f, -1000.0f}) {  // softmax does not see a shift
    std::vector<float> logits = {0 + shift, 1 + shift, 2 + shift};
    const double sum = 1 + std::exp(1) + std::exp(2);
    EXPECT_NEAR(score_token(logits, 0).logprob, -std::log(sum), 1e-9);
    EXPECT_NEAR(score_token(logits, 2).logprob, 2 - std::log(sum), 1e-9);
    EXPECT_EQ(score_token(logits, 0).rank, 2);
  }
  EXPECT_EQ(score_token(kLogits, 1).rank, 0);
  EXPECT_EQ(score_token(kLogits, 3).rank, 1);  // ties: the lower id ranks first
  EXPECT_EQ(score_token(kLogits, 0).rank, 2);
}

TEST(ScoreToken, AnImpossibleTokenHasLogProbabilityMinusInfinity) {
  const float inf = std::numeric_limits<float>::infinity();
  EXPECT_EQ(score_token(std::vector<float>{0, -inf}, 1).logprob, -inf);
}

TEST(ScoreToken, RefusesATokenOutsideTheVocabulary) {
  EXPECT_THROW(score_token(kLogits, 4), Error);
  EXPECT_THROW(score_token(kLogits, -1), Error);
}

TEST(TopTokens, AreTheFirstOfTheRanking) {
  const auto top = top_tokens(kLogits, 3);
  ASSERT_EQ(top.size(), 3u);
  const TokenId expected[] = {1, 3, 0};
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(top[i].token, expected[i]);
    EXPECT_EQ(top[i].rank, static_cast<std::int64_t>(i));
    EXPECT_NEAR(top[i].logprob, score_token(kLogits, expected[i]).logprob, 1e-12);
  }
  EXPECT_EQ(top_tokens(kLogits, 9).size(), 4u);
  EXPECT_TRUE(top_tokens(kLogits, 0).empty());
}

}  // namespace
}  // namespace decant
