#include "decant/logprobs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

#include "decant/error.h"
#include "decant/sampling.h"

namespace decant {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

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

// A distribution as a plain list, for the definitions below.
struct Plain {
  std::vector<double> logits;  // -inf: not there

  explicit Plain(const std::vector<float>& row) : logits(row.begin(), row.end()) {}

  double probability(std::size_t token) const {
    double sum = 0;
    const double max = *std::ranges::max_element(logits);
    for (const double logit : logits) sum += std::exp(logit - max);
    return std::exp(logits[token] - max) / sum;
  }
  double entropy() const {
    double sum = 0;
    for (std::size_t i = 0; i < logits.size(); ++i) {
      const double p = probability(i);
      if (p > 0) sum -= p * std::log(p);
    }
    return sum;
  }
  std::vector<std::size_t> ranking() const {
    std::vector<std::size_t> ids(logits.size());
    std::iota(ids.begin(), ids.end(), std::size_t{0});
    std::ranges::stable_sort(ids, [&](auto a, auto b) { return logits[a] > logits[b]; });
    return ids;
  }
};

std::vector<float> random_row(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<float> row(size);
  for (float& x : row) x = static_cast<float>(std::normal_distribution<double>(0, 3)(random));
  row[size / 2] = -std::numeric_limits<float>::infinity();
  row[size / 3] = row[0];  // a tie
  return row;
}

TEST(Report, RawFiguresAreTheirDefinitions) {
  for (const std::size_t size :
       {4u, 20u, 64u, 65u, 300u}) {  // up to 64 candidates are kept in order
    const std::vector<float> row = random_row(size, static_cast<unsigned>(size));
    const Plain plain(row);
    const auto ranking = plain.ranking();
    double before = 0;
    for (std::size_t rank = 0; rank < size; ++rank) {
      const std::size_t id = ranking[rank];
      const auto token = static_cast<TokenId>(id);
      const TokenReport report = Pipeline().report(row, token, 4);
      EXPECT_EQ(report.token, token);
      EXPECT_EQ(report.rank, static_cast<std::int64_t>(rank));
      if (row[id] > -std::numeric_limits<float>::infinity()) {
        EXPECT_NEAR(report.logprob, std::log(plain.probability(id)), 1e-12);
      } else {
        EXPECT_EQ(report.logprob, -kInf);
      }
      EXPECT_NEAR(report.mass_before, before, 1e-12);
      EXPECT_LE(report.mass_before, 1);
      EXPECT_NEAR(report.entropy, plain.entropy(), 1e-12);
      ASSERT_EQ(report.top.size(), std::min<std::size_t>(4, size - 1));  // one is impossible
      for (std::size_t i = 0; i < report.top.size(); ++i) {
        EXPECT_EQ(report.top[i].token, static_cast<TokenId>(ranking[i]));
        EXPECT_EQ(report.top[i].rank, static_cast<std::int64_t>(i));
        EXPECT_NEAR(report.top[i].logprob, std::log(plain.probability(ranking[i])), 1e-12);
      }
      EXPECT_TRUE(report.after.empty());
      before += plain.probability(id);
    }
  }
}

TEST(Report, EntropyOfKnownDistributions) {
  EXPECT_NEAR(Pipeline().report(std::vector<float>(1000, 7.0f), 3).entropy, std::log(1000), 1e-12);
  EXPECT_EQ(Pipeline().report(std::vector<float>{5}, 0).entropy, 0);
  EXPECT_NEAR(Pipeline().report(kLogits, 0).entropy, -.8 * std::log(.4) - .2 * std::log(.1), 1e-7);
}

// (.1, .2, .3, .4) squared by T = 1/2 is (1, 4, 9, 16) / 30; top-k 3 takes the 1 away, top-p 0.8
// of (4, 9, 16) / 29 the 4.
TEST(Report, AfterEachStageByHand) {
  const std::vector<float> logits = {std::log(.1f), std::log(.2f), std::log(.3f), std::log(.4f)};
  Pipeline pipeline({.temperature = .5, .top_k = 3, .top_p = .8});
  const double expected[4][3] = {{std::log(1 / 30.), -kInf, -kInf},
                                 {std::log(4 / 30.), std::log(4 / 29.), -kInf},
                                 {std::log(9 / 30.), std::log(9 / 29.), std::log(9 / 25.)},
                                 {std::log(16 / 30.), std::log(16 / 29.), std::log(16 / 25.)}};
  for (TokenId token = 0; token < 4; ++token) {
    const auto after = pipeline.report(logits, token, 2).after;
    ASSERT_EQ(after.size(), 3u);
    EXPECT_EQ(after[0].stage, "temperature");
    EXPECT_EQ(after[1].stage, "top_k");
    EXPECT_EQ(after[2].stage, "top_p");
    for (std::size_t stage = 0; stage < 3; ++stage) {
      const double wanted = expected[token][stage];
      if (wanted == -kInf) {
        EXPECT_EQ(after[stage].logprob, -kInf);
      } else {
        EXPECT_NEAR(after[stage].logprob, wanted, 1e-6);
      }
    }
  }
}

// Stages over a plain list, in the default order: bias, repetition penalty, temperature, top-k,
// min-p.
TEST(Report, AfterEachStageIsThePlainDefinition) {
  constexpr double kBias = 2.5;
  constexpr double kPenalty = 1.7;
  constexpr double kT = .7;
  constexpr std::size_t kK = 20;
  constexpr double kMinP = .05;
  const std::vector<TokenId> text = {3, 9, 3, 40};
  Pipeline pipeline({.temperature = kT,
                     .top_k = kK,
                     .min_p = kMinP,
                     .repetition_penalty = kPenalty,
                     .logit_bias = {{7, kBias}, {8, -kInf}}});
  for (const std::size_t size : {50u, 400u}) {
    const std::vector<float> row = random_row(size, 77);
    std::vector<Plain> after;
    Plain now(row);
    now.logits[7] += kBias;
    now.logits[8] = -kInf;
    after.push_back(now);
    for (const std::size_t id : {3U, 9U, 40U}) {
      now.logits[id] = now.logits[id] > 0 ? now.logits[id] / kPenalty : now.logits[id] * kPenalty;
    }
    after.push_back(now);
    for (double& logit : now.logits) logit /= kT;
    after.push_back(now);
    const double kth = now.logits[now.ranking()[kK - 1]];
    std::ranges::replace_if(
        now.logits, [kth](double logit) { return logit < kth; }, -kInf);
    after.push_back(now);
    const double floor = *std::ranges::max_element(now.logits) + std::log(kMinP);
    std::ranges::replace_if(
        now.logits, [floor](double logit) { return logit < floor; }, -kInf);
    after.push_back(now);

    for (std::size_t id = 0; id < size; ++id) {
      const TokenReport report =
          pipeline.report(row, static_cast<TokenId>(id), 0, {.tokens = text, .prompt_size = 1});
      ASSERT_EQ(report.after.size(), after.size());
      for (std::size_t stage = 0; stage < after.size(); ++stage) {
        const double expected = std::log(after[stage].probability(id));
        if (expected == -kInf) {
          EXPECT_EQ(report.after[stage].logprob, -kInf) << id << " " << report.after[stage].stage;
        } else {
          EXPECT_NEAR(report.after[stage].logprob, expected, 1e-5);
        }
      }
    }
  }
}

// As every other stage, and only where there is one to keep to.
TEST(Report, AConstraintIsAStage) {
  const std::vector<float> logits = {std::log(.1f), std::log(.2f), std::log(.3f), std::log(.4f)};
  TokenMask allowed(4);
  allowed.insert(0);
  allowed.insert(2);
  Pipeline pipeline;
  const auto after = pipeline.report(logits, 2, 3, {.allowed = &allowed}).after;
  ASSERT_EQ(after.size(), 1u);
  EXPECT_EQ(after[0].stage, "constraint");
  EXPECT_NEAR(after[0].logprob, std::log(.75), 1e-6);
  EXPECT_EQ(pipeline.report(logits, 3, 0, {.allowed = &allowed}).after[0].logprob, -kInf);
  EXPECT_TRUE(pipeline.report(logits, 3).after.empty());
  EXPECT_THROW(Pipeline({.stages = {"top_k"}}).report(logits, 2, 0, {.allowed = &allowed}), Error);
}

TEST(Report, WatchingChangesNothing) {
  const SamplingConfig config = {
      .temperature = .9, .top_k = 30, .top_p = .95, .repetition_penalty = 1.3};
  Pipeline watched(config);
  Pipeline alone(config);
  const std::vector<float> row = random_row(500, 5);
  const std::vector<TokenId> text = {1, 2, 3};
  for (std::uint64_t position = 0; position < 50; ++position) {
    const DrawAddress address{.seed = 4, .position = position};
    const Draw draw = watched.sample(row, address, {.tokens = text});
    const TokenReport report = watched.report(row, draw.token, 5, {.tokens = text});
    EXPECT_EQ(draw.token, alone.sample(row, address, {.tokens = text}).token);
    // The last stage's distribution is the one that was drawn from.
    EXPECT_NEAR(std::exp(report.after.back().logprob), draw.probability, 1e-6);
  }
  EXPECT_EQ(row, random_row(500, 5));
}

TEST(Report, RefusesWhatScoreTokenRefuses) {
  Pipeline pipeline;
  EXPECT_THROW(pipeline.report(kLogits, 4), Error);
  EXPECT_THROW(pipeline.report(kLogits, -1), Error);
  EXPECT_THROW(pipeline.report(std::vector<float>{0, NAN}, 0), Error);
  Pipeline banned({.logit_bias = {{0, -kInf}, {1, -kInf}, {2, -kInf}, {3, -kInf}}});
  EXPECT_THROW(banned.report(kLogits, 0), Error);
}

}  // namespace
}  // namespace decant
