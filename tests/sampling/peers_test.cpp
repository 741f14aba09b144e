// What docs/peers.md says of other systems, as tables; the outcomes are worked out by hand from
// those systems' definitions.
#include "peers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include "decant/error.h"

namespace decant {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

using C = SamplingConfig;
using Change = std::function<void(C&)>;

template <typename Value>
Change set(Value C::*knob, std::type_identity_t<Value> value) {
  return [knob, value](C& config) { config.*knob = value; };
}

SamplingConfig like(
    std::string_view peer, const Change& change = [](C&) {}) {
  SamplingConfig config = config_like(peer);
  change(config);
  return config;
}

std::string refusal(const SamplingConfig& config) {
  try {
    Pipeline pipeline(config);
    return "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidOption);
    return error.what();
  }
}

TEST(Peers, AreFiveAndEachOnesDefaultsConstruct) {
  EXPECT_THAT(peers(), ElementsAre("hf", "llama.cpp", "vllm", "openai", "generate.py"));
  for (const std::string_view peer : peers()) {
    EXPECT_EQ(refusal(config_like(peer)), "accepted") << peer;
    EXPECT_EQ(config_like(peer).like, peer);
  }
}

TEST(Peers, AnUnknownOneIsRefusedWithTheKnownOnes) {
  for (const auto& attempt : {std::function<void()>([] { config_like("gpt"); }),
                              std::function<void()>([] { Pipeline({.like = "gpt"}); })}) {
    try {
      attempt();
      ADD_FAILURE() << "accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidOption);
      EXPECT_THAT(error.what(), AllOf(HasSubstr("'gpt'"), HasSubstr("hf, llama.cpp, vllm, openai, "
                                                                    "generate.py")));
    }
  }
}

TEST(Peers, Defaults) {
  struct Row {
    std::string_view peer;
    double temperature;
    std::int64_t top_k;
    double top_p;
    double min_p;
    std::int64_t penalty_last_n;
    TopKRule top_k_rule;
    TopPRule top_p_rule;
    bool penalize_prompt;
    std::vector<std::string> stages;
  };
  constexpr auto kTies = TopKRule::kTies;
  constexpr auto kInclusive = TopPRule::kInclusive;
  const std::vector<Row> table = {
      {"hf",
       1,
       50,
       1,
       0,
       -1,
       kTies,
       kInclusive,
       true,
       {"logit_bias", "penalties", "no_repeat_ngram", "constraint", "temperature", "top_k", "top_p",
        "min_p", "typical_p", "epsilon_cutoff", "eta_cutoff"}},
      {"llama.cpp",
       .8,
       40,
       .95,
       .05,
       64,
       TopKRule::kExact,
       kInclusive,
       true,
       {"constraint", "logit_bias", "penalties", "top_n_sigma", "top_k", "typical_p", "top_p",
        "min_p", "temperature"}},
      {"vllm",
       1,
       0,
       1,
       0,
       -1,
       kTies,
       kInclusive,
       false,
       {"constraint", "logit_bias", "penalties", "temperature", "min_p", "top_k", "top_p"}},
      {"openai",
       1,
       0,
       1,
       0,
       -1,
       kTies,
       kInclusive,
       false,
       {"constraint", "logit_bias", "penalties", "temperature", "top_p"}},
      {"generate.py",
       .8,
       50,
       .9,
       0,
       -1,
       kTies,
       TopPRule::kExclusive,
       true,
       {"temperature", "top_k", "top_p"}},
  };
  for (const Row& row : table) {
    SCOPED_TRACE(row.peer);
    const SamplingConfig config = config_like(row.peer);
    EXPECT_EQ(config.temperature, row.temperature);
    EXPECT_EQ(config.top_k, row.top_k);
    EXPECT_EQ(config.top_p, row.top_p);
    EXPECT_EQ(config.min_p, row.min_p);
    EXPECT_EQ(config.penalty_last_n, row.penalty_last_n);
    EXPECT_EQ(config.top_k_rule, row.top_k_rule);
    EXPECT_EQ(config.top_p_rule, row.top_p_rule);
    EXPECT_EQ(config.penalize_prompt, row.penalize_prompt);
    EXPECT_EQ(config.stages, row.stages);
    // Off everywhere.
    EXPECT_EQ(config.typical_p, 1);
    EXPECT_EQ(config.epsilon_cutoff, 0);
    EXPECT_EQ(config.eta_cutoff, 0);
    EXPECT_EQ(config.top_n_sigma, 0);
    EXPECT_EQ(config.repetition_penalty, 1);
    EXPECT_EQ(config.presence_penalty, 0);
    EXPECT_EQ(config.frequency_penalty, 0);
    EXPECT_EQ(config.no_repeat_ngram_size, 0);
    EXPECT_TRUE(config.logit_bias.empty());
  }
}

// A change that switches on each knob, and the systems that have it.
TEST(Peers, AKnobThatASystemLacksIsRefusedByName) {
  struct Row {
    std::string_view says;  // the knob and its value
    Change change;
    std::vector<std::string_view> have_it;
  };
  const std::vector<Row> table = {
      {"temperature is 1.5",
       set(&C::temperature, 1.5),
       {"hf", "llama.cpp", "vllm", "openai", "generate.py"}},
      {"top_k is 7", set(&C::top_k, 7), {"hf", "llama.cpp", "vllm", "generate.py"}},
      {"top_p is 0.5", set(&C::top_p, .5), {"hf", "llama.cpp", "vllm", "openai", "generate.py"}},
      {"min_p is 0.1", set(&C::min_p, .1), {"hf", "llama.cpp", "vllm"}},
      {"typical_p is 0.9", set(&C::typical_p, .9), {"hf", "llama.cpp"}},
      {"epsilon_cutoff is 0.01", set(&C::epsilon_cutoff, .01), {"hf"}},
      {"eta_cutoff is 0.01", set(&C::eta_cutoff, .01), {"hf"}},
      {"top_n_sigma is 2", set(&C::top_n_sigma, 2), {"llama.cpp"}},
      {"repetition_penalty is 1.1", set(&C::repetition_penalty, 1.1), {"hf", "llama.cpp", "vllm"}},
      {"presence_penalty is 0.5", set(&C::presence_penalty, .5), {"llama.cpp", "vllm", "openai"}},
      {"frequency_penalty is -0.5",
       set(&C::frequency_penalty, -.5),
       {"llama.cpp", "vllm", "openai"}},
      {"penalty_last_n is 8", set(&C::penalty_last_n, 8), {"llama.cpp"}},
      {"no_repeat_ngram_size is 3", set(&C::no_repeat_ngram_size, 3), {"hf"}},
      {"logit_bias of token 5 is 2",
       set(&C::logit_bias, {{5, 2.}}),
       {"hf", "llama.cpp", "vllm", "openai"}},
  };
  for (const Row& row : table) {
    for (const std::string_view peer : peers()) {
      SCOPED_TRACE(std::string(row.says) + ", like " + std::string(peer));
      const std::string message = refusal(like(peer, row.change));
      if (std::ranges::find(row.have_it, peer) != row.have_it.end()) {
        EXPECT_EQ(message, "accepted");
      } else {
        EXPECT_THAT(message, AllOf(testing::StartsWith(std::string(row.says) + ": "),
                                   HasSubstr("has no such knob"),
                                   HasSubstr("(like " + std::string(peer) + ")")));
      }
    }
  }
}

TEST(Peers, ARefusalSaysWhatToDo) {
  EXPECT_EQ(
      refusal(like("openai", set(&C::min_p, .1))),
      "min_p is 0.1: the OpenAI API has no such knob (like openai); set it to 0, or leave out "
      "like");
  EXPECT_EQ(
      refusal(like("openai", set(&C::temperature, 2.5))),
      "temperature is 2.5: the OpenAI API takes only values from 0 to 2 (like openai); choose "
      "one of those, or leave out like");
  EXPECT_EQ(refusal(like("vllm", set(&C::top_k_rule, TopKRule::kExact))),
            "top_k_rule is exact: vLLM has ties (like vllm); start from config_like(\"vllm\"), or "
            "leave out like");
}

TEST(Peers, AValueThatASystemRefusesIsRefusedByName) {
  struct Row {
    std::string_view peer;
    std::string_view says;  // "accepted" if it is
    Change change;
  };
  constexpr double kInf = std::numeric_limits<double>::infinity();
  const std::vector<Row> table = {
      // Temperature 0: an error in transformers, NaN in generate.py, greedy elsewhere.
      {"hf", "temperature is 0", set(&C::temperature, 0)},
      {"generate.py", "temperature is 0", set(&C::temperature, 0)},
      {"llama.cpp", "accepted", set(&C::temperature, 0)},
      {"vllm", "accepted", set(&C::temperature, 0)},
      {"openai", "accepted", set(&C::temperature, 0)},
      {"hf", "accepted", set(&C::temperature, 100)},
      {"llama.cpp", "accepted", set(&C::temperature, 100)},
      {"generate.py", "accepted", set(&C::temperature, 100)},
      {"vllm", "accepted", set(&C::temperature, 2)},
      {"vllm", "temperature is 2.1", set(&C::temperature, 2.1)},
      {"vllm", "accepted", set(&C::temperature, .01)},
      {"vllm", "temperature is 0.009", set(&C::temperature, .009)},
      {"openai", "accepted", set(&C::temperature, 2)},
      {"openai", "temperature is 2.1", set(&C::temperature, 2.1)},
      {"vllm", "accepted", set(&C::presence_penalty, -2)},
      {"vllm", "presence_penalty is -2.1", set(&C::presence_penalty, -2.1)},
      {"vllm", "frequency_penalty is 2.1", set(&C::frequency_penalty, 2.1)},
      {"openai", "accepted", set(&C::frequency_penalty, 2)},
      {"openai", "presence_penalty is 2.1", set(&C::presence_penalty, 2.1)},
      {"openai", "frequency_penalty is -2.1", set(&C::frequency_penalty, -2.1)},
      {"llama.cpp", "accepted", set(&C::presence_penalty, 5)},
      {"openai", "accepted", set(&C::logit_bias, {{1, -100.}, {2, 100.}})},
      {"openai", "logit_bias of token 2 is 101", set(&C::logit_bias, {{1, 0.}, {2, 101.}})},
      {"openai", "logit_bias of token 3 is -101", set(&C::logit_bias, {{3, -101.}})},
      {"openai", "logit_bias of token 3 is -inf", set(&C::logit_bias, {{3, -kInf}})},
      {"hf", "accepted", set(&C::logit_bias, {{3, -kInf}})},
      {"llama.cpp", "accepted", set(&C::penalty_last_n, 0)},
      {"llama.cpp", "penalty_last_n is -1", set(&C::penalty_last_n, -1)},
  };
  for (const Row& row : table) {
    const std::string message = refusal(like(row.peer, row.change));
    EXPECT_THAT(message, HasSubstr(std::string(row.says))) << row.peer;
    if (row.says != "accepted") {
      EXPECT_THAT(message, HasSubstr("(like " + std::string(row.peer) + ")"));
    }
  }
}

TEST(Peers, AnotherOrderOrRuleIsRefusedByName) {
  const std::vector<std::pair<std::string, Change>> table = {
      {"stages is top_p, temperature: ", set(&C::stages, {"top_p", "temperature"})},
      {"top_k_rule is ",
       [](auto& c) {
         c.top_k_rule = c.top_k_rule == TopKRule::kTies ? TopKRule::kExact : TopKRule::kTies;
       }},
      {"top_p_rule is ",
       [](auto& c) {
         c.top_p_rule =
             c.top_p_rule == TopPRule::kInclusive ? TopPRule::kExclusive : TopPRule::kInclusive;
       }},
      {"penalize_prompt is ", [](auto& c) { c.penalize_prompt = !c.penalize_prompt; }},
  };
  for (const auto& [says, change] : table) {
    for (const std::string_view peer : peers()) {
      EXPECT_THAT(refusal(like(peer, change)),
                  AllOf(testing::StartsWith(says), HasSubstr("(like " + std::string(peer) + ")")));
    }
  }
  EXPECT_EQ(refusal({.stages = {"top_p", "temperature"}}),
            "accepted");  // Decant's own order is free
}

// The distribution by token id, 0 for what was removed.
std::vector<double> distribution(const SamplingConfig& config, const std::vector<double>& weights,
                                 const History& history = {}) {
  std::vector<float> logits;
  logits.reserve(weights.size());
  for (const double weight : weights) logits.push_back(static_cast<float>(std::log(weight)));
  std::vector<double> result(weights.size());
  for (const auto& survivor : Pipeline(config).distribution(logits, history)) {
    result[static_cast<std::size_t>(survivor.token)] = survivor.probability;
  }
  return result;
}

void expect(const SamplingConfig& config, const std::vector<double>& weights,
            const std::vector<double>& expected, const History& history = {}) {
  SCOPED_TRACE(config.like);
  const std::vector<double> actual = distribution(config, weights, history);
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) {
    EXPECT_NEAR(actual[i], expected[i], 1e-6) << "token " << i;
    EXPECT_EQ(actual[i] == 0, expected[i] == 0) << "token " << i;
  }
}

