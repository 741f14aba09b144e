// Tables of distributions: what goes in, what must come out, worked out by hand.
#include "stages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "decant/error.h"

namespace decant {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

// The distribution after the stage, by token id; 0 for what was removed.
template <typename S>
std::vector<double> apply_to_logits(S stage, const std::vector<float>& logits,
                                    const History& history = {}) {
  Candidates candidates;
  candidates.assign(logits);
  if constexpr (requires { stage.apply(candidates, history); }) {
    stage.apply(candidates, history);
  } else {
    stage.apply(candidates);
  }
  std::vector<double> result(logits.size());
  candidates.for_each([&](TokenId token, float value) {
    result[static_cast<std::size_t>(token)] = candidates.weight(value) / candidates.exact_mass();
  });
  return result;
}

template <typename S>
void expect(const S& stage, const std::vector<double>& probabilities,
            const std::vector<double>& expected) {
  std::vector<float> logits;
  for (const double p : probabilities) logits.push_back(static_cast<float>(std::log(p)));
  const std::vector<double> actual = apply_to_logits(stage, logits);
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) {
    EXPECT_NEAR(actual[i], expected[i], 1e-6) << "token " << i;
    EXPECT_EQ(actual[i] == 0, expected[i] == 0) << "token " << i;
  }
}

TEST(TemperatureStage, Table) {
  expect(Temperature{1}, {.1, .2, .3, .4}, {.1, .2, .3, .4});
  expect(Temperature{.5}, {.1, .2, .3, .4}, {1 / 30., 4 / 30., 9 / 30., 16 / 30.});  // squares
  expect(Temperature{2}, {.04, .16, .64, .16}, {1 / 9., 2 / 9., 4 / 9., 2 / 9.});    // roots
}

TEST(TemperatureStage, ZeroIsGreedyAndTheLowestIdWinsATie) {
  expect(Temperature{0}, {.1, .4, .1, .4}, {0, 1, 0, 0});
  EXPECT_EQ(apply_to_logits(Temperature{0}, {-kInf, -5}), (std::vector<double>{0, 1}));
}

TEST(TemperatureStage, NeitherTinyNorHugeOverflows) {
  for (const double t : {1e-300, 1e-45, 1e-6}) {
    EXPECT_EQ(apply_to_logits(Temperature{t}, {3e38f, -3e38f, 3.0e38f}),
              (std::vector<double>{.5, 0, .5}));
    EXPECT_EQ(apply_to_logits(Temperature{t}, {1, 2, -kInf}), (std::vector<double>{0, 1, 0}));
  }
  const auto flat = apply_to_logits(Temperature{1e300}, {3e38f, -3e38f, 0, -kInf});
  EXPECT_NEAR(flat[0], 1 / 3., 1e-12);
  EXPECT_NEAR(flat[1], 1 / 3., 1e-12);
  EXPECT_EQ(flat[3], 0);
}

TEST(TopKStage, Table) {
  expect(TopK{1}, {.1, .2, .3, .4}, {0, 0, 0, 1});
  expect(TopK{2}, {.1, .2, .3, .4}, {0, 0, 3 / 7., 4 / 7.});
  expect(TopK{4}, {.1, .2, .3, .4}, {.1, .2, .3, .4});
  expect(TopK{std::numeric_limits<std::int64_t>::max()}, {.1, .2, .3, .4}, {.1, .2, .3, .4});
}

TEST(TopKStage, TiesWithTheKthStay) {
  expect(TopK{1}, {.25, .25, .25, .25}, {.25, .25, .25, .25});
  expect(TopK{2}, {.2, .4, .2, .2}, {.2, .4, .2, .2});
  expect(TopK{1}, {.1, .4, .1, .4}, {0, .5, 0, .5});
  EXPECT_EQ(apply_to_logits(TopK{1}, {-kInf, -kInf, 1}), (std::vector<double>{0, 0, 1}));
}

TEST(TopKStage, ExactlyKStayByTheOtherRule) {
  expect(TopK{1, TopKRule::kExact}, {.25, .25, .25, .25}, {1, 0, 0, 0});
  expect(TopK{3, TopKRule::kExact}, {.2, .4, .2, .2}, {.25, .5, .25, 0});
}

TEST(TopPStage, InclusiveKeepsTheTokenThatCrosses) {
  expect(TopP{.75}, {.1, .2, .3, .4}, {0, 2 / 9., 3 / 9., 4 / 9.});
  expect(TopP{.65}, {.1, .2, .3, .4}, {0, 0, 3 / 7., 4 / 7.});
  expect(TopP{.39}, {.1, .2, .3, .4}, {0, 0, 0, 1});
  expect(TopP{1e-300}, {.1, .2, .3, .4}, {0, 0, 0, 1});
}

