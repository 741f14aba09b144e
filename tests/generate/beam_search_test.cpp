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
    if (found.finish_reason == FinishReason::kStop)
      tokens.push_back(made.beam_tree[static_cast<std::size_t>(found.node)].token);
    EXPECT_EQ(tokens, expected[i].at("tokens").get<std::vector<TokenId>>()) << i;
    EXPECT_EQ(found.length, expected[i].at("length"));
    EXPECT_EQ(found.finish_reason == FinishReason::kStop, expected[i].at("ended"));
    EXPECT_NEAR(found.score, expected[i].at("sum").get<double>(), 1e-5);
    EXPECT_NEAR(found.final_score, expected[i].at("score").get<double>(), 1e-5);
  }
}

// The log-probability of each token of `text` from `first` on, by sessions that see the last tokens
// of what is before it and nothing else.
std::vector<double> logprobs(const Model& model, std::span<const TokenId> text, std::size_t first) {
  std::vector<double> result;
  for (std::size_t i = first; i < text.size(); ++i) {
    Session session(model, 1);
    const auto window = static_cast<std::size_t>(session.capacity());
    const Logits logits =
        session.prefill(text.subspan(i - std::min(i, window), std::min(i, window)));
    double sum = 0;
    for (const float logit : logits) sum += std::exp(double{logit});
    result.push_back(logits[static_cast<std::size_t>(text[i])] - std::log(sum));
  }
  return result;
}

SamplingConfig only(std::span<const TokenId> allowed) {
  SamplingConfig config;
  for (TokenId token = 0; token < 97; ++token) {
    if (std::ranges::find(allowed, token) == allowed.end()) config.logit_bias[token] = -INFINITY;
  }
  return config;
}

// With a beam for every beginning that there is, the search is a list of all texts.
TEST(BeamSearch, WithABeamForEachBeginningFindsTheBestOfAllTexts) {
  SmallModel small;
  const std::vector<TokenId> allowed = {3, 20, 41, 77};
  constexpr TokenId kStop = 41;
  constexpr std::size_t kLength = 4;
  const std::span<const TokenId> prompt = std::span(small.data.tokens).first(5);
  Pipeline pipeline(only(allowed));

  for (const double length_penalty : {0.0, 1.0, 2.0, -1.0}) {
    std::vector<std::pair<double, std::vector<TokenId>>> texts;
    std::vector<std::vector<TokenId>> open = {{}};
    while (!open.empty()) {
      const std::vector<TokenId> text = open.back();
      open.pop_back();
      if (text.size() == kLength || (!text.empty() && text.back() == kStop)) {
        std::vector<TokenId> whole(prompt.begin(), prompt.end());
        whole.insert(whole.end(), text.begin(), text.end());
        const auto each = logprobs(small.model, whole, prompt.size());
        const double sum = std::accumulate(each.begin(), each.end(), 0.0);
        texts.emplace_back(sum / std::pow(text.size(), length_penalty), text);
        continue;
      }
      for (const TokenId token : allowed) {
        open.push_back(text);
        open.back().push_back(token);
      }
    }
    std::ranges::sort(texts, std::ranges::greater{});

    const Generation made =
        generate(small.session, small.tokenizer, pipeline, prompt,
                 {.strategy = BeamSearch{.num_beams = 100,
                                         .num_return_sequences = 100,
                                         .length_penalty = length_penalty,
                                         .early_stopping = BeamSearch::EarlyStopping::kNever,
                                         .patience = 10},
                  .max_new_tokens = kLength,
                  .stop_tokens = {kStop}});
    ASSERT_EQ(made.hypotheses.size(), 100u);
    for (std::size_t i = 0; i < 100; ++i) {
      std::vector<TokenId> found = made.hypotheses[i].tokens;
      if (made.hypotheses[i].finish_reason == FinishReason::kStop) found.push_back(kStop);
      EXPECT_NEAR(made.hypotheses[i].final_score, texts[i].first, 1e-9);
      EXPECT_EQ(found, texts[i].second) << length_penalty << ", rank " << i;
    }
  }
}

