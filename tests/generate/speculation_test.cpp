// Guesses change nothing but the number of steps.
#include "speculation.h"

#include <gtest/gtest.h>

#include "small_model.h"

namespace decant {
namespace {

struct Made {
  Generation generation;
  std::string text;
  std::vector<double> luck;
  std::vector<float> logits;  // the first of each step
};

Made run(SmallModel& small, std::span<const TokenId> prompt, const SamplingConfig& sampling,
         GenerateOptions options, const Speculation& speculation) {
  Made made;
  Pipeline pipeline(sampling);
  options.strategy = Sampling{speculation};
  made.generation = generate(small.session, small.tokenizer, pipeline, prompt, options,
                             {.on_text = [&](std::string_view part) { made.text += part; },
                              .on_step =
                                  [&](const Step& step) {
                                    made.luck.push_back(step.draw.u);
                                    made.logits.push_back(step.logits[0]);
                                  }});
  return made;
}

void expect_same(const Made& made, const Made& plain) {
  EXPECT_EQ(made.generation.tokens, plain.generation.tokens);
  EXPECT_EQ(made.generation.finish_reason, plain.generation.finish_reason);
  EXPECT_EQ(made.text, plain.text);
  EXPECT_EQ(made.luck, plain.luck);
  EXPECT_EQ(made.logits, plain.logits);
}

// A text that repeats itself, so that there is something to look up.
std::vector<TokenId> repetitive(std::size_t size) {
  std::vector<TokenId> text;
  for (std::size_t i = 0; i < size; ++i) text.push_back(static_cast<TokenId>(3 + i % 5 * 7));
  return text;
}

TEST(Speculation, ChangesNoBitAtAnySetting) {
  SmallModel small;
  const auto window = static_cast<std::size_t>(small.session.capacity());
  const Model rounded(small.data.open(), {.weights = WeightFormat::kQ8});  // mostly right
  SessionGroup draft(rounded, 1);
  const SamplingConfig samplings[] = {
      {.temperature = 0},
      {.temperature = .3},
      {.temperature = 1, .top_k = 5},
      {.temperature = 1.5, .top_p = .9},
      {.repetition_penalty = 1.3, .no_repeat_ngram_size = 3},
  };
  std::int64_t right = 0;
  for (const SamplingConfig& sampling : samplings) {
    for (const ContextPolicy context :
         {ContextPolicy::kCrop, ContextPolicy::kSlide, ContextPolicy::kStop}) {
      for (const std::size_t prompt : {std::size_t{1}, std::size_t{12}, window - 3, window + 9}) {
        for (const Seed seed : {1u, 2u, 3u}) {
          const GenerateOptions options{
              .max_new_tokens = 70, .context = context, .stop = {"zz"}, .seed = seed};
          const auto text = repetitive(prompt);
          const Made plain = run(small, text, sampling, options, {});
          for (const std::int64_t most : {1, 4, 10}) {
            const Made looked_up =
                run(small, text, sampling, options, {.prompt_lookup_num_tokens = most});
            expect_same(looked_up, plain);
            right += looked_up.generation.guessed_right;
          }
          const Made drafted =
              run(small, text, sampling, options, {.draft = &draft, .num_draft_tokens = 3});
          expect_same(drafted, plain);
          right += drafted.generation.guessed_right;
        }
      }
    }
  }
  EXPECT_GT(right, 500);  // so that this says something
}

TEST(Speculation, ChangesNoBitOfTheModelThatShips) {
  const Checkpoint checkpoint = Checkpoint::open(DECANT_SOURCE_DIR "/models/shakespeare");
  const Model model(checkpoint);
  const Tokenizer tokenizer = Tokenizer::load(DECANT_SOURCE_DIR "/models/shakespeare");
  const std::vector<TokenId> prompt = tokenizer.encode("ROMEO:\nMy name is Romeo. ROMEO:\nMy");
  for (const double temperature : {0.0, 0.8, 1.2}) {
    Pipeline pipeline({.temperature = temperature});
    for (const ContextPolicy context : {ContextPolicy::kStop, ContextPolicy::kSlide}) {
      GenerateOptions options{.max_new_tokens = 300, .context = context, .seed = 11};
      Session session(model, 2);
      const auto plain = generate(session, tokenizer, pipeline, prompt, options);
      options.strategy = Sampling{{.prompt_lookup_num_tokens = 10}};
      const auto looked_up = generate(session, tokenizer, pipeline, prompt, options);
      EXPECT_EQ(looked_up.tokens, plain.tokens);
      EXPECT_TRUE(temperature > 0 || looked_up.guessed_right > 100);
      EXPECT_EQ(plain.guessed, 0);
    }
  }
}

// A draft that is the model itself, with the same luck, guesses every token; but it costs as much
// as it saves, and so guesses rarely.
TEST(Speculation, ADraftLikeTheModelIsAlwaysRight) {
  const Model model(Checkpoint::open(DECANT_SOURCE_DIR "/models/shakespeare"));
  const Tokenizer tokenizer = Tokenizer::load(DECANT_SOURCE_DIR "/models/shakespeare");
  Session session(model, 2);
  SessionGroup draft(model, 1);
  Pipeline pipeline({.temperature = 1.2});
  const auto made = generate(session, tokenizer, pipeline, tokenizer.encode("ROMEO:"),
                             {.strategy = Sampling{{.draft = &draft}}, .seed = 5});
  EXPECT_GT(made.guessed, 3);
  EXPECT_LT(made.guessed, 100);
  EXPECT_EQ(made.guessed_right, made.guessed);
}

// Another model's guesses are mostly wrong, and then become rare.
TEST(Speculation, TurnsItselfDownWhereItFails) {
  SmallModel small;
  const Model other(Checkpoint::random(small.model.config(), 99));
  SessionGroup draft(other, 1);
  const GenerateOptions options{.max_new_tokens = 500, .context = ContextPolicy::kSlide, .seed = 3};
  const Made made = run(small, small.data.tokens, {}, options, {.draft = &draft});
  expect_same(made, run(small, small.data.tokens, {}, options, {}));
  EXPECT_LT(made.generation.guessed, 60);
}

// Several texts with guesses, in one batch.
TEST(Speculation, CompanyChangesNoBit) {
  SmallModel small;
  Pipeline pipeline({.temperature = .4});
  const auto prompt = repetitive(20);
  std::vector<GenerateRequest> requests;
  for (std::uint64_t i = 0; i < 9; ++i) {
    requests.push_back(
        {.prompt = std::span(prompt).first(5 + i),
         .options = {.strategy = Sampling{{.prompt_lookup_num_tokens = static_cast<int>(i)}},
                     .max_new_tokens = 60,
                     .seed = 4,
                     .sequence = i}});
  }
  SessionGroup group(small.model, 2);
  const auto together = generate(group, small.tokenizer, pipeline, requests);
  for (std::size_t i = 0; i < requests.size(); ++i) {
    GenerateOptions alone = requests[i].options;
    alone.strategy = Sampling{};
    EXPECT_EQ(together[i].tokens,
              generate(small.session, small.tokenizer, pipeline, requests[i].prompt, alone).tokens);
  }
}

}  // namespace
}  // namespace decant
