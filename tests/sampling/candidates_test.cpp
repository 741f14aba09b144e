#include "candidates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <random>

#include "decant/error.h"

namespace decant {
namespace {

using testing::HasSubstr;

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

std::vector<TokenId> tokens(std::span<const Candidate> candidates) {
  std::vector<TokenId> ids;
  for (const Candidate& c : candidates) ids.push_back(c.token);
  return ids;
}

TEST(Candidates, ImpossibleTokensNeverEnter) {
  Candidates c;
  c.assign(std::vector<float>{-kInf, 1, -kInf, 2});
  EXPECT_EQ(tokens(c.rank_first(4)), (std::vector<TokenId>{3, 1}));
}

void expect_refused(const std::vector<float>& logits, const char* what) {
  try {
    Candidates().assign(logits);
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidLogits);
    EXPECT_THAT(error.what(), HasSubstr(what));
  }
}

TEST(Candidates, InvalidLogitsNameTheFirstBadIndex) {
  expect_refused({0, kNan, kInf}, "logits[1] is NaN");
  expect_refused({0, 1, kInf}, "logits[2] is +inf");
  expect_refused({-kInf, -kInf}, "none of the 2 logits is finite");
  expect_refused({}, "none of the 0 logits is finite");
}

// Whatever prefixes were asked for before, the ranking is that of a stable sort.
TEST(Candidates, RankingIsAStableSortInPrefixesOfAnySize) {
  std::mt19937 random(1);
  for (int round = 0; round < 300; ++round) {
    const std::size_t size = 1 + random() % 200;
    std::vector<float> logits(size);
    for (float& logit : logits) logit = static_cast<float>(random() % 20);  // many ties
    std::vector<TokenId> expected(size);
    std::iota(expected.begin(), expected.end(), 0);
    std::ranges::stable_sort(expected, std::ranges::greater{},
                             [&](TokenId t) { return logits[static_cast<std::size_t>(t)]; });

    Candidates c;
    c.assign(logits);
    for (std::size_t n = random() % 5; n < size; n += 1 + random() % 50) {
      EXPECT_EQ(tokens(c.rank_first(n)),
                std::vector<TokenId>(expected.begin(), expected.begin() + static_cast<int>(n)));
    }
    EXPECT_EQ(tokens(c.rank_first(size)), expected);
  }
}

TEST(Candidates, WalkVisitsTheRankingWithItsCumulativeMass) {
  std::vector<float> logits(1000);
  std::iota(logits.begin(), logits.end(), -500.0f);
  Candidates c;
  c.assign(logits);
  TokenId expected = 999;
  double last = 0;
  c.walk([&](const Candidate& candidate, double cumulative) {
    EXPECT_EQ(candidate.token, expected--);
    EXPECT_GE(cumulative, last);
    last = cumulative;
    return true;
  });
  EXPECT_EQ(expected, -1);
  EXPECT_NEAR(last, 1 / (1 - std::exp(-1.0)), 1e-12);  // the geometric series
  EXPECT_NEAR(c.mass(), last, 1e-12);
}

}  // namespace
}  // namespace decant