// Beams that leave the window, fork and end: each has the log-probability of its own text.
TEST(BeamSearch, EachTextHasItsOwnLogProbability) {
  SmallModel small;
  Pipeline pipeline;
  const auto prompt = std::span(small.data.tokens).first(3);
  const auto length = static_cast<std::int64_t>(small.session.capacity()) + 6;
  for (const std::int64_t groups : {1, 2}) {
    const Generation made =
        generate(small.session, small.tokenizer, pipeline, prompt,
                 {.strategy = BeamSearch{.num_beams = 4,
                                         .num_return_sequences = 4,
                                         .num_beam_groups = groups,
                                         .diversity_penalty = groups == 1 ? 0.0 : 1.0},
                  .max_new_tokens = length,
                  .raw = true});
    ASSERT_EQ(made.hypotheses.size(), 4u);
    for (const Hypothesis& one : made.hypotheses) {
      std::vector<TokenId> text(prompt.begin(), prompt.end());
      text.insert(text.end(), one.tokens.begin(), one.tokens.end());
      const auto each = logprobs(small.model, text, prompt.size());
      EXPECT_NEAR(one.sum_logprob, std::accumulate(each.begin(), each.end(), 0.0), 1e-9);
      EXPECT_LE(one.score, one.sum_logprob + 1e-12);  // groups are penalised
      EXPECT_EQ(one.text, small.tokenizer.decode(one.tokens));
    }
    EXPECT_EQ(made.tokens, made.hypotheses[0].tokens);
  }
}

// Every beginning that was looked at is in the tree, with the reason for which it went no further.
TEST(BeamSearch, TheTreeTellsWhatBecameOfEach) {
  SmallModel small;
  Pipeline pipeline;
  const Generation made =
      generate(small.session, small.tokenizer, pipeline, small.data.tokens,
               {.strategy = BeamSearch{.num_beams = 3, .num_return_sequences = 2},
                .max_new_tokens = 12,
                .stop_tokens = {small.data.tokens[2], small.data.tokens[4]}});
  std::map<std::int64_t, int> children;
  for (const BeamNode& node : made.beam_tree) {
    if (node.parent >= 0 && node.fate != BeamFate::kOutranked) ++children[node.parent];
  }
  int returned = 0;
  for (std::size_t i = 0; i < made.beam_tree.size(); ++i) {
    const BeamNode& node = made.beam_tree[i];
    const bool has_children = children.contains(static_cast<std::int64_t>(i));
    EXPECT_EQ(node.fate == BeamFate::kContinued, has_children);
    EXPECT_GE(node.decided, node.length);
    returned += node.fate == BeamFate::kReturned;
    if (node.parent < 0) continue;
    const BeamNode& parent = made.beam_tree[static_cast<std::size_t>(node.parent)];
    EXPECT_EQ(node.length, parent.length + 1);
    EXPECT_NEAR(node.sum_logprob, parent.sum_logprob + node.logprob, 1e-12);
  }
  EXPECT_EQ(returned, 2);
}

TEST(BeamSearch, AStopStringEndsABeam) {
  SmallModel small;
  Pipeline pipeline;
  GenerateOptions options{.strategy = BeamSearch{.num_beams = 4}, .max_new_tokens = 30};
  const auto whole = generate(small.session, small.tokenizer, pipeline, small.data.tokens, options);
  // Tokens are bytes: this straddles three of them.
  options.stop = {whole.hypotheses[0].text.substr(6, 3)};
  options.strategy = BeamSearch{
      .num_beams = 4, .length_penalty = 3, .early_stopping = BeamSearch::EarlyStopping::kTrue};
  std::string streamed;
  const auto made = generate(small.session, small.tokenizer, pipeline, small.data.tokens, options,
                             {.on_text = [&](std::string_view text) { streamed += text; }});
  for (const Hypothesis& one : made.hypotheses) {
    EXPECT_EQ(one.text.find(options.stop[0]), std::string::npos);
  }
  const auto stopped = [](const BeamNode& node) { return node.ends; };
  EXPECT_TRUE(std::ranges::any_of(made.beam_tree, stopped));
  EXPECT_EQ(streamed, made.hypotheses[0].text);
}

