#include "decant/generate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "decant/error.h"
#include "small_model.h"

namespace decant {
namespace {

using testing::HasSubstr;

struct Made {
  Generation generation;
  std::string text;
  std::vector<double> luck;
};

Made run(SmallModel& small, Session& session, const SamplingConfig& sampling,
         const GenerateOptions& options) {
  Made made;
  Pipeline pipeline(sampling);
  made.generation =
      generate(session, small.tokenizer, pipeline, small.data.tokens, options,
               {.on_text = [&](std::string_view part) { made.text += part; },
                .on_step = [&](const Step& step) { made.luck.push_back(step.draw.u); }});
  return made;
}

Made run(SmallModel& small, const SamplingConfig& sampling, const GenerateOptions& options) {
  return run(small, small.session, sampling, options);
}

TEST(Generate, SameSeedSameTextWithAnyThreadsAndInAnUsedSession) {
  SmallModel small;
  const GenerateOptions options{.max_new_tokens = 60, .seed = 7};
  const Made first = run(small, {.temperature = .9}, options);
  EXPECT_EQ(first.generation.tokens.size(), 60u);
  EXPECT_EQ(first.generation.finish_reason, FinishReason::kLength);
  for (const int threads : {1, 2, 3}) {
    Session session(small.model, threads);
    const Made again = run(small, session, {.temperature = .9}, options);
    EXPECT_EQ(again.generation.tokens, first.generation.tokens);
    EXPECT_EQ(again.text, first.text);
    EXPECT_EQ(run(small, session, {.temperature = .9}, options).text, first.text);
  }
  EXPECT_NE(run(small, {.temperature = .9}, {.max_new_tokens = 60, .seed = 8}).text, first.text);
  EXPECT_NE(run(small, {.temperature = .9}, {.max_new_tokens = 60, .seed = 7, .sequence = 1}).text,
            first.text);
}

// Each position has its own luck, whatever the settings.
TEST(Generate, LuckBelongsToThePosition) {
  SmallModel small;
  const GenerateOptions options{.max_new_tokens = 30, .seed = 7};
  const auto luck = run(small, {}, options).luck;
  EXPECT_EQ(run(small, {.temperature = 0}, options).luck, luck);
  EXPECT_EQ(run(small, {.top_k = 3, .top_p = .5}, options).luck, luck);
}

// Any step can be replayed alone: its draw follows from the logits and its address.
TEST(Generate, StepsCanBeReplayed) {
  SmallModel small;
  const SamplingConfig sampling{.temperature = .8, .top_k = 20, .top_p = .9};
  Pipeline pipeline(sampling);
  Pipeline replay(sampling);
  std::size_t position = small.data.tokens.size();
  generate(small.session, small.tokenizer, pipeline, small.data.tokens,
           {.max_new_tokens = 40, .seed = 3}, {.on_step = [&](const Step& step) {
             const Draw again = replay.sample(step.logits, {.seed = 3, .position = position++});
             EXPECT_EQ(again.token, step.draw.token);
             EXPECT_EQ(again.u, step.draw.u);
           }});
}

TEST(Generate, TextIsTheTokensBytes) {
  SmallModel small;
  const Made made = run(small, {}, {.max_new_tokens = 50, .seed = 2, .raw = true});
  EXPECT_EQ(made.text, small.tokenizer.decode(made.generation.tokens));
}

// Texts of several lengths and kinds that join and leave as others are under way, past the window.
TEST(Generate, CompanyChangesNoBit) {
  SmallModel small;
  Pipeline pipeline({.temperature = .9, .top_p = .95});
  const std::span<const TokenId> all = small.data.tokens;
  std::vector<GenerateRequest> requests;
  std::vector<std::string> texts(kMostAtOnce + 20);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const ContextPolicy policies[] = {ContextPolicy::kCrop, ContextPolicy::kSlide,
                                      ContextPolicy::kStop};
    // Runs of three with the same prompt.
    requests.push_back(
        {.prompt = all.first(1 + i / 3 % all.size()),
         .options = {.max_new_tokens = static_cast<std::int64_t>(i * 7 % 40),
                     .context = policies[i % 3],
                     .stop_tokens = {static_cast<TokenId>(i)},
                     .seed = 5,
                     .sequence = i},
         .listener = {.on_text = [&texts, i](std::string_view part) { texts[i] += part; }}});
  }
  for (const int threads : {1, 2}) {
    texts.assign(texts.size(), "");
    SessionGroup group(small.model, threads);
    const auto together = generate(group, small.tokenizer, pipeline, requests);
    for (std::size_t i = 0; i < requests.size(); ++i) {
      const GenerateRequest& request = requests[i];
      std::string text;
      const auto alone =
          generate(small.session, small.tokenizer, pipeline, request.prompt, request.options,
                   {.on_text = [&](std::string_view part) { text += part; }});
      EXPECT_EQ(together[i].tokens, alone.tokens) << i;
      EXPECT_EQ(together[i].finish_reason, alone.finish_reason) << i;
      EXPECT_EQ(texts[i], text) << i;
    }
  }
}

// Whatever is done before its first token, for others too: here one that has nothing to make.
TEST(Generate, MaxTimeBeginsWithTheCall) {
  SmallModel small;
  Pipeline pipeline;
  SessionGroup group(small.model, 1);
  constexpr auto kTime = std::chrono::milliseconds(100);
  const std::vector<GenerateRequest> requests = {
      {.prompt = small.data.tokens,
       .options = {.max_new_tokens = 0},
       .listener = {.on_finish = [&](const Generation&) { std::this_thread::sleep_for(kTime); }}},
      {.prompt = small.data.tokens, .options = {.max_new_tokens = 5, .max_time = kTime}}};
  const Generation made = generate(group, small.tokenizer, pipeline, requests)[1];
  EXPECT_EQ(made.finish_reason, FinishReason::kTime);
  EXPECT_TRUE(made.tokens.empty());
}

TEST(Generate, ABadRequestAmongManyMakesNoText) {
  SmallModel small;
  Pipeline pipeline;
  const std::vector<TokenId> outside = {1, 99999};
  std::vector<GenerateRequest> requests(
      kMostAtOnce + 5, {.prompt = small.data.tokens,
                        .options = {.max_new_tokens = 1},
                        .listener = {.on_step = [](const Step&) { ADD_FAILURE() << "a token"; }}});
  requests.back().prompt = outside;
  SessionGroup group(small.model, 1);
  EXPECT_THROW(generate(group, small.tokenizer, pipeline, requests), Error);
  // Of which nothing is wanted, nothing is asked.
  const GenerateRequest none{.prompt = outside, .options = {.max_new_tokens = 0}};
  const auto made = generate(group, small.tokenizer, pipeline, std::vector{none, none});
  EXPECT_EQ(made.size(), 2u);
}

TEST(Generate, StopStringsEndTheTextBeforeThem) {
  SmallModel small;
  const GenerateOptions options{.max_new_tokens = 50, .seed = 2, .raw = true};
  const std::string whole = run(small, {}, options).text;
  const std::string stop = whole.substr(20, 3);
  GenerateOptions stopping = options;
  stopping.stop = {stop};
  const Made made = run(small, {}, stopping);
  EXPECT_EQ(made.generation.finish_reason, FinishReason::kStop);
  EXPECT_EQ(made.text, whole.substr(0, whole.find(stop)));
}

TEST(Generate, StopTokensEndTheTextAndAreNotPartOfIt) {
  SmallModel small;
  const GenerateOptions options{.max_new_tokens = 50, .seed = 2};
  const auto tokens = run(small, {}, options).generation.tokens;
  GenerateOptions stopping = options;
  stopping.stop_tokens = {tokens[20]};
  const auto made = run(small, {}, stopping).generation;
  const auto first = std::ranges::find(tokens, tokens[20]);
  EXPECT_EQ(made.finish_reason, FinishReason::kStop);
  EXPECT_EQ(made.tokens, std::vector<TokenId>(tokens.begin(), first));
}

TEST(Generate, CancellingKeepsWhatThereIs) {
  SmallModel small;
  Pipeline pipeline;
  int asked = 0;
  const Generation made =
      generate(small.session, small.tokenizer, pipeline, small.data.tokens, {.max_new_tokens = 50},
               {.cancelled = [&] { return ++asked == 6; }});
  EXPECT_EQ(made.finish_reason, FinishReason::kCancelled);
  EXPECT_EQ(made.tokens.size(), 5u);
}

TEST(Generate, AFullContextIsALength) {
  SmallModel small;
  const std::vector<TokenId> prompt(static_cast<std::size_t>(small.session.capacity()) - 4, 5);
  Pipeline pipeline;
  const Generation made = generate(small.session, small.tokenizer, pipeline, prompt,
                                   {.max_new_tokens = 50, .context = ContextPolicy::kStop});
  EXPECT_EQ(made.finish_reason, FinishReason::kLength);
  EXPECT_EQ(made.tokens.size(), 5u);  // four fill the window, and the full window gives one more
}

TEST(Generate, NoNewTokensIsAnEmptyText) {
  SmallModel small;
  const Made made = run(small, {}, {.max_new_tokens = 0});
  EXPECT_TRUE(made.generation.tokens.empty());
  EXPECT_EQ(made.text, "");
}

TEST(Generate, RefusesWhatItCannotContinue) {
  SmallModel small;
  Pipeline pipeline;
  const auto code = [&](std::vector<TokenId> prompt, const GenerateOptions& options) {
    try {
      generate(small.session, small.tokenizer, pipeline, prompt, options);
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::kIo;
  };
  EXPECT_EQ(code({}, {}), ErrorCode::kInvalidPrompt);
  EXPECT_EQ(code({97}, {}), ErrorCode::kInvalidToken);
  EXPECT_EQ(code({1}, {.max_new_tokens = -1}), ErrorCode::kInvalidOption);
  EXPECT_EQ(code({1}, {.stop = {""}}), ErrorCode::kInvalidOption);
}

}  // namespace
}  // namespace decant
