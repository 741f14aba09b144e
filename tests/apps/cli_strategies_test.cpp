// decant generate with contrastive search and guesses, and what does not go together, on the model
// that ships.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>

#include "generated.h"

namespace decant {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(CliStrategies, GreedyHasManyNames) {
  for (const std::string prompt : {"ROMEO:", "My lord,"}) {
    const std::string command = "--prompt '" + prompt + "' --max-new-tokens 30 ";
    const Json greedy = one_generated(command + "--temperature 0");
    for (const char* same :
         {"--num-beams 1", "--penalty-alpha 0", "--penalty-alpha 0.6 --top-k 1", "--top-k 1"}) {
      const Json object = one_generated(command + same);
      EXPECT_EQ(object["tokens"], greedy["tokens"]) << same;
      EXPECT_EQ(object["text"], greedy["text"]) << same;
    }
  }
}

TEST(CliContrastive, TakesItsTokensFromTheTopK) {
  const Json four =
      one_generated("--prompt ROMEO: --penalty-alpha 0.6 --max-new-tokens 30 --logprobs 0");
  EXPECT_EQ(four["config"]["strategy"]["top_k"], 4);
  const Json many = one_generated(
      "--prompt ROMEO: --penalty-alpha 0.9 --top-k 9 --max-new-tokens 30 --logprobs 0");
  EXPECT_EQ(many["config"]["strategy"]["top_k"], 9);
  EXPECT_EQ(many["config"]["top_k"], 0) << "it is the strategy's, not the stage's";
  const auto largest_rank = [](const Json& object) {
    int largest = 0;
    for (const Json& step : object["steps"]) {
      largest = std::max(largest, step["rank"].get<int>());
      EXPECT_FALSE(step.contains("u")) << "nothing is drawn";
    }
    return largest;
  };
  EXPECT_GT(largest_rank(four), 0);
  EXPECT_LT(largest_rank(four), 4);
  EXPECT_GE(largest_rank(many), 4);
  EXPECT_LT(largest_rank(many), 9);
}

// What a system does to a draw is nothing to a strategy that draws none; no peer has a penalty on.
TEST(CliStrategies, WithoutADrawLikeBringsNoFilters) {
  for (const std::string strategy : {"--num-beams 3", "--penalty-alpha 0.6"}) {
    const std::string command = "--prompt ROMEO: --max-new-tokens 20 " + strategy;
    const Json plain = one_generated(command);
    for (const char* peer : {"hf", "llama.cpp", "vllm", "openai", "generate.py"}) {
      const Json like = one_generated(command + " --like " + peer);
      EXPECT_EQ(like["tokens"], plain["tokens"]) << strategy << peer;
      EXPECT_EQ(like["config"]["strategy"], plain["config"]["strategy"]) << strategy << peer;
      EXPECT_EQ(like["config"]["like"], peer);
    }
  }
  expect_refused({"--num-beams 3 --like hf --top-k 5", "--top-k acts on what is drawn"});
  const Json typed =
      one_generated("--prompt ROMEO: --max-new-tokens 2 --penalty-alpha 0.6 --like hf --top-k 7");
  EXPECT_EQ(typed["config"]["strategy"]["top_k"], 7);
  const Outcome compared = shell(
      "$decant compare --prompt a --quiet --max-new-tokens 2 --samples 1 "
      "--strategy '--num-beams 3 --like hf' --strategy '--penalty-alpha 0.6 --like vllm'");
  EXPECT_EQ(compared.status, 0) << compared.err;
}

// The default model as its own draft: it guesses now and then, as that does not pay, and all right.
std::string draft_of_itself() {
  const Json model = Json::parse(shell("$decant inspect --json").out);
  return "--draft-model " +
         std::filesystem::path(model["file"].get<std::string>()).parent_path().string();
}

TEST(CliGuesses, ChangeNothing) {
  const std::string draft = draft_of_itself();
  for (const char* options :
       {"--seed 2 --temperature 0", "--seed 3 --num-return-sequences 3 --stop-token 13",
        "--seed 4 --repetition-penalty 1.2 --stop sir", "--seed 5 --regex '( (my|lord|sir)){9}\\.'",
        "--seed 6 --min-new-tokens 20 --stop-token 198"}) {
    const std::string command =
        std::string("--prompt 'my lord, my lord, my lord, my ' --max-new-tokens 90 ") + options;
    const auto plain = generated(command + " --logprobs 1");
    for (const std::string& guess :
         {std::string("--prompt-lookup-num-tokens 5"), draft, draft + " --num-draft-tokens 2"}) {
      auto guessed = generated(words({command, "--logprobs 1", guess}));
      ASSERT_EQ(guessed.size(), plain.size());
      for (std::size_t i = 0; i < plain.size(); ++i) {
        EXPECT_NE(guessed[i]["config"], plain[i]["config"]) << "which says how it was made";
        guessed[i]["config"] = plain[i]["config"];
        EXPECT_TRUE(guessed[i] == plain[i]) << options << guess;
      }
    }
  }
}

TEST(CliGuesses, AreCounted) {
  const std::string command = "$decant generate --prompt ROMEO: --seed 1 --max-new-tokens 120 ";
  EXPECT_THAT(shell(command).err, Not(HasSubstr("guessed")));
  const std::string err = shell(command + draft_of_itself()).err;
  const auto at = err.find("guessed ");
  ASSERT_NE(at, std::string::npos) << err;
  int guessed = 0;
  int right = 0;
  ASSERT_EQ(std::sscanf(err.c_str() + at, "guessed %d tokens, %d right", &guessed, &right), 2);
  EXPECT_GT(guessed, 0);
  EXPECT_EQ(right, guessed);
}

TEST(CliStrategies, ContradictionsAreNamedWithTheRemedy) {
  const Refusal kTable[] = {
      {"--num-beams 2 --seed 1", "--seed does nothing, as beams draw nothing: add --do-sample"},
      {"--penalty-alpha 0.5 --seed 1", "--seed does nothing, as contrastive search draws nothing"},
      {"--num-beams 2 --num-return-sequences 3", "--num-return-sequences is 3: it must be from 1"},
      {"--num-beams 2 --num-return-sequences 0", "--num-return-sequences is 0: it must be 1"},
      {"--penalty-alpha 0.5 --num-return-sequences 2",
       "--num-return-sequences does nothing but repeat, as contrastive search draws nothing"},
      {"--num-beams 4 --do-sample --top-k 3", "--top-k is 3: it must be at least"},
      {"--num-beams 2 --penalty-alpha 0.5", "--num-beams and --penalty-alpha are different"},
      {"--num-beams 2 --prompt-lookup-num-tokens 3", "are different strategies: leave one out"},
      {"--penalty-alpha 0.5 --draft-model x", "--penalty-alpha and --draft-model are different"},
      {"--prompt-lookup-num-tokens 3 --draft-model x", "different strategies: leave one out"},
      {"--num-draft-tokens 3", "--num-draft-tokens is for a model that guesses: add --draft-model"},
      {"--num-draft-tokens 0 --draft-model x", "--num-draft-tokens is 0: it must be 1 or more"},
      {"--prompt-lookup-num-tokens -1", "--prompt-lookup-num-tokens is -1: it must be 0 or more"},
      {"--length-penalty 2", "--length-penalty is for beams: add --num-beams"},
      {"--early-stopping true", "--early-stopping is for beams: add --num-beams"},
      {"--patience 2", "--patience is for beams: add --num-beams"},
      {"--do-sample", "--do-sample is for beams: add --num-beams"},
      {"--num-beam-groups 2", "--num-beam-groups is for beams: add --num-beams"},
      {"--diversity-penalty 2", "--diversity-penalty is for beams: add --num-beams"},
      {"--num-beams 0", "--num-beams is 0: it must be from 1 to 1024"},
      {"--num-beams 2 --length-penalty nan", "--length-penalty is nan: it must be a number"},
      {"--num-beams 2 --early-stopping 1",
       "--early-stopping is '1': it must be one of false, true, never"},
      {"--num-beams 2 --patience 0", "--patience is 0: it must be a number > 0"},
      {"--num-beams 3 --num-beam-groups 2", "--num-beam-groups is 2: it must be a divisor of"},
      {"--num-beams 4 --num-beam-groups 2 --diversity-penalty -1", "--diversity-penalty is -1"},
      {"--penalty-alpha 1.5", "--penalty-alpha is 1.5: it must be from 0 to 1"},
      {"--penalty-alpha 0.5 --temperature 0",
       "--temperature is 0, which leaves contrastive search one token to choose from: leave out "
       "--temperature or --penalty-alpha"},
      {"--penalty-alpha 0.5 --top-k 0", "--top-k is 0: it must be from 1 to 1024"},
      {"--max-time -1", "--max-time is -1: it must be a number of seconds >= 0"},
      {"--max-time nan", "--max-time is nan: it must be a number of seconds >= 0"},
      {"--max-new-tokens 5 --min-new-tokens 6", "--min-new-tokens is 6: it must be from 0 to"},
      {"--min-new-tokens -1", "--min-new-tokens is -1: it must be from 0 to"},
      {"--min-new-tokens 2 --stages top_k",
       "--stages leaves out constraint, which --min-new-tokens needs: add it"},
      {"--stop-token 1024", "--stop-token: 1024 is no token of this vocabulary"},
      {"--stop-token -1", "--stop-token: -1 is no token of this vocabulary"},
      {"--num-beams 2 --stop ''", "--stop: a stop string must not be empty"},
      {"--draft-model " + std::string(DECANT_SOURCE_DIR "/tests/fixtures/hf_f32"),
       "the draft model has 97 tokens, and the model 1024: they must have the same tokenizer"},
  };
  for (const Refusal& refusal : kTable) expect_refused(refusal);
}

TEST(CliGuesses, ADraftModelThatIsNotThereIsNamed) {
  const Outcome run = shell("$decant generate --prompt a --quiet --draft-model no/such/model");
  EXPECT_EQ(run.status, 1);
  EXPECT_EQ(run.out, "");
  EXPECT_EQ(run.err, "decant: --draft-model: no/such/model: No such file or directory\n");
  const Outcome listed =
      shell("$decant compare --prompt a --quiet --strategy 'guessed: --draft-model no/such/model'");
  EXPECT_EQ(listed.status, 1);
  EXPECT_EQ(listed.err,
            "decant: --strategy 'guessed': --draft-model: no/such/model: No such file or "
            "directory\n");
}

}  // namespace
}  // namespace decant