TEST(TopPStage, ExclusiveDropsTheTokenThatCrossesButKeepsOne) {
  constexpr auto kExclusive = TopPRule::kExclusive;
  expect(TopP{.75, kExclusive}, {.1, .2, .3, .4}, {0, 0, 3 / 7., 4 / 7.});
  expect(TopP{.65, kExclusive}, {.1, .2, .3, .4}, {0, 0, 0, 1});
  expect(TopP{.1, kExclusive}, {.1, .2, .3, .4}, {0, 0, 0, 1});
}

// Equal logits make every cumulative sum exact: landing on p is reaching p.
TEST(TopPStage, ASumThatLandsExactlyOnPEndsThere) {
  for (int n = 1; n <= 64; ++n) {
    const std::vector<float> logits(static_cast<std::size_t>(n), 1.5f);
    for (int k = 1; k < n; ++k) {
      for (const auto rule : {TopPRule::kInclusive, TopPRule::kExclusive}) {
        const auto p = apply_to_logits(TopP{static_cast<double>(k) / n, rule}, logits);
        // Lower ids rank first on ties.
        for (int i = 0; i < n; ++i) {
          EXPECT_EQ(p[static_cast<std::size_t>(i)] > 0, i < k)
              << n << " tokens, p = " << k << "/" << n;
        }
      }
    }
  }
}

TEST(MinPStage, Table) {
  expect(MinP{.51}, {.1, .2, .3, .4}, {0, 0, 3 / 7., 4 / 7.});
  expect(MinP{.24}, {.1, .2, .3, .4}, {.1, .2, .3, .4});
  expect(MinP{1}, {.1, .4, .1, .4}, {0, .5, 0, .5});
  expect(MinP{1e-300}, {.1, .2, .3, .4}, {.1, .2, .3, .4});
}

// H = 1.22 for these: surprises 0.69, 1.39, 2.08, 2.08 lie 0.52, 0.17, 0.87 and 0.87 away from it.
TEST(TypicalPStage, Table) {
  const std::vector<double> p = {.5, .25, .125, .125};
  expect(TypicalP{.2}, p, {0, 1, 0, 0});
  expect(TypicalP{.3}, p, {2 / 3., 1 / 3., 0, 0});
  expect(TypicalP{.8}, p, {4 / 7., 2 / 7., 1 / 7., 0});  // the lower id goes first on a tie
  expect(TypicalP{.9}, p, p);
  expect(TypicalP{.5}, {.25, .25, .25, .25}, {.5, .5, 0, 0});
}

TEST(EpsilonCutoffStage, Table) {
  expect(EpsilonCutoff{.15}, {.1, .2, .3, .4}, {0, 2 / 9., 3 / 9., 4 / 9.});
  expect(EpsilonCutoff{.05}, {.1, .2, .3, .4}, {.1, .2, .3, .4});
  expect(EpsilonCutoff{.25}, {.25, .25, .25, .25}, {.25, .25, .25, .25});
  expect(EpsilonCutoff{.9}, {.1, .2, .3, .4}, {0, 0, 0, 1});  // the most probable stays
}

// exp(-H) is 1/4 for the uniform distribution over four, so the threshold is sqrt(eta) / 4.
TEST(EtaCutoffStage, Table) {
  expect(EtaCutoff{.5}, {.25, .25, .25, .25}, {.25, .25, .25, .25});
  // H = 0.91, exp(-H) = 0.40: sqrt(eta) exp(-H) is above a small eta, which decides.
  expect(EtaCutoff{.03}, {.7, .15, .11, .04}, {.7, .15, .11, .04});
  expect(EtaCutoff{.05}, {.7, .15, .11, .04}, {.7 / .96, .15 / .96, .11 / .96, 0});
  // sqrt(.3) exp(-H) = 0.22 decides.
  expect(EtaCutoff{.3}, {.7, .15, .11, .04}, {1, 0, 0, 0});
}

// Logits 0, 0, 0, 4: mean 1, standard deviation sqrt(3).
TEST(TopNSigmaStage, Table) {
  const std::vector<float> logits = {0, 0, 0, 4};
  EXPECT_EQ(apply_to_logits(TopNSigma{2.3}, logits)[0], 0);               // floor 0.016
  EXPECT_GT(apply_to_logits(TopNSigma{2.4}, logits)[0], 0);               // floor -0.16
  EXPECT_EQ(apply_to_logits(TopNSigma{2.3}, {0, 0, 0, 4, -kInf})[0], 0);  // finite logits only
  EXPECT_EQ(apply_to_logits(TopNSigma{1}, {2, 2}), (std::vector<double>{.5, .5}));
}