TEST(BeamSearch, InterruptionsReturnTheBestSoFar) {
  SmallModel small;
  Pipeline pipeline;
  GenerateOptions options{.strategy = BeamSearch{.num_beams = 3}, .max_new_tokens = 30};
  int asked = 0;
  const auto made = generate(small.session, small.tokenizer, pipeline, small.data.tokens, options,
                             {.cancelled = [&] { return ++asked == 6; }});
  EXPECT_EQ(made.finish_reason, FinishReason::kCancelled);
  EXPECT_EQ(made.tokens.size(), 5u);
  options.max_new_tokens = 5;
  EXPECT_EQ(generate(small.session, small.tokenizer, pipeline, small.data.tokens, options).tokens,
            made.tokens);
  options.max_time = std::chrono::seconds(0);
  const auto late = generate(small.session, small.tokenizer, pipeline, small.data.tokens, options);
  EXPECT_EQ(late.finish_reason, FinishReason::kTime);
  EXPECT_TRUE(late.tokens.empty());
}

// It is the model that broke down, and not a beam that leads nowhere.
TEST(BeamSearch, ABrokenRowOfOneBeamIsAnError) {
  const Tokenizer tokenizer = Tokenizer::gpt2();
  Pipeline pipeline;
  const std::vector<TokenId> prompt = {1};
  const GenerateRequest request{.prompt = prompt,
                                .options = {.strategy = BeamSearch{.num_beams = 2}}};
  const Task task(10, tokenizer, pipeline, request);
  BeamSearcher searcher(task);
  const std::vector<float> good = {1.f, 0.f, -.5f};
  const std::vector<float> broken = {1.f, NAN, -.5f};
  searcher.advance(std::vector<Logits>{good});
  ASSERT_EQ(searcher.beams().size(), 2u);
  searcher.advance(std::vector<Logits>{good, broken});
  EXPECT_TRUE(searcher.beams().empty());
  const Generation made = searcher.finish({});
  EXPECT_EQ(made.finish_reason, FinishReason::kError);
  EXPECT_THAT(made.error, HasSubstr("1"));
  EXPECT_EQ(made.tokens.size(), 2u);  // what there was stays
}

// The better of two tokens that are drawn without replacement.
TEST(BeamSearch, SamplingDrawsByTheDistribution) {
  const std::vector<float> logits = {1.f, 0.f, -.5f, .7f};
  std::vector<double> p(4);
  double sum = 0;
  for (std::size_t i = 0; i < 4; ++i) sum += p[i] = std::exp(double{logits[i]});
  for (double& x : p) x /= sum;
  std::vector<double> expected(4);
  for (std::size_t i = 0; i < 4; ++i) {
    for (std::size_t j = 0; j < 4; ++j) {
      if (i != j) expected[p[i] > p[j] ? i : j] += p[i] * p[j] / (1 - p[i]);
    }
  }
  const Tokenizer tokenizer = Tokenizer::gpt2();
  Pipeline pipeline;
  const std::vector<TokenId> prompt = {1};
  constexpr int kDraws = 40'000;
  std::vector<int> counts(4);
  for (int i = 0; i < kDraws; ++i) {
    const GenerateRequest request{
        .prompt = prompt,
        .options = {.strategy = BeamSearch{.num_beams = 1, .do_sample = true},
                    .max_new_tokens = 1,
                    .seed = static_cast<Seed>(i)}};
    const Task task(10, tokenizer, pipeline, request);
    BeamSearcher searcher(task);
    searcher.advance(std::vector<Logits>{logits});
    ++counts[static_cast<std::size_t>(searcher.finish({}).tokens.at(0))];
  }
  double chi_square = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    if (expected[i] == 0) {
      EXPECT_EQ(counts[i], 0);
      continue;
    }
    const double mean = expected[i] * kDraws;
    chi_square += (counts[i] - mean) * (counts[i] - mean) / mean;
  }
  EXPECT_LT(chi_square, 13.8);  // 2 degrees of freedom, p = 0.001
}

