// Beam search against an independent reference (tools/reference), and against all texts there are.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <map>
#include <numeric>

#include "beam_searcher.h"
#include "decant/error.h"
#include "small_model.h"
#include "toy_model.h"

namespace decant {
namespace {

using nlohmann::json;
using testing::HasSubstr;

std::vector<json> load_cases(const std::string& folder) {
  std::ifstream file(DECANT_SOURCE_DIR "/tests/fixtures/" + folder + "/cases.json");
  return json::parse(file);
}

BeamSearch::EarlyStopping early_stopping(const std::string& word) {
  if (word == "true") return BeamSearch::EarlyStopping::kTrue;
  if (word == "never") return BeamSearch::EarlyStopping::kNever;
  return BeamSearch::EarlyStopping::kFalse;
}

class BeamSearchReference : public testing::TestWithParam<json> {};

INSTANTIATE_TEST_SUITE_P(Goldens, BeamSearchReference, testing::ValuesIn(load_cases("beam_search")),
                         [](const auto& test) { return test.param.at("name"); });

TEST_P(BeamSearchReference, FindsTheSameTexts) {
  const json& given = GetParam().at("options");
  const ToyModel model(GetParam().at("model"));
  const std::vector<TokenId> prompt = GetParam().at("prompt");
  ASSERT_EQ(model.logits(prompt), GetParam().at("logits").get<std::vector<float>>());

  SamplingConfig sampling;
  sampling.repetition_penalty = given.at("repetition_penalty");
  sampling.no_repeat_ngram_size = given.at("no_repeat_ngram_size");
  for (const auto& [token, bias] : given.at("logit_bias").items()) {
    sampling.logit_bias[std::stoi(token)] = bias.is_null() ? -INFINITY : bias.get<double>();
  }
  Pipeline pipeline(sampling);
  const GenerateRequest request{
      .prompt = prompt,
      .options = {
          .strategy = BeamSearch{.num_beams = given.at("num_beams"),
                                 .num_return_sequences = given.at("num_return_sequences"),
                                 .length_penalty = given.at("length_penalty"),
                                 .early_stopping = early_stopping(given.at("early_stopping")),
                                 .patience = given.at("patience"),
                                 .num_beam_groups = given.at("num_beam_groups"),
                                 .diversity_penalty = given.at("diversity_penalty")},
          .max_new_tokens = given.at("max_new_tokens"),
          .min_new_tokens = given.at("min_new_tokens"),
          .stop_tokens = given.at("end_tokens")}};
  const Tokenizer tokenizer = Tokenizer::gpt2();
  const Task task(1000, tokenizer, pipeline, request);
  BeamSearcher searcher(task);
  std::int64_t steps = 0;
  for (; !searcher.beams().empty(); ++steps) {
    std::vector<std::vector<float>> rows;
    for (const BeamSearcher::Beam& beam : searcher.beams()) {
      rows.push_back(model.logits(beam.tokens));
    }
    searcher.advance(std::vector<Logits>(rows.begin(), rows.end()));
  }
  const Generation made = searcher.finish({});
  EXPECT_EQ(steps, GetParam().at("steps"));
  const json& expected = GetParam().at("expected");
  ASSERT_EQ(made.hypotheses.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const Hypothesis& found = made.hypotheses[i];
    std::vector<TokenId> tokens = found.tokens;
    if (found.stopped) tokens.push_back(made.beam_tree[static_cast<std::size_t>(found.node)].token);
    EXPECT_EQ(tokens, expected[i].at("tokens").get<std::vector<TokenId>>()) << i;
    EXPECT_EQ(found.length, expected[i].at("length"));
    EXPECT_EQ(found.stopped, expected[i].at("ended"));
    EXPECT_NEAR(found.score, expected[i].at("sum").get<double>(), 1e-5);
    EXPECT_NEAR(found.final_score, expected[i].at("score").get<double>(), 1e-5);
  }
}

}  // namespace
}  // namespace decant