TEST(LogitBiasStage, AddsAndBans) {
  const std::vector<float> logits = {0, 0, 0, -kInf};
  const auto p =
      apply_to_logits(LogitBias{{{0, std::log(2)}, {1, -kInf}, {3, 5.0}, {9, 1.0}}}, logits);
  EXPECT_NEAR(p[0], 2 / 3., 1e-6);
  EXPECT_EQ(p[1], 0);
  EXPECT_NEAR(p[2], 1 / 3., 1e-6);
  EXPECT_EQ(p[3], 0);  // what is impossible stays so
  try {
    apply_to_logits(LogitBias{{{0, -kInf}, {1, -kInf}, {2, -kInf}}}, logits);
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNoCandidates);
    EXPECT_STREQ(error.what(), "logit_bias bans every token: no token is left to draw");
  }
}

TEST(ConstraintStage, KeepsWhatIsAllowed) {
  const auto mask = [](std::size_t size, std::initializer_list<TokenId> tokens) {
    TokenMask result(size);
    for (const TokenId token : tokens) result.insert(token);
    return result;
  };
  const auto apply = [](const TokenMask& allowed, const std::vector<float>& logits) {
    return apply_to_logits(KeepAllowed{}, logits, {.allowed = &allowed});
  };
  const std::vector<float> logits = {0, std::log(3.0f), 0, -kInf, 5};
  const auto p = apply(mask(5, {0, 1, 3}), logits);
  EXPECT_NEAR(p[0], .25, 1e-6);
  EXPECT_NEAR(p[1], .75, 1e-6);
  EXPECT_EQ(p[2] + p[3] + p[4], 0);  // allowing what is impossible does not make it possible
  // What lies beyond a small mask is forbidden; what lies beyond the logits does not matter.
  EXPECT_EQ(apply(mask(1, {0}), logits), (std::vector<double>{1, 0, 0, 0, 0}));
  EXPECT_EQ(apply(mask(900, {4, 5, 70, 899}), logits), (std::vector<double>{0, 0, 0, 0, 1}));
  for (const TokenMask& none : {mask(5, {}), mask(5, {3}), mask(0, {}), mask(99, {98})}) {
    try {
      apply(none, logits);
      FAIL() << "accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kNoCandidates);
      EXPECT_STREQ(error.what(),
                   "constraint: none of the possible tokens is allowed: no token is left to draw");
    }
  }
}

// The logits after the penalties, for logits 2, -2, 1, 0.
std::vector<double> penalized(Penalties stage, const std::vector<TokenId>& tokens,
                              std::size_t prompt_size) {
  const std::vector<float> logits = {2, -2, 1, 0};
  Candidates candidates;
  candidates.assign(logits);
  stage.apply(candidates, {tokens, prompt_size});
  std::vector<double> result(logits.size());
  candidates.for_each(
      [&](TokenId token, float value) { result[static_cast<std::size_t>(token)] = value; });
  return result;
}

TEST(PenaltiesStage, Table) {
  using Logits = std::vector<double>;
  const std::vector<TokenId> text = {0, 1, 0, 0, 7, -3};  // 7 and -3 are no tokens here
  EXPECT_EQ(penalized({.repetition = 2}, text, 0), (Logits{1, -4, 1, 0}));
  EXPECT_EQ(penalized({.presence = .5}, text, 0), (Logits{1.5, -2.5, 1, 0}));
  EXPECT_EQ(penalized({.frequency = .5}, text, 0), (Logits{.5, -2.5, 1, 0}));
  EXPECT_EQ(penalized({.repetition = 2, .presence = 1, .frequency = .5}, text, 0),
            (Logits{-1.5, -5.5, 1, 0}));
  // The window is the end of the text.
  EXPECT_EQ(penalized({.repetition = 2, .last_n = 3}, text, 0), (Logits{1, -2, 1, 0}));
  EXPECT_EQ(penalized({.frequency = 1, .last_n = 4}, text, 0), (Logits{0, -2, 1, 0}));
  EXPECT_EQ(penalized({.frequency = 1, .last_n = 100}, text, 0), (Logits{-1, -3, 1, 0}));
  // Without the prompt's tokens; the repetition penalty has them nevertheless.
  EXPECT_EQ(penalized({.frequency = 1, .penalize_prompt = false}, text, 2), (Logits{0, -2, 1, 0}));
  EXPECT_EQ(penalized({.repetition = 2, .presence = 1, .penalize_prompt = false}, text, 2),
            (Logits{0, -4, 1, 0}));
}

