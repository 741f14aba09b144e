#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <ostream>
#include <random>

#include "decant/error.h"
#include "decant/sampling.h"
#include "philox.h"

namespace decant {
namespace {

using testing::HasSubstr;

// The oracle: the words of docs/sampling.md in long double, with a full sort, sharing no code with
// the engine.
struct Reference {
  std::vector<TokenId> ranking;
  std::vector<long double> probability;  // of ranking[i]
};

Reference reference(const std::vector<float>& logits, const SamplingConfig& config) {
  Reference r;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (std::isfinite(logits[i])) r.ranking.push_back(static_cast<TokenId>(i));
  }
  const auto logit = [&](TokenId t) { return logits[static_cast<std::size_t>(t)]; };
  std::ranges::stable_sort(r.ranking, std::ranges::greater{}, logit);
  const long double max = logit(r.ranking[0]);
  const auto t = static_cast<long double>(config.temperature);
  std::size_t kept = t == 0 ? 1 : r.ranking.size();
  for (const TokenId token : r.ranking) {
    r.probability.push_back(t == 0 ? 1 : std::exp((logit(token) - max) / t));
  }
  const auto normalize = [&] {
    r.ranking.resize(kept);
    r.probability.resize(kept);
    const long double sum = std::accumulate(r.probability.begin(), r.probability.end(), 0.0L);
    for (long double& p : r.probability) p /= sum;
  };
  normalize();
  if (const auto k = static_cast<std::size_t>(config.top_k); k > 0 && k < kept) {
    for (kept = k; kept < r.ranking.size() && logit(r.ranking[kept]) == logit(r.ranking[k - 1]);)
      ++kept;
    normalize();
  }
  if (config.top_p < 1) {
    // Sums of the weights before the division, so that sums of equal weights are exact.
    const long double scale = r.probability[0];
    long double mass = 0;
    for (const long double p : r.probability) mass += p / scale;
    // Compared in double precision, as docs/sampling.md has it: 1/10 of the mass reaches p = 0.1.
    const auto share = [&](long double sum) { return static_cast<double>(sum / mass); };
    const double p = config.top_p;
    long double sum = 0;
    std::size_t n = 0;
    for (; n < kept && share(sum) < p; ++n) sum += r.probability[n] / scale;
    if (config.top_p_rule == TopPRule::kExclusive && share(sum) > p)
      n = std::max<std::size_t>(1, n - 1);
    kept = n;
    normalize();
  }
  return r;
}

std::vector<float> random_logits(std::mt19937& random, std::size_t size, double scale) {
  std::normal_distribution<double> normal(0, scale);
  std::vector<float> logits(size);
  for (float& logit : logits) logit = static_cast<float>(normal(random));
  if (random() % 10 == 0) {  // all but a few tie for the last places
    for (float& logit : logits) logit = std::max(logit, static_cast<float>(scale));
  }
  return logits;
}

SamplingConfig random_config(std::mt19937& random) {
  const double temperatures[] = {0, 1e-6, .3, .8, 1, 2, 1e6};
  const std::int64_t ks[] = {0, 1, 2, 5, 50, 1000};
  const double ps[] = {1e-9, .1, .5, .9, .999, 1};
  return {.temperature = temperatures[random() % 7],
          .top_k = ks[random() % 6],
          .top_p = ps[random() % 6],
          .top_p_rule = random() % 2 == 0 ? TopPRule::kInclusive : TopPRule::kExclusive};
}

TEST(Pipeline, DistributionIsTheDefinitions) {
  std::mt19937 random(1);
  for (int round = 0; round < 3000; ++round) {
    auto logits = random_logits(random, 1 + random() % 300, round % 3 == 0 ? 0.1 : 3);
    if (round % 5 == 0) {
      for (float& logit : logits) logit = std::round(logit);  // ties
    }
    if (round % 7 == 0) {
      logits.push_back(-std::numeric_limits<float>::infinity());
    }
    const SamplingConfig config = random_config(random);
    const Reference expected = reference(logits, config);
    const auto actual = Pipeline(config).distribution(logits);
    ASSERT_EQ(actual.size(), expected.ranking.size())
        << "T " << config.temperature << " k " << config.top_k << " p " << config.top_p;
    double sum = 0;
    for (std::size_t i = 0; i < actual.size(); ++i) {
      ASSERT_EQ(actual[i].token, expected.ranking[i]);
      ASSERT_NEAR(actual[i].probability, static_cast<double>(expected.probability[i]), 1e-12);
      sum += actual[i].probability;
    }
    ASSERT_NEAR(sum, 1, 1e-6);
  }
}

TEST(Pipeline, DrawTakesTheTokenUnderU) {
  std::mt19937 random(2);
  std::uniform_real_distribution<double> uniform(0, 1);
  for (int round = 0; round < 3000; ++round) {
    const auto logits = random_logits(random, 1 + random() % 300, 2);
    const SamplingConfig config = random_config(random);
    const Reference expected = reference(logits, config);
    const double u = uniform(random);
    const Draw draw = Pipeline(config).sample_at(logits, u);
    std::size_t i = 0;
    long double cumulative = expected.probability[0];
    while (cumulative <= static_cast<long double>(u)) cumulative += expected.probability[++i];
    ASSERT_EQ(draw.token, expected.ranking[i]);
    ASSERT_EQ(draw.u, u);
    ASSERT_NEAR(draw.probability, static_cast<double>(expected.probability[i]), 1e-6);
    ASSERT_EQ(draw.survivors, static_cast<std::int64_t>(expected.ranking.size()));
  }
}

TEST(Pipeline, AnImpossibleTokenIsNeverDrawn) {
  const float inf = std::numeric_limits<float>::infinity();
  const std::vector<float> logits = {-inf, 0, -1e30f, -inf};  // exp(-1e30) is 0 as well
  Pipeline pipeline;
  for (const double u : {0.0, 0.5, std::nextafter(1.0, 0.0)}) {
    EXPECT_EQ(pipeline.sample_at(logits, u).token, 1);
  }
}

TEST(Pipeline, TheLargestUBelongsToTheLastSurvivor) {
  const std::vector<float> logits(50257, 0.5f);
  EXPECT_EQ(Pipeline().sample_at(logits, std::nextafter(1.0, 0.0)).token, 50256);
  EXPECT_EQ(Pipeline().sample_at(logits, 0).token, 0);
}

// Every setting lays its distribution under the same u; what that does to tokens follows from
// DrawTakesTheTokenUnderU.
TEST(Pipeline, LuckIsSharedAcrossSettings) {
  std::mt19937 random(3);
  for (std::uint64_t position = 0; position < 200; ++position) {
    const auto logits = random_logits(random, 100, 2);
    const DrawAddress address{.seed = 5, .sequence = 1, .position = position};
    const double u = Pipeline().sample(logits, address).u;
    EXPECT_EQ(Pipeline({.temperature = 0}).sample(logits, address).u, u);
    EXPECT_EQ(Pipeline({.top_k = 1}).sample(logits, address).u, u);
    EXPECT_EQ(Pipeline({.top_p = .3}).sample(logits, address).u, u);
  }
}

struct ChiSquare {
  double statistic = 0;
  double freedom = -1;  // degrees of freedom: cells - 1
  // 4.5 standard deviations above the mean, and room for the skew of few degrees of freedom.
  double limit() const { return freedom + 4.5 * std::sqrt(2 * freedom) + 8; }
};

// Pearson's statistic of draws against the definition. Cells are runs of the ranking that expect 20
// draws or more. `bias` makes all luck smaller by that factor.
ChiSquare chi_square(const std::vector<float>& logits, const SamplingConfig& config, int draws,
                     double bias = 1) {
  const Reference expected = reference(logits, config);
  std::vector<int> counts(logits.size());
  Pipeline pipeline(config);
  for (int i = 0; i < draws; ++i) {
    const double u = uniform({.seed = 9, .position = static_cast<std::uint64_t>(i)}) * bias;
    ++counts[static_cast<std::size_t>(pipeline.sample_at(logits, u).token)];
  }
  ChiSquare result;
  double e = 0;
  double n = 0;
  for (std::size_t r = 0; r < expected.ranking.size(); ++r) {
    e += static_cast<double>(expected.probability[r]) * draws;
    n += counts[static_cast<std::size_t>(expected.ranking[r])];
    if (e < 20 && r + 1 < expected.ranking.size()) continue;
    result.statistic += (n - e) * (n - e) / e;
    ++result.freedom;
    e = n = 0;
  }
  return result;
}

struct Frequencies {
  const char* name;
  std::size_t size;
  double scale;
  SamplingConfig config;
};

void PrintTo(const Frequencies& f, std::ostream* out) { *out << f.name; }

class PipelineFrequencies : public testing::TestWithParam<Frequencies> {};

TEST_P(PipelineFrequencies, AreRightInAMillionDraws) {
#ifdef DECANT_SANITIZED
  GTEST_SKIP() << "a frequency takes a million draws, which take too long under a sanitizer";
#endif
  std::mt19937 random(5);
  std::normal_distribution<double> normal(0, GetParam().scale);
  std::vector<float> logits(GetParam().size);
  for (float& logit : logits) logit = static_cast<float>(normal(random));
  const ChiSquare fair = chi_square(logits, GetParam().config, 1'000'000);
  EXPECT_LT(fair.statistic, fair.limit());
  // The test can fail: luck that is 1% too small is noticed, even with fewer draws.
  const ChiSquare biased = chi_square(logits, GetParam().config, 200'000, .99);
  EXPECT_GT(biased.statistic, biased.limit());
}

INSTANTIATE_TEST_SUITE_P(
    Distributions, PipelineFrequencies,
    testing::Values(Frequencies{"flat_40_ways", 40, .01, {}},
                    Frequencies{"peaked_40_ways", 40, 2, {.temperature = .8}},
                    Frequencies{"flat_4096_ways", 4096, .01, {.temperature = .8}},
                    Frequencies{"peaked_50257_ways", 50257, 3, {.temperature = .8}},
                    Frequencies{"the_chapters_settings",
                                50257,
                                3,
                                {.temperature = .8, .top_k = 50, .top_p = .9}}),
    [](const auto& name) { return name.param.name; });

TEST(Pipeline, UnknownStagesAreRefusedByName) {
  try {
    Pipeline({.stages = {"temperature", "top_q"}});
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidOption);
    EXPECT_THAT(error.what(),
                HasSubstr("there is no stage 'top_q'; there are logit_bias, constraint, "));
  }
}

TEST(Pipeline, TheOrderOfStagesIsData) {
  // p = 0.7 of (.6, .25, .15): two tokens at T = 1; flattened by T = 10 first, all three.
  const std::vector<float> logits = {std::log(.6f), std::log(.25f), std::log(.15f)};
  SamplingConfig config{.temperature = 10, .top_p = .7};
  EXPECT_EQ(Pipeline(config).distribution(logits).size(), 3u);
  config.stages = {"top_p", "temperature"};
  EXPECT_EQ(Pipeline(config).distribution(logits).size(), 2u);
  config.stages = {};
  EXPECT_NEAR(Pipeline(config).distribution(logits)[0].probability, .6, 1e-6);
}

TEST(Pipeline, AConstraintThatNoStageWouldKeepToIsRefused) {
  const TokenMask allowed(2);
  const History history{.allowed = &allowed};
  const auto refuses = [&](const SamplingConfig& config, const char* remedy) {
    Pipeline pipeline(config);
    EXPECT_NO_THROW(pipeline.sample_at(std::vector<float>{1, 2}, .5));
    for (const bool traced : {false, true}) {
      try {
        traced ? void(pipeline.trace(std::vector<float>{1, 2}, {}, history))
               : void(pipeline.sample_at(std::vector<float>{1, 2}, .5, history));
        FAIL() << "accepted";
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::kInvalidOption);
        EXPECT_THAT(error.what(), HasSubstr(remedy));
      }
    }
  };
  refuses({.stages = {"temperature"}}, "stages: they leave out constraint");
  refuses(config_like("generate.py"), "leave out like generate.py");
}

TEST(Pipeline, AValueOutOfRangeIsRefusedAlsoWhereItsStageIsLeftOut) {
  EXPECT_THROW(Pipeline({.top_p = 2, .stages = {"temperature"}}), Error);
}

}  // namespace
}  // namespace decant