// All knobs off that the system has, but for what `change` switches on.
SamplingConfig only(std::string_view peer, const Change& change) {
  return like(peer, [&](auto& c) {
    c.temperature = 1;
    c.top_k = 0;
    c.top_p = 1;
    c.min_p = 0;
    change(c);
  });
}

TEST(PeerOutcomes, TheTokenThatCrossesTopPStaysButInGeneratePy) {
  // 0.5, then 0.8 crosses 0.7.
  const auto top_p = set(&C::top_p, .7);
  for (const char* peer : {"hf", "llama.cpp", "vllm", "openai"}) {
    expect(only(peer, top_p), {.5, .3, .2}, {5 / 8., 3 / 8., 0});
  }
  expect(only("generate.py", top_p), {.5, .3, .2}, {1, 0, 0});
}

TEST(PeerOutcomes, TiesWithTheKthStayButInLlamaCpp) {
  const auto top_k = set(&C::top_k, 2);
  for (const char* peer : {"hf", "vllm", "generate.py"}) {
    expect(only(peer, top_k), {.4, .2, .2, .2}, {.4, .2, .2, .2});
  }
  expect(only("llama.cpp", top_k), {.4, .2, .2, .2}, {2 / 3., 1 / 3., 0, 0});
}

TEST(PeerOutcomes, TemperatureActsBeforeTheFiltersButInLlamaCpp) {
  // T = 2 makes 0.64, 0.16, 0.16, 0.04 into 4/9, 2/9, 2/9, 1/9: two tokens reach 0.6, not one.
  const std::vector<double> weights = {.64, .16, .16, .04};
  const auto top_p = [](auto& c) {
    c.temperature = 2;
    c.top_p = .6;
  };
  for (const char* peer : {"hf", "vllm", "openai"}) {
    expect(only(peer, top_p), weights, {2 / 3., 1 / 3., 0, 0});
  }
  expect(only("generate.py", top_p), weights, {1, 0, 0, 0});  // the second one crosses
  expect(only("llama.cpp", top_p), weights, {1, 0, 0, 0});    // the first one is enough
  // And three tokens have 0.4 times the largest, not one.
  const auto min_p = [](auto& c) {
    c.temperature = 2;
    c.min_p = .4;
  };
  for (const char* peer : {"hf", "vllm"}) {
    expect(only(peer, min_p), weights, {.5, .25, .25, 0});
  }
  expect(only("llama.cpp", min_p), weights, {1, 0, 0, 0});
}