// Of all strategies together, each text is what it is alone.
TEST(Strategies, CompanyChangesNoBit) {
  SmallModel small;
  Pipeline pipeline({.repetition_penalty = 1.1});
  const Strategy strategies[] = {
      Sampling{},
      BeamSearch{.num_beams = 3},
      ContrastiveSearch{.top_k = 3},
      BeamSearch{.num_beams = 4, .num_beam_groups = 2, .diversity_penalty = .5},
      Sampling{{.prompt_lookup_num_tokens = 5}},
      BeamSearch{.num_beams = 2, .do_sample = true},
  };
  std::vector<GenerateRequest> requests;
  for (std::size_t i = 0; i < 24; ++i) {
    requests.push_back({.prompt = std::span(small.data.tokens).first(1 + i / 6 * 3),
                        .options = {.strategy = strategies[i % 6],
                                    .max_new_tokens = static_cast<std::int64_t>(i * 5 % 40),
                                    .seed = 6,
                                    .sequence = i}});
  }
  SessionGroup group(small.model, 2);
  const auto together = generate(group, small.tokenizer, pipeline, requests);
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const auto alone =
        generate(small.session, small.tokenizer, pipeline, requests[i].prompt, requests[i].options);
    EXPECT_EQ(together[i].tokens, alone.tokens) << i;
    ASSERT_EQ(together[i].beam_tree.size(), alone.beam_tree.size()) << i;
    for (std::size_t n = 0; n < alone.beam_tree.size(); ++n) {
      const BeamNode& a = together[i].beam_tree[n];
      const BeamNode& b = alone.beam_tree[n];
      EXPECT_EQ(std::tuple(a.parent, a.token, a.score, a.fate, a.decided),
                std::tuple(b.parent, b.token, b.score, b.fate, b.decided));
    }
  }
}

TEST(Strategies, RefuseOptionsThatContradict) {
  const auto message = [](const Strategy& strategy, const SamplingConfig& sampling) -> std::string {
    try {
      validate({.strategy = strategy}, sampling);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidOption);
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(message(BeamSearch{.num_beams = 0}, {}), HasSubstr("num_beams is 0"));
  EXPECT_THAT(message(BeamSearch{.num_beams = 1'000'000'000'000}, {}), HasSubstr("to 1024"));
  EXPECT_THAT(message(ContrastiveSearch{.top_k = 1'000'000'000}, {}), HasSubstr("to 1024"));
  EXPECT_THAT(message(BeamSearch{.length_penalty = -1000}, {}), HasSubstr("-10 to 10"));
  EXPECT_THAT(message(BeamSearch{.num_return_sequences = 3, .patience = .2}, {}),
              HasSubstr("patience is 0.2, which keeps 1 of the finished"));
  EXPECT_EQ(message(BeamSearch{.patience = 1e30}, {}), "");
  EXPECT_THAT(message(BeamSearch{.num_beams = 4, .num_beam_groups = 3}, {}),
              HasSubstr("num_beam_groups is 3: it must be a divisor of num_beams, which is 4"));
  EXPECT_THAT(message(BeamSearch{.num_beams = 2, .num_return_sequences = 3}, {}),
              HasSubstr("from 1 to num_beams, which is 2"));
  EXPECT_THAT(message(BeamSearch{}, {.temperature = .5}), HasSubstr("temperature acts on what is"));
  EXPECT_THAT(message(BeamSearch{}, {.top_p = .5}), HasSubstr("add do_sample"));
  EXPECT_THAT(message(BeamSearch{.num_beams = 5, .do_sample = true}, {.top_k = 4}),
              HasSubstr("top_k is 4: it must be at least num_beams, 5"));
  EXPECT_THAT(message(BeamSearch{.diversity_penalty = 1}, {}), HasSubstr("num_beam_groups"));
  EXPECT_THAT(message(BeamSearch{.patience = 0}, {}), HasSubstr("patience is 0"));
  EXPECT_THAT(message(ContrastiveSearch{.penalty_alpha = 2}, {}), HasSubstr("penalty_alpha is 2"));
  EXPECT_THAT(message(ContrastiveSearch{.top_k = 0}, {}), HasSubstr("top_k"));
  EXPECT_THAT(message(ContrastiveSearch{}, {.temperature = 0}), HasSubstr("temperature is 0"));
  EXPECT_THAT(message(Sampling{{.prompt_lookup_num_tokens = -1}}, {}),
              HasSubstr("prompt_lookup_num_tokens is -1"));
  EXPECT_EQ(message(BeamSearch{.do_sample = true}, {.temperature = .5, .top_k = 50}), "");
}

}  // namespace
}  // namespace decant
