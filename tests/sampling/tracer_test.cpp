// Traces: worked out by hand, and the property that watching changes nothing.
#include "tracer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "decant/error.h"
#include "decant/sampling.h"

namespace decant {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

std::vector<float> logs(const std::vector<double>& probabilities) {
  std::vector<float> logits;
  for (const double p : probabilities) logits.push_back(static_cast<float>(std::log(p)));
  return logits;
}

// (.1, .2, .3, .4) squared by T = 1/2 is (1, 4, 9, 16) / 30; top-k 3 takes the 1 away, top-p 0.8
// of (4, 9, 16) / 29 the 4.
TEST(Trace, SaysWhatEachStageDid) {
  Pipeline pipeline({.temperature = .5, .top_k = 3, .top_p = .8});
  const Trace trace = pipeline.trace(logs({.1, .2, .3, .4}), {.top = 10, .u = .7});
  EXPECT_EQ(trace.vocab_size, 4);
  EXPECT_EQ(trace.possible, 4);
  EXPECT_NEAR(trace.entropy, 1.2798542, 1e-6);  // of (.1, .2, .3, .4), in nats

  ASSERT_EQ(trace.stages.size(), 3u);
  const StageTrace& temperature = trace.stages[0];
  EXPECT_EQ(temperature.name, "temperature");
  EXPECT_EQ(temperature.kept, 4);
  EXPECT_EQ(temperature.removed, 0);
  EXPECT_EQ(temperature.mass_removed, 0);
  EXPECT_FALSE(temperature.threshold);
  const StageTrace& top_k = trace.stages[1];
  EXPECT_EQ(top_k.name, "top_k");
  EXPECT_EQ(top_k.kept, 3);
  EXPECT_EQ(top_k.removed, 1);
  EXPECT_NEAR(top_k.mass_removed, 1 / 30., 1e-6);
  EXPECT_NEAR(top_k.threshold.value(), 4 / 30., 1e-6);
  const StageTrace& top_p = trace.stages[2];
  EXPECT_EQ(top_p.kept, 2);
  EXPECT_EQ(top_p.removed, 1);
  EXPECT_NEAR(top_p.mass_removed, 4 / 29., 1e-6);
  EXPECT_NEAR(top_p.threshold.value(), 9 / 29., 1e-6);
  EXPECT_NEAR(top_p.entropy, -9 / 25. * std::log(9 / 25.) - 16 / 25. * std::log(16 / 25.), 1e-6);
  EXPECT_EQ(trace.final_entropy, top_p.entropy);
  EXPECT_EQ(trace.survivors, 2);
  EXPECT_NEAR(trace.mass_kept, .7, 1e-6);  // of the raw distribution

  ASSERT_EQ(trace.candidates.size(), 4u);
  for (std::size_t rank = 0; rank < 4; ++rank) {
    const CandidateTrace& c = trace.candidates[rank];
    EXPECT_EQ(c.token, 3 - static_cast<TokenId>(rank));
    EXPECT_EQ(c.rank, static_cast<std::int64_t>(rank));
    EXPECT_NEAR(c.logprob, std::log(.4 - .1 * static_cast<double>(rank)), 1e-6);
  }
  const CandidateTrace& second = trace.candidates[1];
  ASSERT_EQ(second.probabilities.size(), 3u);
  EXPECT_NEAR(second.probabilities[0], 9 / 30., 1e-6);
  EXPECT_NEAR(second.probabilities[1], 9 / 29., 1e-6);
  EXPECT_NEAR(second.probabilities[2], 9 / 25., 1e-6);
  EXPECT_NEAR(second.logits[0], 2 * std::log(.3), 1e-5);
  EXPECT_FALSE(second.removed_by);
  EXPECT_NEAR(second.probability, 9 / 25., 1e-6);
  EXPECT_EQ(trace.candidates[2].removed_by, 2u);
  EXPECT_EQ(trace.candidates[2].probabilities.size(), 2u);
  EXPECT_EQ(trace.candidates[3].removed_by, 1u);
  EXPECT_EQ(trace.candidates[3].probability, 0);

  EXPECT_EQ(trace.draw.value().token, 2);  // .7 lies behind 16/25
  EXPECT_EQ(trace.draw->rank, 1);
  EXPECT_NEAR(trace.draw->begin, 16 / 25., 1e-6);
  EXPECT_NEAR(trace.draw->end, 1, 1e-6);
}

TEST(Trace, ListsTheTopAndAllSurvivorsAndSumsUpTheOthers) {
  const std::vector<float> logits = logs({.3, .05, .2, .05, .4});
  const Trace all = Pipeline({.min_p = .4}).trace(logits, {.top = 0});
  ASSERT_EQ(all.candidates.size(), 3u);
  EXPECT_EQ(all.others, 2);
  EXPECT_NEAR(all.others_probability, .1, 1e-6);
  EXPECT_FALSE(all.draw);
  const Trace top = Pipeline({.temperature = 0}).trace(logits, {.top = 4});
  ASSERT_EQ(top.candidates.size(), 4u);
  EXPECT_EQ(top.candidates[3].token, 1);  // the lower id first on a tie
  EXPECT_EQ(top.others, 1);
  // By the exclusive rule the threshold is where the last that is kept lies, not the one that went.
  const Trace exclusive =
      Pipeline({.top_p = .75, .top_p_rule = TopPRule::kExclusive}).trace(logits);
  EXPECT_NEAR(exclusive.stages[0].threshold.value(), .3, 1e-6);
}

SamplingConfig random_config(std::mt19937& random) {
  const auto pick = [&](std::initializer_list<double> values) {
    return values.begin()[random() % values.size()];
  };
  SamplingConfig config{
      .temperature = pick({0, 1e-6, .3, .8, 1, 2, 1e6}),
      .top_k = static_cast<std::int64_t>(pick({0, 1, 5, 50, 1000})),
      .top_k_rule = random() % 2 == 0 ? TopKRule::kTies : TopKRule::kExact,
      .top_p = pick({1e-9, .1, .5, .9, .999, 1}),
      .top_p_rule = random() % 2 == 0 ? TopPRule::kInclusive : TopPRule::kExclusive,
      .min_p = pick({0, 0, .05, .5}),
      .typical_p = pick({1, 1, .2, .9}),
      .epsilon_cutoff = pick({0, 0, .001, .1}),
      .eta_cutoff = pick({0, 0, .001, .1}),
      .top_n_sigma = pick({0, 0, 1, 3}),
      .repetition_penalty = pick({1, 1.3}),
      .presence_penalty = pick({0, .7}),
      .frequency_penalty = pick({0, -.2}),
      .no_repeat_ngram_size = static_cast<std::int64_t>(pick({0, 0, 2, 3})),
  };
  if (random() % 3 == 0) config.logit_bias = {{3, 1.5}, {7, -kInf}, {100000, 2.0}};
  std::ranges::shuffle(config.stages, random);
  if (random() % 3 == 0) config.stages.push_back(config.stages.front());
  return config;
}

// However little it is, and whichever side of a cut has more tokens: to twelve digits of itself.
TEST(Trace, TellsSmallSharesExactly) {
  // One token of weight 1 and 5,000 of weight e^-32.
  std::vector<float> logits(5001, -16.0f);
  logits[7] = 16;
  const double weight = std::exp(-32.0);
  const double tail = 5000 * weight / (1 + 5000 * weight);
  const auto near = [](double expected) { return testing::DoubleNear(expected, 1e-12 * expected); };

  const Trace cut = Pipeline({.top_k = 1}).trace(logits, {.top = 1, .every_survivor = false});
  EXPECT_THAT(cut.stages[0].mass_removed, near(tail));
  EXPECT_THAT(cut.mass_kept, near(1 - tail));
  EXPECT_EQ(cut.others, 5000);
  EXPECT_THAT(cut.others_probability, near(tail));

  const Trace banned = Pipeline({.logit_bias = {{7, -kInf}}}).trace(logits, {.top = 1});
  EXPECT_THAT(banned.stages[0].mass_removed, near(1 - tail));
  EXPECT_THAT(banned.mass_kept, near(tail));
  EXPECT_EQ(banned.others, 0);
  EXPECT_EQ(banned.others_probability, 0);

  // Where there is nothing small, too: of (.1, .2, .3, .4) the first is listed.
  const Trace one =
      Pipeline(SamplingConfig{}).trace(logs({.1, .2, .3, .4}), {.top = 1, .every_survivor = false});
  EXPECT_EQ(one.candidates.size(), 1u);
  EXPECT_EQ(one.others, 3);
  EXPECT_NEAR(one.others_probability, .6, 1e-7);
  EXPECT_EQ(one.mass_kept, 1);
}

// Of (.1, .2, .3, .4), tokens 0 and 2 may come: .6 goes, and .1 and .3 become 1/4 and 3/4.
TEST(Trace, ShowsTheConstraintAsAStage) {
  TokenMask allowed(4);
  allowed.insert(0);
  allowed.insert(2);
  Pipeline pipeline({.top_k = 1});
  const Trace trace =
      pipeline.trace(logs({.1, .2, .3, .4}), {.u = .5}, History{.allowed = &allowed});
  ASSERT_EQ(trace.stages.size(), 2u);
  EXPECT_EQ(trace.stages[0].name, "constraint");
  EXPECT_EQ(trace.stages[0].kept, 2);
  EXPECT_EQ(trace.stages[0].removed, 2);
  EXPECT_NEAR(trace.stages[0].mass_removed, .6, 1e-6);
  EXPECT_FALSE(trace.stages[0].threshold);
  EXPECT_EQ(trace.candidates[0].token, 3);
  EXPECT_EQ(trace.candidates[0].removed_by, 0u);
  EXPECT_NEAR(trace.candidates[1].probabilities[0], .75, 1e-6);
  EXPECT_EQ(trace.draw.value().token, 2);

  // Without one, the stage does not act.
  EXPECT_EQ(pipeline.trace(logs({.1, .2, .3, .4})).stages.size(), 1u);
}

TEST(Trace, ChangesNothing) {
  std::mt19937 random(1);
  std::uniform_real_distribution<double> uniform(0, 1);
  for (int round = 0; round < 1000; ++round) {
    const SamplingConfig config = random_config(random);
    Pipeline watched(config);
    Pipeline plain(config);
    std::vector<TokenId> text;
    for (int step = 0; step < 10; ++step) {
      std::normal_distribution<double> normal(0, 3);
      std::vector<float> logits(1 + random() % 400);
      for (float& logit : logits) logit = static_cast<float>(normal(random));
      if (random() % 4 == 0) {  // all but a few tie
        for (float& logit : logits) logit = std::max(logit, 5.0f);
      }
      const double u = random() % 9 == 0 ? 1 - 0x1p-53 : uniform(random);
      TokenMask some(1 + random() % (2 * logits.size()));
      for (std::size_t i = 0; i < some.vocab_size(); ++i) {
        if (random() % 2 == 0) some.insert(static_cast<TokenId>(i));
      }
      const History history{text, text.size() / 2, random() % 2 == 0 ? &some : nullptr};
      Draw expected;
      try {
        expected = plain.sample_at(logits, u, history);
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::kNoCandidates);
        EXPECT_THROW(watched.trace(logits, {.u = u}, history), Error);
        break;
      }
      const Trace trace = watched.trace(logits, {.u = u}, history);
      ASSERT_EQ(trace.draw.value().token, expected.token);
      ASSERT_EQ(trace.draw->probability, expected.probability);
      ASSERT_EQ(trace.survivors, expected.survivors);
      // What follows a trace is not changed either.
      const Draw after = watched.sample_at(logits, u, history);
      ASSERT_EQ(after.token, expected.token);
      ASSERT_EQ(after.probability, expected.probability);
      // And the trace agrees with itself: probabilities of survivors are those of the draw.
      double sum = 0;
      for (const CandidateTrace& c : trace.candidates) sum += c.probability;
      ASSERT_NEAR(sum, 1, 1e-6);
      ASSERT_LE(trace.draw->begin, u);
      ASSERT_GT(trace.draw->end, u);
      ASSERT_NEAR(trace.draw->end - trace.draw->begin, expected.probability, 1e-6);
      ASSERT_NE(expected.probability, 0);
      if (history.allowed != nullptr) {
        for (const auto& [token, p] : watched.distribution(logits, history)) {
          ASSERT_TRUE(some.contains(token));
        }
      }
      ASSERT_LT(expected.token, static_cast<TokenId>(logits.size()));
      text.push_back(expected.token);
    }
  }
}

}  // namespace
}  // namespace decant