TEST(PeerOutcomes, LlamaCppFlattensWhatItsFiltersKept) {
  // top-k 2 of 0.64, 0.16, ... and then roots: 2 to 1.
  expect(only("llama.cpp",
              [](auto& c) {
                c.temperature = 2;
                c.top_k = 2;
              }),
         {.64, .16, .1, .1}, {2 / 3., 1 / 3., 0, 0});
}

TEST(PeerOutcomes, MinPActsBeforeTopPInVllmOnly) {
  // First min-p: 0.4 and 0.3 stay, of which the first is 4/7 and enough. First top-p: both stay.
  const auto both = [](auto& c) {
    c.min_p = .6;
    c.top_p = .5;
  };
  expect(only("vllm", both), {.4, .3, .2, .1}, {1, 0, 0, 0});
  for (const char* peer : {"hf", "llama.cpp"}) {
    expect(only(peer, both), {.4, .3, .2, .1}, {4 / 7., 3 / 7., 0, 0});
  }
}

TEST(PeerOutcomes, PresenceAndFrequencyCountThePromptInLlamaCppOnly) {
  const std::vector<TokenId> tokens = {0, 0, 1};
  const History history{.tokens = tokens, .prompt_size = 2};
  const auto presence = set(&C::presence_penalty, std::log(2.));
  const auto frequency = set(&C::frequency_penalty, std::log(2.));
  for (const char* peer : {"vllm", "openai"}) {
    expect(only(peer, presence), {1, 1, 1}, {.4, .2, .4}, history);
    expect(only(peer, frequency), {1, 1, 1}, {.4, .2, .4}, history);
  }
  expect(only("llama.cpp", presence), {1, 1, 1}, {.25, .25, .5}, history);
  expect(only("llama.cpp", frequency), {1, 1, 1}, {1 / 7., 2 / 7., 4 / 7.}, history);
}

