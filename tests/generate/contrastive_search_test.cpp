// Contrastive search against an independent reference (tools/reference/contrastive_search.py).
#include <gtest/gtest.h>

#include <fstream>

#include "contrastive_text.h"
#include "small_model.h"
#include "toy_model.h"

namespace decant {
namespace {

using nlohmann::json;

std::vector<json> load_cases() {
  std::ifstream file(DECANT_SOURCE_DIR "/tests/fixtures/contrastive_search/cases.json");
  return json::parse(file);
}

class ContrastiveReference : public testing::TestWithParam<json> {};

INSTANTIATE_TEST_SUITE_P(Goldens, ContrastiveReference, testing::ValuesIn(load_cases()),
                         [](const auto& test) { return test.param.at("name"); });

TEST_P(ContrastiveReference, ChoosesTheSameTokens) {
  const json& given = GetParam().at("options");
  const json& expected = GetParam().at("expected");
  const ContrastiveSearch options{given.at("top_k"), given.at("alpha")};
  const ToyModel model(GetParam().at("model"));
  std::vector<TokenId> text = GetParam().at("prompt");
  const std::size_t prompt = text.size();
  const std::vector<TokenId> ends = given.at("end_tokens");
  ASSERT_EQ(model.hidden(text), GetParam().at("hidden").get<std::vector<float>>());

  Pipeline pipeline;
  HiddenStates states;
  for (std::size_t n = 1; n <= prompt; ++n) states.add(model.hidden(std::span(text).first(n)));
  for (const double score : expected.at("scores")) {
    const std::vector<float> logits = model.logits(text);
    TokenId best = -1;
    double best_score = -3;
    for (const auto& one :
         pipeline.distribution(logits, {}, static_cast<std::size_t>(options.top_k))) {
      text.push_back(one.token);
      const double its =
          contrastive_score(options, one.probability, states.similarity(model.hidden(text)));
      text.pop_back();
      if (its > best_score) {
        best = one.token;
        best_score = its;
      }
    }
    EXPECT_NEAR(best_score, score, 1e-6);
    text.push_back(best);
    states.add(model.hidden(text));
  }
  text.erase(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(prompt));
  EXPECT_EQ(text, expected.at("tokens").get<std::vector<TokenId>>());
}

// The definition, with a session for each candidate that reads the whole text.
std::vector<TokenId> by_definition(SmallModel& small, const ContrastiveSearch& options,
                                   std::size_t count) {
  std::vector<TokenId> text = small.data.tokens;
  Pipeline pipeline;
  for (std::size_t i = 0; i < count; ++i) {
    HiddenStates states;
    std::vector<float> logits;
    small.session.truncate(0);
    small.session.prefill(text, [&](std::size_t, Logits row, std::span<const float> hidden) {
      states.add(hidden);
      logits.assign(row.begin(), row.end());
    });
    TokenId best = -1;
    double best_score = -3;
    for (const auto& one :
         pipeline.distribution(logits, {}, static_cast<std::size_t>(options.top_k))) {
      text.push_back(one.token);
      double similarity = 0;
      small.session.truncate(0);
      small.session.prefill(text, [&](std::size_t index, Logits, std::span<const float> hidden) {
        if (index + 1 == text.size()) similarity = states.similarity(hidden);
      });
      text.pop_back();
      const double score =
          (1 - options.penalty_alpha) * one.probability - options.penalty_alpha * similarity;
      if (score <= best_score) continue;
      best = one.token;
      best_score = score;
    }
    text.push_back(best);
  }
  return {text.begin() + static_cast<std::ptrdiff_t>(small.data.tokens.size()), text.end()};
}

TEST(ContrastiveSearch, IsItsDefinition) {
  SmallModel small;
  small.data.tokens.resize(4);
  Pipeline pipeline;
  for (const double alpha : {0.0, 0.3, 0.6, 1.0}) {
    for (const std::int64_t top_k : {1, 4, 97}) {
      const ContrastiveSearch options{top_k, alpha};
      const auto expected = by_definition(small, options, 8);
      const Generation made = generate(small.session, small.tokenizer, pipeline, small.data.tokens,
                                       {.strategy = options, .max_new_tokens = 8});
      EXPECT_EQ(made.tokens, expected) << alpha << ' ' << top_k;
    }
  }
}

TEST(ContrastiveSearch, OneCandidateIsGreedy) {
  SmallModel small;
  Pipeline off;
  Pipeline greedy({.temperature = 0});
  const auto made = generate(small.session, small.tokenizer, off, small.data.tokens,
                             {.strategy = ContrastiveSearch{.top_k = 1}, .max_new_tokens = 80});
  EXPECT_EQ(made.tokens, generate(small.session, small.tokenizer, greedy, small.data.tokens,
                                  {.max_new_tokens = 80})
                             .tokens);
}

}  // namespace
}  // namespace decant
