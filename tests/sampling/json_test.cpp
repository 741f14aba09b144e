#include "decant/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>

#include "decant/error.h"

namespace decant {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

SamplingConfig every_member_its_own() {
  return {.like = "",
          .temperature = 0.1,
          .top_k = 2,
          .top_k_rule = TopKRule::kExact,
          .top_p = 0.3,
          .top_p_rule = TopPRule::kExclusive,
          .min_p = 0.4,
          .typical_p = 0.5,
          .epsilon_cutoff = 1e-5,
          .eta_cutoff = 0.7,
          .top_n_sigma = 8,
          .repetition_penalty = 1.0 / 3,
          .presence_penalty = -1.5,
          .frequency_penalty = 1e300,
          .penalty_last_n = -1,
          .penalize_prompt = false,
          .no_repeat_ngram_size = std::numeric_limits<std::int64_t>::max(),
          .logit_bias = {{0, -kInfinity}, {7, 0.25}, {50256, -100}},
          .stages = {"top_k", "top_k", "penalties"}};
}

void expect_same(const SamplingConfig& a, const SamplingConfig& b) {
  EXPECT_EQ(a.like, b.like);
  EXPECT_EQ(a.temperature, b.temperature);
  EXPECT_EQ(a.top_k, b.top_k);
  EXPECT_EQ(a.top_k_rule, b.top_k_rule);
  EXPECT_EQ(a.top_p, b.top_p);
  EXPECT_EQ(a.top_p_rule, b.top_p_rule);
  EXPECT_EQ(a.min_p, b.min_p);
  EXPECT_EQ(a.typical_p, b.typical_p);
  EXPECT_EQ(a.epsilon_cutoff, b.epsilon_cutoff);
  EXPECT_EQ(a.eta_cutoff, b.eta_cutoff);
  EXPECT_EQ(a.top_n_sigma, b.top_n_sigma);
  EXPECT_EQ(a.repetition_penalty, b.repetition_penalty);
  EXPECT_EQ(a.presence_penalty, b.presence_penalty);
  EXPECT_EQ(a.frequency_penalty, b.frequency_penalty);
  EXPECT_EQ(a.penalty_last_n, b.penalty_last_n);
  EXPECT_EQ(a.penalize_prompt, b.penalize_prompt);
  EXPECT_EQ(a.no_repeat_ngram_size, b.no_repeat_ngram_size);
  EXPECT_EQ(a.logit_bias, b.logit_bias);
  EXPECT_EQ(a.stages, b.stages);
}

TEST(Json, SettingsComeBackToTheBit) {
  const SamplingConfig config = every_member_its_own();
  expect_same(config_from_json(to_json(config)), config);
  // Every member is written: nothing is left to the base.
  expect_same(config_from_json(to_json(SamplingConfig{}), config), SamplingConfig{});
  for (const std::string_view peer : peers()) {
    expect_same(config_from_json(to_json(config_like(peer)), config), config_like(peer));
  }
}

TEST(Json, SettingsAreAnObjectWithTheStructsNames) {
  json object = json::parse(to_json(every_member_its_own()));
  EXPECT_EQ(object["temperature"], 0.1);
  EXPECT_EQ(object["top_k_rule"], "exact");
  EXPECT_EQ(object["top_p_rule"], "exclusive");
  EXPECT_EQ(object["penalize_prompt"], false);
  EXPECT_EQ(object["logit_bias"], (json{{"0", nullptr}, {"7", .25}, {"50256", -100}}));
  EXPECT_EQ(object["stages"], (json{"top_k", "top_k", "penalties"}));
}

TEST(Json, AbsentMembersKeepTheBase) {
  const SamplingConfig base = every_member_its_own();
  expect_same(config_from_json("{}", base), base);
  SamplingConfig expected = base;
  expected.top_k = 9;
  expected.temperature = 2;
  expected.logit_bias = {{3, 1}};
  expect_same(config_from_json(R"({"top_k": 9, "temperature": 2, "logit_bias": {"3": 1}})", base),
              expected);
}

TEST(Json, WithLikeAbsentMembersKeepThePeers) {
  SamplingConfig expected = config_like("llama.cpp");
  expected.top_k = 9;
  // Wherever it stands.
  expect_same(config_from_json(R"({"top_k": 9, "like": "llama.cpp"})", every_member_its_own()),
              expected);
}

TEST(Json, SettingsThatAreNotJsonAreMalformed) {
  for (const char* text : {"", "{", "{\"top_k\": 1,}", "{\"top_k\": NaN}", "{} {}", "top_k=1",
                           "{\"top_k\": 1, \"top_k\": 2}", "{\"logit_bias\": {\"1\": 1, \"1\": 2}}",
                           "{\"temperature\": 1e999}", "{\"like\": \"\xff\"}"}) {
    try {
      config_from_json(text);
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kMalformed) << text << ": " << error.what();
    }
  }
}