TEST(PeerOutcomes, TheRepetitionPenaltyCountsThePromptEverywhere) {
  // 2 halves the logit of weight 4 and doubles that of weight 1/2; token 1 was not seen.
  const std::vector<TokenId> tokens = {0, 2, 2};
  const History history{.tokens = tokens, .prompt_size = 3};
  for (const char* peer : {"hf", "llama.cpp", "vllm"}) {
    expect(only(peer, set(&C::repetition_penalty, 2)), {4, 4, .5}, {.32, .64, .04}, history);
  }
}

TEST(PeerOutcomes, TheRepetitionPenaltyActsBeforeTheOthers) {
  // ln 4 / 2 - ln 2 = 0; the other way round it would be (ln 4 - ln 2) / 2.
  const std::vector<TokenId> tokens = {0};
  const History history{.tokens = tokens};
  for (const char* peer : {"llama.cpp", "vllm"}) {
    expect(only(peer,
                [](auto& c) {
                  c.repetition_penalty = 2;
                  c.presence_penalty = std::log(2.);
                }),
           {4, 1}, {.5, .5}, history);
  }
}

TEST(PeerOutcomes, LlamaCppLooksBackAtThe64LastTokens) {
  std::vector<TokenId> tokens(65, 1);
  tokens[0] = 0;
  const History history{.tokens = tokens, .prompt_size = 3};
  const auto presence = set(&C::presence_penalty, std::log(2.));
  expect(only("llama.cpp", presence), {1, 1, 1}, {.4, .2, .4}, history);
  expect(only("llama.cpp",
              [&](auto& c) {
                presence(c);
                c.penalty_last_n = 65;
              }),
         {1, 1, 1}, {.25, .25, .5}, history);
  expect(only("llama.cpp",
              [&](auto& c) {
                presence(c);
                c.penalty_last_n = 0;
              }),
         {1, 1, 1}, {1 / 3., 1 / 3., 1 / 3.}, history);
}

TEST(PeerOutcomes, TemperatureZeroIsGreedyWhereItIsAllowed) {
  for (const char* peer : {"llama.cpp", "vllm", "openai"}) {
    expect(like(peer, set(&C::temperature, 0)), {.3, .5, .2}, {0, 1, 0});
  }
}

// 100 equal tokens, at each system's defaults: 50 ties with the 50th stay; exactly 40, of which 38
// are 0.95; all; all; and 90, since the sum that is exactly 0.9 has not crossed it.
TEST(PeerOutcomes, AHundredEqualTokensAtTheDefaults) {
  const std::vector<std::pair<std::string_view, std::size_t>> kept = {
      {"hf", 100}, {"llama.cpp", 38}, {"vllm", 100}, {"openai", 100}, {"generate.py", 90}};
  for (const auto& [peer, count] : kept) {
    const std::vector<float> logits(100, 1.5f);
    EXPECT_EQ(Pipeline(config_like(peer)).distribution(logits).size(), count) << peer;
  }
}

}  // namespace
}  // namespace decant