TEST(NoRepeatNgramStage, ForbidsWhatWouldCompleteAnNgram) {
  const std::vector<float> logits = {0, 0, 0, 0};
  const auto possible = [&](std::int64_t n, const std::vector<TokenId>& text) {
    std::vector<bool> result;
    for (const double p : apply_to_logits(NoRepeatNgram{n}, logits, {text})) {
      result.push_back(p > 0);
    }
    return result;
  };
  using Possible = std::vector<bool>;
  EXPECT_EQ(possible(1, {0, 2}), (Possible{false, true, false, true}));
  EXPECT_EQ(possible(2, {0, 1, 0, 2, 0}), (Possible{true, false, false, true}));
  EXPECT_EQ(possible(3, {0, 1, 2, 0, 1}), (Possible{true, true, false, true}));
  EXPECT_EQ(possible(3, {0, 1, 2, 1, 0}), (Possible{true, true, true, true}));
  EXPECT_EQ(possible(9, {0, 1}), (Possible{true, true, true, true}));  // too short a text
  EXPECT_EQ(possible(2, {}), (Possible{true, true, true, true}));
  try {
    possible(1, {0, 1, 2, 3});
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNoCandidates);
  }
}

// A row of which all are equal, or all but one, is handled in closed form: stages that change
// logits meet it, too, also when they find nothing to change.
TEST(TiedRows, GoThroughTheStagesThatChangeLogits) {
  const std::vector<TokenId> text = {1, 2, 3, 4};
  for (const float value : {-800.0f, 0.0f, 800.0f}) {
    const std::vector<float> logits(1000, value);
    EXPECT_NEAR(apply_to_logits(Penalties{.repetition = 1.1}, logits)[999], .001, 1e-9);
    EXPECT_NEAR(apply_to_logits(NoRepeatNgram{3}, logits, {text})[999], .001, 1e-9);
    EXPECT_NEAR(apply_to_logits(LogitBias{{{5000, 1.0}}}, logits)[999], .001, 1e-9);
    EXPECT_NEAR(apply_to_logits(LogitBias{{{7, -kInf}}}, logits)[999], 1 / 999., 1e-9);
  }
  std::vector<float> spike(1000);
  spike[900] = 1;
  Candidates candidates;
  candidates.assign(spike);
  TypicalP{.9999}.apply(candidates);
  LogitBias{{{900, -kInf}}}.apply(candidates);
  candidates.for_each([](TokenId token, float) { EXPECT_NE(token, 900); });
}

TEST(PenaltiesStage, NoFinitePenaltyMakesATokenImpossible) {
  const std::vector<TokenId> text = {0, 0, 1};
  const std::vector<float> logits = {-100, -100, 5};
  for (const double f : {-1e308, 1e308}) {
    const auto p = apply_to_logits(Penalties{.repetition = 1e308, .presence = f, .frequency = f},
                                   logits, {text});
    EXPECT_NEAR(p[0] + p[1] + p[2], 1, 1e-9);
  }
}

TEST(StageTable, MakesNoStageOfAKnobThatIsOff) {
  for (const StageRow& row : stage_table()) {
    if (row.name == "constraint") continue;  // has no knob
    EXPECT_FALSE(row.make({})) << row.name;
  }
}

TEST(StageTable, RefusesValuesOutOfRangeByName) {
  const auto refuses = [](const SamplingConfig& config, std::string_view name) {
    std::string refusal;
    for (const StageRow& row : stage_table()) {
      try {
        row.make(config);
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::kInvalidOption);
        refusal = error.what();
      }
    }
    EXPECT_THAT(refusal, testing::StartsWith(std::string(name)));
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double inf = kInf;
  for (const double x : {-1.0, -1e-300, nan, inf}) {
    refuses({.temperature = x}, "temperature is ");
    refuses({.top_n_sigma = x}, "top_n_sigma is ");
  }
  for (const double x : {0.0, -0.1, 1.0000001, nan}) {
    refuses({.top_p = x}, "top_p is ");
    refuses({.typical_p = x}, "typical_p is ");
  }
  for (const double x : {-0.1, 1.0000001, nan}) {
    refuses({.min_p = x}, "min_p is ");
    refuses({.epsilon_cutoff = x}, "epsilon_cutoff is ");
    refuses({.eta_cutoff = x}, "eta_cutoff is ");
  }
  for (const double x : {0.0, -1.0, nan, inf}) {
    refuses({.repetition_penalty = x}, "repetition_penalty is ");
  }
  for (const double x : {nan, inf, -inf}) {
    refuses({.presence_penalty = x}, "presence_penalty is ");
    refuses({.frequency_penalty = x}, "frequency_penalty is ");
  }
  refuses({.top_k = -1}, "top_k is -1");
  refuses({.penalty_last_n = -2}, "penalty_last_n is -2");
  refuses({.no_repeat_ngram_size = -1}, "no_repeat_ngram_size is -1");
  for (const double x : {nan, inf}) {
    refuses({.logit_bias = {{7, x}}}, "logit_bias of token 7 is ");
  }
  refuses({.logit_bias = {{-1, 0.0}}}, "logit_bias");
}

}  // namespace
}  // namespace decant