TEST(Json, WhatIsUnknownOrOfTheWrongTypeIsNamed) {
  const struct {
    const char* text;
    const char* message;
  } kTable[] = {
      {"[]", "the settings are an array: they must be an object"},
      {"null", "the settings are null: they must be an object"},
      {R"({"topk": 1})", "there is no setting 'topk'; there are like, temperature, top_k"},
      {R"({"": 1})", "there is no setting ''"},
      {R"({"top_k": "5"})", "top_k is '5': it must be a whole number"},
      {R"({"top_k": 5.5})", "top_k is 5.5: it must be a whole number"},
      {R"({"top_k": 9223372036854775808})", "top_k is 9223372036854775808: it must be a whole"},
      {R"({"top_k": null})", "top_k is null: it must be a whole number"},
      {R"({"temperature": "warm"})", "temperature is 'warm': it must be a number"},
      {R"({"temperature": true})", "temperature is true: it must be a number"},
      {R"({"temperature": [1]})", "temperature is an array: it must be a number"},
      {R"({"top_p": {}})", "top_p is an object: it must be a number"},
      {R"({"top_k_rule": "some"})", "top_k_rule is 'some': it must be 'ties' or 'exact'"},
      {R"({"top_p_rule": 1})", "top_p_rule is 1: it must be 'inclusive' or 'exclusive'"},
      {R"({"penalize_prompt": 1})", "penalize_prompt is 1: it must be true or false"},
      {R"({"like": 5})", "like is 5: it must be a string"},
      {R"({"like": "nobody"})", "like is 'nobody'"},
      {R"({"logit_bias": [1]})", "logit_bias is an array: it must be an object"},
      {R"({"logit_bias": {"a": 1}})", "logit_bias: 'a' is no token id"},
      {R"({"logit_bias": {"07": 1}})", "logit_bias: '07' is no token id"},
      {R"({"logit_bias": {"2147483648": 1}})", "logit_bias: '2147483648' is no token id"},
      {R"({"logit_bias": {"7": "x"}})", "logit_bias of token 7 is 'x': it must be a number"},
      {R"({"stages": "top_k"})", "stages is 'top_k': it must be an array of strings"},
      {R"({"stages": ["top_k", 1]})", "stages[1] is 1: it must be a string"},
  };
  for (const auto& row : kTable) {
    try {
      config_from_json(row.text);
      ADD_FAILURE() << row.text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidOption) << row.text;
      EXPECT_THAT(error.what(), HasSubstr(row.message));
    }
  }
}

TEST(Json, WhateverAValueHoldsItsMessageIsOneShortLine) {
  const std::string hostile =
      R"({"temperature": "line\nfeed\u001b[2J)" + std::string(5000, 'x') + "\"}";
  try {
    config_from_json(hostile);
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("temperature is 'line\\nfeed\\u001b[2J"));
    EXPECT_LT(std::string(error.what()).size(), 200u);
  }
  // Deeper than any stack.
  EXPECT_THROW(config_from_json(std::string(1'000'000, '[')), Error);
}

// Softmax of log(1/2), log(1/4), log(1/4): the shares are the probabilities.
Trace hand_made_trace() {
  Trace trace{.vocab_size = 4, .possible = 3, .entropy = 1.5 * std::log(2), .others = 1};
  trace.stages = {
      {.name = "top_k", .kept = 1, .removed = 2, .mass_removed = .5, .threshold = .5, .entropy = 0},
      {.name = "temperature", .kept = 1}};
  trace.candidates = {
      {.token = 3,
       .rank = 0,
       .logit = -.5,
       .logprob = std::log(.5),
       .logits = {-.5, -1},
       .probabilities = {1, 1},
       .probability = 1},
      {.token = 0, .rank = 1, .logit = -kInfinity, .logprob = -kInfinity, .removed_by = 0}};
  trace.survivors = 1;
  return trace;
}

TEST(Json, ATraceHasTheStructsNames) {
  json object = json::parse(to_json(hand_made_trace()));
  EXPECT_EQ(object["vocab_size"], 4);
  EXPECT_EQ(object["possible"], 3);
  EXPECT_EQ(object["stages"][0], (json{{"name", "top_k"},
                                       {"kept", 1},
                                       {"removed", 2},
                                       {"mass_removed", .5},
                                       {"threshold", .5},
                                       {"entropy", 0.},
                                       {"perplexity", 1.}}));
  EXPECT_DOUBLE_EQ(object["perplexity"].get<double>(), 2 * std::sqrt(2));  // e to 1.5 ln 2
  EXPECT_EQ(object["final_perplexity"], 1.);
  EXPECT_TRUE(object["stages"][1]["threshold"].is_null());
  EXPECT_EQ(object["candidates"][0], (json{{"token", 3},
                                           {"rank", 0},
                                           {"logit", -.5},
                                           {"logprob", std::log(.5)},
                                           {"logits", {-.5, -1}},
                                           {"probabilities", {1, 1}},
                                           {"removed_by", nullptr},
                                           {"probability", 1}}));
  EXPECT_TRUE(object["candidates"][1]["logit"].is_null());
  EXPECT_EQ(object["candidates"][1]["removed_by"], "top_k");
  EXPECT_FALSE(object.contains("draw"));
}

TEST(Json, ATraceShowsTextsAndTheDraw) {
  Trace trace = hand_made_trace();
  trace.draw = DrawTrace{.token = 3, .u = .25, .rank = 0, .probability = 1, .begin = 0, .end = 1};
  const json object =
      json::parse(to_json(trace, [](TokenId token) { return token == 3 ? "\xff\"\n" : " the"; }));
  EXPECT_EQ(object["candidates"][0]["text"], "\uFFFD\"\n");
  EXPECT_EQ(object["candidates"][1]["text"], " the");
  EXPECT_EQ(object["draw"], (json{{"token", 3},
                                  {"text", "\uFFFD\"\n"},
                                  {"u", .25},
                                  {"rank", 0},
                                  {"probability", 1},
                                  {"begin", 0},
                                  {"end", 1}}));
}

}  // namespace
}  // namespace decant
