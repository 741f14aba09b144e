// The C interface gives what the C++ interface gives, to the bit.
#include "decant/sampling.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "c_support.h"
#include "decant/json.h"
#include "decant/tokenizer.h"

namespace decant {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Every knob at work, and one that the order leaves out.
const char* const kSettings[] = {
    "",
    R"({"temperature": 0})",
    R"({"temperature": 0.8, "top_k": 50, "top_p": 0.9})",
    R"({"temperature": 1.5, "min_p": 0.02, "typical_p": 0.9, "epsilon_cutoff": 0.001,
        "eta_cutoff": 0.001, "top_n_sigma": 3})",
    R"({"repetition_penalty": 1.3, "presence_penalty": 0.5, "frequency_penalty": 0.2,
        "penalty_last_n": 35, "penalize_prompt": false, "no_repeat_ngram_size": 2})",
    R"({"logit_bias": {"3": null, "8": 5.5}, "top_k": 7, "stages": ["top_k", "logit_bias"]})",
    R"({"like": "llama.cpp", "temperature": 0.7})",
};

struct Step {
  std::vector<float> logits;
  std::vector<TokenId> history;
  std::size_t prompt_size = 0;

  explicit Step(unsigned seed) : logits(300), history(40), prompt_size(10) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal(0, 3);
    for (float& logit : logits) logit = normal(random);
    for (TokenId& token : history) token = static_cast<TokenId>(random() % logits.size());
  }

  decant_sampling_input input() const {
    decant_sampling_input input = c_input(logits);
    input.history = history.data();
    input.history_size = history.size();
    input.prompt_size = prompt_size;
    return input;
  }
  History cpp_history() const { return {.tokens = history, .prompt_size = prompt_size}; }
};

void expect_same(const decant_draw& c, const Draw& cpp) {
  EXPECT_EQ(c.token, cpp.token);
  EXPECT_EQ(c.u, cpp.u);
  EXPECT_EQ(c.probability, cpp.probability);
  EXPECT_EQ(c.survivors, cpp.survivors);
}

// The same settings behind both interfaces.
struct Both {
  CPipeline c;
  Pipeline cpp;

  explicit Both(std::string_view settings)
      : c(c_pipeline(settings)),
        cpp(settings.empty() ? SamplingConfig{} : config_from_json(settings)) {}
};

TEST(CSampling, DrawsAreTheSame) {
  for (const char* settings : kSettings) {
    SCOPED_TRACE(settings);
    Both both(settings);
    for (unsigned i = 0; i < 50; ++i) {
      const Step step(i);
      const decant_sampling_input input = step.input();
      decant_draw draw = c_draw();
      ASSERT_EQ(decant_pipeline_sample(both.c.get(), &input, 11, i % 3, 40, &draw), DECANT_OK);
      expect_same(draw,
                  both.cpp.sample(step.logits, {.seed = 11, .sequence = i % 3, .position = 40},
                                  step.cpp_history()));
      const double u = i / 50.0;
      ASSERT_EQ(decant_pipeline_sample_at(both.c.get(), &input, u, &draw), DECANT_OK);
      expect_same(draw, both.cpp.sample_at(step.logits, u, step.cpp_history()));
    }
  }
}

TEST(CSampling, DistributionsAreTheSame) {
  for (const char* settings : kSettings) {
    SCOPED_TRACE(settings);
    Both both(settings);
    const Step step(1);
    const decant_sampling_input input = step.input();
    const auto expected = both.cpp.distribution(step.logits, step.cpp_history());
    std::vector<std::int32_t> tokens(step.logits.size());
    std::vector<double> probabilities(step.logits.size());
    std::size_t survivors = 0;
    ASSERT_EQ(decant_pipeline_distribution(both.c.get(), &input, tokens.data(),
                                           probabilities.data(), tokens.size(), &survivors),
              DECANT_OK);
    ASSERT_EQ(survivors, expected.size());
    for (std::size_t i = 0; i < survivors; ++i) {
      EXPECT_EQ(tokens[i], expected[i].token);
      EXPECT_EQ(probabilities[i], expected[i].probability);
    }
  }
}

