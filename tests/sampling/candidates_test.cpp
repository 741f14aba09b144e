#include "candidates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

#include "decant/error.h"

namespace decant {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

std::vector<TokenId> tokens(const Candidates& candidates) {
  std::vector<TokenId> ids;
  for (const Place& place : candidates.ranking()) ids.push_back(place.token);
  return ids;
}

TEST(Candidates, ImpossibleTokensNeverEnter) {
  const std::vector<float> logits = {-kInf, 1, -kInf, 2};
  Candidates c;
  c.assign(logits);
  EXPECT_EQ(c.size(), 2u);
  EXPECT_THAT(tokens(c), ElementsAre(3, 1));
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

// Few candidates are kept in order, many are not, nor are those that tie for the last places;
// nobody may see the difference. Each step is done on a row, on the same row beside many candidates
// that have hardly any weight, and beside many that tie.
TEST(Candidates, FewAndManyAreTreatedAlike) {
  std::mt19937 random(1);
  for (int round = 0; round < 500; ++round) {
    std::vector<float> logits(1 + random() % 60);
    for (float& x : logits) x = static_cast<float>(random() % 12) / 4;
    auto padded = logits;
    padded.insert(padded.end(), 400, -1000.0f);
    if (round % 2 == 0) padded.back() = -1001;  // not all of them tie

    Candidates few;
    few.assign(logits);
    Candidates many;
    many.assign(padded);
    const auto on_both = [&](const auto& step) {
      step(few);
      step(many);
    };
    on_both([](Candidates& c) { c.divide(.7); });
    switch (random() % 4) {
      case 0: {
        const std::size_t k = 1 + random() % logits.size();
        const auto rule = random() % 2 == 0 ? TopKRule::kTies : TopKRule::kExact;
        on_both([&](Candidates& c) { c.keep_top(k, rule); });
        break;
      }
      case 1: {
        const double p = static_cast<double>(1 + random() % 98) / 100 + 1e-4;
        const auto rule = random() % 2 == 0 ? TopPRule::kInclusive : TopPRule::kExclusive;
        on_both([&](Candidates& c) { c.keep_nucleus(p, rule); });
        break;
      }
      case 2: {
        const double floor = static_cast<double>(random() % 12) / 4;
        on_both([&](Candidates& c) { c.keep_from(floor); });
        break;
      }
      default:
        on_both([](Candidates& c) { c.keep_best(); });
        break;
    }
    ASSERT_EQ(tokens(few), tokens(many));
    ASSERT_NEAR(few.exact_mass(), many.exact_mass(), 1e-12);
    ASSERT_EQ(few.draw(.37).token, many.draw(.37).token);
  }
}

TEST(Candidates, TheRankingIsByValueThenById) {
  std::mt19937 random(5);
  const std::vector<float> values = {-kInf, -3e38f, -2, -1e-40f, -0.0f, 0, 1e-40f, 1, 3e38f};
  for (const std::size_t n : {999u, 1000u, 5000u}) {
    std::vector<float> logits(n);
    for (float& logit : logits) {
      const float any = std::normal_distribution<float>(0, 4)(random);
      logit = random() % 2 == 0 ? any : values[random() % values.size()];
    }
    std::vector<TokenId> expected;
    for (std::size_t i = 0; i < n; ++i) {
      if (logits[i] > -kInf) expected.push_back(static_cast<TokenId>(i));
    }
    std::stable_sort(expected.begin(), expected.end(), [&](TokenId a, TokenId b) {
      return logits[static_cast<std::size_t>(a)] > logits[static_cast<std::size_t>(b)];
    });
    Candidates candidates;
    candidates.assign(logits);
    EXPECT_EQ(tokens(candidates), expected) << n;
  }
}

TEST(Candidates, AChangeIsSeenByAllThatFollows) {
  for (const std::size_t n : {5u, 500u}) {  // few, and many
    std::vector<float> logits(n, 0.0f);
    Candidates c;
    c.assign(logits);
    c.divide(2);
    c.change(3, [](double logit) { return logit + 1; });
    c.change(4, [](double) { return -kInf; });
    c.change(static_cast<TokenId>(n), [](double) { return 9.0; });  // not in the vocabulary
    c.change(-1, [](double) { return 9.0; });
    ASSERT_TRUE(c.settle());
    EXPECT_EQ(c.size(), n - 1);
    EXPECT_EQ(tokens(c).front(), 3);
    EXPECT_EQ(static_cast<double>(c.max()) / c.temperature(), 1);  // a logit, after the temperature
    EXPECT_NEAR(c.exact_mass(), 1 + static_cast<double>(n - 2) * std::exp(-1), 1e-9);
    EXPECT_EQ(logits, std::vector<float>(n, 0.0f));  // the caller's row is not touched
    for (std::size_t i = 0; i < n; ++i) {
      c.change(static_cast<TokenId>(i), [](double) { return -kInf; });
    }
    EXPECT_FALSE(c.settle());
  }
}

// By the definition, a removed token is one of logit -inf: whatever came before, and whether the
// candidates are a whole row, a part of one, few in order, or tie.
TEST(Candidates, KeepingAMaskIsBanningTheOthers) {
  std::mt19937 random(1);
  for (int round = 0; round < 1000; ++round) {
    const std::size_t n = 1 + random() % 600;
    std::vector<float> logits(n);
    const std::size_t values = random() % 3 == 0 ? 2 : 1000;
    for (float& x : logits) x = static_cast<float>(random() % values) / 100;
    for (float& x : logits) x = random() % 9 == 0 ? -kInf : x;
    logits[random() % n] = 1;
    const std::size_t share = 1 + random() % 20;
    TokenMask mask(random() % (n + 100));
    for (std::size_t i = 0; i < mask.vocab_size(); ++i) {
      if (random() % share == 0) mask.insert(static_cast<TokenId>(i));
    }
    const auto before = [&, k = 1 + random() % n](Candidates& c) {
      c.divide(.7);
      if (round % 2 == 0) c.keep_top(k, TopKRule::kTies);
    };
    Candidates kept;
    kept.assign(logits);
    before(kept);
    Candidates banned;
    banned.assign(logits);
    before(banned);
    for (std::size_t i = 0; i < n; ++i) {
      const auto token = static_cast<TokenId>(i);
      if (!mask.contains(token)) banned.change(token, [](double) { return -kInf; });
    }
    const bool some_left = banned.settle();
    ASSERT_EQ(kept.keep_only(mask), some_left);
    if (!some_left) continue;
    ASSERT_EQ(tokens(kept), tokens(banned));
    ASSERT_EQ(kept.size(), banned.size());
    ASSERT_EQ(kept.max(), banned.max());
    ASSERT_NEAR(kept.exact_mass(), banned.exact_mass(), 1e-9);
    ASSERT_EQ(kept.draw(.37).token, banned.draw(.37).token);
  }
}

TEST(Candidates, EntropyAndDeviationAreTheirFormulas) {
  for (const std::size_t copies : {1u, 100u}) {  // few, and many
    std::vector<float> logits;
    for (std::size_t i = 0; i < copies; ++i) {
      for (const float x : {0.0f, 1.0f, 3.0f}) logits.push_back(x);
    }
    logits.push_back(-kInf);
    Candidates c;
    c.assign(logits);
    const double z = std::exp(0) + std::exp(1) + std::exp(3);
    double entropy = std::log(static_cast<double>(copies));
    for (const double x : {0.0, 1.0, 3.0}) entropy -= std::exp(x) / z * (x - std::log(z));
    EXPECT_NEAR(c.entropy(), entropy, 1e-12);
    EXPECT_NEAR(c.value_deviation(), std::sqrt(14 / 9.), 1e-12);  // mean 4/3, mean square 10/3
  }
}

}  // namespace
}  // namespace decant