TEST(CSampling, TracesAndSettingsAreTheSame) {
  for (const char* settings : kSettings) {
    SCOPED_TRACE(settings);
    Both both(settings);
    const Step step(2);
    const decant_sampling_input input = step.input();
    const double u = .7;
    char* json = nullptr;
    std::size_t size = 0;
    decant_trace_options options = c_trace_options(5, &u);
    ASSERT_EQ(decant_pipeline_trace(both.c.get(), &input, &options, &json, &size), DECANT_OK);
    EXPECT_EQ(take(json, size),
              to_json(both.cpp.trace(step.logits, {.top = 5, .u = u}, step.cpp_history())));
    options = c_trace_options(0);
    ASSERT_EQ(decant_pipeline_trace(both.c.get(), &input, &options, &json, &size), DECANT_OK);
    EXPECT_EQ(take(json, size),
              to_json(both.cpp.trace(step.logits, {.top = 0}, step.cpp_history())));
    options.only_top = 1;
    ASSERT_EQ(decant_pipeline_trace(both.c.get(), &input, &options, &json, &size), DECANT_OK);
    EXPECT_EQ(take(json, size),
              to_json(both.cpp.trace(step.logits, {.top = 0, .every_survivor = false},
                                     step.cpp_history())));
    for (std::int32_t token = 0; token < 3; ++token) {
      decant_token_report report = {};
      report.struct_size = sizeof report;
      ASSERT_EQ(decant_pipeline_report(both.c.get(), &input, token, &report), DECANT_OK);
      const TokenReport seen = both.cpp.report(step.logits, token, 0, step.cpp_history());
      EXPECT_EQ(report.logprob, seen.logprob);
      EXPECT_EQ(report.rank, seen.rank);
      EXPECT_EQ(report.mass_before, seen.mass_before);
      EXPECT_EQ(report.entropy, seen.entropy);
      EXPECT_EQ(report.final_logprob,
                seen.after.empty() ? seen.logprob : seen.after.back().logprob);
    }
    ASSERT_EQ(decant_pipeline_settings(both.c.get(), &json, &size), DECANT_OK);
    EXPECT_EQ(take(json, size), to_json(both.cpp.config()));
  }
}

TEST(CSampling, ATraceShowsTheTokenizersTexts) {
  const CTokenizer tokenizer = c_gpt2();
  std::vector<float> logits(50260, 0);  // three more than there are tokens
  logits[33676] = 9;                    // "ROM", the first of "ROMEO:" in OpenAI's ids
  logits[50259] = 8;
  const decant_sampling_input input = c_input(logits);
  char* json = nullptr;
  std::size_t size = 0;
  const CPipeline two = c_pipeline(R"({"top_k": 2})");
  const decant_trace_options options = c_trace_options(2, nullptr, tokenizer.get());
  ASSERT_EQ(decant_pipeline_trace(two.get(), &input, &options, &json, &size), DECANT_OK);
  const std::string text = take(json, size);
  EXPECT_THAT(text, HasSubstr(R"("token":33676,"text":"ROM")"));
  EXPECT_THAT(text, HasSubstr(R"("token":50259,"text":"")"));
}

TEST(CSampling, ADistributionFillsNoMoreThanItsRoom) {
  const CPipeline pipeline = c_pipeline();
  const std::vector<float> logits = {1, 3, 2};
  const decant_sampling_input input = c_input(logits);
  std::vector<std::int32_t> tokens(3, -1);
  std::size_t survivors = 0;
  ASSERT_EQ(
      decant_pipeline_distribution(pipeline.get(), &input, tokens.data(), nullptr, 2, &survivors),
      DECANT_OK);
  EXPECT_EQ(survivors, 3);
  EXPECT_THAT(tokens, ElementsAre(1, 2, -1));
  ASSERT_EQ(decant_pipeline_distribution(pipeline.get(), &input, nullptr, nullptr, 9, &survivors),
            DECANT_OK);
  EXPECT_EQ(survivors, 3);
}

TEST(CSamplingErrors, BadLogitsNameTheFirstIndex) {
  const CPipeline pipeline = c_pipeline();
  constexpr float kInf = std::numeric_limits<float>::infinity();
  for (const float bad : {std::nanf(""), kInf}) {
    const std::vector<float> logits = {0, 1, 2, 3, 4, 5, 6, bad, 8, bad};
    const decant_sampling_input input = c_input(logits);
    decant_draw draw = c_draw();
    EXPECT_EQ(decant_pipeline_sample(pipeline.get(), &input, 1, 0, 0, &draw),
              DECANT_ERROR_INVALID_LOGITS);
    EXPECT_THAT(last_error(), HasSubstr("7"));
    std::size_t survivors = 5;
    EXPECT_EQ(decant_pipeline_distribution(pipeline.get(), &input, nullptr, nullptr, 0, &survivors),
              DECANT_ERROR_INVALID_LOGITS);
    EXPECT_EQ(survivors, 0);
    char* json = nullptr;
    std::size_t size = 0;
    const decant_trace_options options = c_trace_options(1);
    EXPECT_EQ(decant_pipeline_trace(pipeline.get(), &input, &options, &json, &size),
              DECANT_ERROR_INVALID_LOGITS);
    EXPECT_EQ(json, nullptr);
  }
  const std::vector<float> impossible(3, -kInf);
  const decant_sampling_input input = c_input(impossible);
  decant_draw draw = c_draw();
  EXPECT_EQ(decant_pipeline_sample(pipeline.get(), &input, 1, 0, 0, &draw),
            DECANT_ERROR_INVALID_LOGITS);
}

TEST(CSamplingErrors, ABiasThatBansEverythingSaysSo) {
  const CPipeline pipeline = c_pipeline(R"({"logit_bias": {"0": null, "1": null}})");
  const std::vector<float> logits = {1, 2};
  const decant_sampling_input input = c_input(logits);
  decant_draw draw = c_draw();
  EXPECT_EQ(decant_pipeline_sample(pipeline.get(), &input, 1, 0, 0, &draw),
            DECANT_ERROR_NO_CANDIDATES);
}

TEST(CSamplingErrors, OptionsAreNamedWithTheirValueAndRange) {
  const struct {
    std::string settings;
    decant_status status;
    std::vector<std::string> words;
  } cases[] = {
      {R"({"top_p": 1.5})", DECANT_ERROR_INVALID_OPTION, {"top_p", "1.5", "> 0 and <= 1"}},
      {R"({"min_p": -2})", DECANT_ERROR_INVALID_OPTION, {"min_p", "-2", "from 0 to 1"}},
      {R"({"top_q": 1})", DECANT_ERROR_INVALID_OPTION, {"top_q"}},
      {R"({"top_k": "five"})", DECANT_ERROR_INVALID_OPTION, {"top_k", "five"}},
      {R"({"stages": ["top_z"]})", DECANT_ERROR_INVALID_OPTION, {"top_z"}},
      {R"({"like": "nobody"})", DECANT_ERROR_INVALID_OPTION, {"nobody"}},
      {R"({"top_k": )", DECANT_ERROR_MALFORMED, {"JSON"}},
  };
  for (const auto& c : cases) {
    decant_pipeline* pipeline = nullptr;
    EXPECT_EQ(decant_pipeline_create(c.settings.data(), c.settings.size(), &pipeline), c.status)
        << c.settings;
    for (const std::string& word : c.words) EXPECT_THAT(last_error(), HasSubstr(word));
  }
}

TEST(CSamplingErrors, ArgumentsOutsideTheirRange) {
  const CPipeline pipeline = c_pipeline();
  const std::vector<float> logits = {1, 2};
  const decant_sampling_input input = c_input(logits);
  decant_draw draw = c_draw();
  char* json = nullptr;
  std::size_t size = 0;
  for (const double u : {-.1, 1.0, std::nan("")}) {
    EXPECT_EQ(decant_pipeline_sample_at(pipeline.get(), &input, u, &draw),
              DECANT_ERROR_INVALID_ARGUMENT);
    const decant_trace_options options = c_trace_options(1, &u);
    EXPECT_EQ(decant_pipeline_trace(pipeline.get(), &input, &options, &json, &size),
              DECANT_ERROR_INVALID_ARGUMENT);
  }
  const decant_trace_options options = c_trace_options(-1);
  EXPECT_EQ(decant_pipeline_trace(pipeline.get(), &input, &options, &json, &size),
            DECANT_ERROR_INVALID_ARGUMENT);
}

}  // namespace
}  // namespace decant
