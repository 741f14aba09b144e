// decant generate, as people and scripts use it, on the model that ships.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "program.h"

namespace decant {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

json parse_line(const std::string& text) {
  EXPECT_EQ(std::ranges::count(text, '\n'), 1) << "one object a line";
  return json::parse(text);
}

// A prompt of 240 tokens: 16 fewer than the window has, past which each token costs a whole
// prefill.
const std::string kLongPrompt = "yes 'my lord' | head -n 60 | ";

TEST(CliGenerate, TheLongPromptsEndNearTheWindows) {
  const Outcome prompt = shell(kLongPrompt + "$decant tokenize --json");
  const Outcome window = shell("$decant inspect --json");
  EXPECT_EQ(parse_line(prompt.out)["tokens"].size(), 240u);
  EXPECT_EQ(parse_line(window.out)["config"]["block_size"], 256);
}

TEST(CliGenerate, OneSeedIsOneTextWithAnyThreadsAlsoPastTheWindow) {
  const std::string command =
      kLongPrompt + "$decant generate --seed 1 --max-new-tokens 24 --threads ";
  const Outcome one = shell(command + "1");
  EXPECT_EQ(one.status, 0);
  EXPECT_GT(one.out.size(), 40u);
  EXPECT_EQ(shell(command + "1").out, one.out);
  EXPECT_EQ(shell(command + "2").out, one.out);
  EXPECT_NE(shell(kLongPrompt + "$decant generate --seed 2 --max-new-tokens 24").out, one.out);
}

TEST(CliGenerate, TextGoesToStdoutAndTheRestToStderr) {
  const Outcome loud = shell("$decant generate --prompt ROMEO: --seed 1 --max-new-tokens 20");
  EXPECT_THAT(loud.err, HasSubstr("tokens/s"));
  const Outcome quiet =
      shell("$decant generate --prompt ROMEO: --seed 1 --max-new-tokens 20 --quiet");
  EXPECT_EQ(quiet.out, loud.out);
  EXPECT_THAT(quiet.err, IsEmpty());
}

TEST(CliGenerate, AFreshSeedIsShownAndMakesTheTextAgain) {
  const Outcome fresh = shell("$decant generate --prompt ROMEO: --max-new-tokens 30");
  ASSERT_THAT(fresh.err, StartsWith("seed "));
  const std::string seed = fresh.err.substr(5, fresh.err.find(' ', 5) - 5);
  const Outcome again =
      shell("$decant generate --prompt ROMEO: --max-new-tokens 30 --seed " + seed);
  EXPECT_EQ(again.out, fresh.out);
  EXPECT_NE(shell("$decant generate --prompt ROMEO: --max-new-tokens 30").out, fresh.out);
}

TEST(CliGenerate, ThePromptMayComeFromAnywhere) {
  const std::string rest = " --seed 1 --max-new-tokens 20 --quiet";
  const Outcome option = shell("$decant generate --prompt 'My lord' " + rest);
  EXPECT_EQ(shell("printf 'My lord' | $decant generate " + rest).out, option.out);
  EXPECT_EQ(shell("printf 'My lord' | $decant generate --prompt-file - " + rest).out, option.out);
  EXPECT_EQ(shell("f=$(mktemp); printf 'My lord' >$f; $decant generate --prompt-file $f " + rest +
                  "; rm $f")
                .out,
            option.out);
  EXPECT_EQ(shell("$decant generate --prompt 'My lord' --echo" + rest).out, "My lord" + option.out);
}

TEST(CliGenerate, JsonHasEverythingThatMadeTheText) {
  const Outcome text = shell("$decant generate --prompt ROMEO: --seed 5 --max-new-tokens 25");
  const Outcome run =
      shell("$decant generate --prompt ROMEO: --seed 5 --max-new-tokens 25 --json --logprobs 3");
  const json object = parse_line(run.out);
  EXPECT_EQ(object["prompt"], "ROMEO:");
  EXPECT_EQ(object["text"], text.out);
  EXPECT_EQ(object["finish_reason"], "length");
  EXPECT_EQ(object["seed"], 5);
  EXPECT_EQ(object["sequence"], 0);
  EXPECT_EQ(object["tokens"].size(), 25u);
  const json& config = object["config"];
  EXPECT_EQ(config["temperature"], .8);  // the chapter's settings
  EXPECT_EQ(config["top_k"], 50);
  EXPECT_EQ(config["top_p"], .9);
  EXPECT_EQ(config["min_p"], 0);  // and every other knob, off
  EXPECT_EQ(config["stages"][0], "logit_bias");
  EXPECT_EQ(config["max_new_tokens"], 25);
  ASSERT_EQ(object["steps"].size(), 25u);
  for (std::size_t i = 0; i < 25; ++i) {
    const json& step = object["steps"][i];
    EXPECT_EQ(step["token"], object["tokens"][i]);
    EXPECT_LE(step["logprob"].get<double>(), 0);
    EXPECT_GT(step["final_probability"].get<double>(), 0);
    ASSERT_EQ(step["top"].size(), 3u);
    if (step["rank"] == 0) {
      EXPECT_EQ(step["top"][0]["token"], step["token"]);
      EXPECT_EQ(step["top"][0]["logprob"], step["logprob"]);
    }
  }
}

TEST(CliGenerate, SequencesOfOneSeedDifferAndComeBackAlone) {
  const Outcome run = shell(
      "$decant generate --prompt ROMEO: --seed 5 --max-new-tokens 25 --json --num-return-sequences "
      "3");
  std::vector<std::string> texts;
  std::istringstream lines(run.out);
  for (std::string line; std::getline(lines, line);) texts.push_back(json::parse(line)["text"]);
  ASSERT_EQ(texts.size(), 3u);
  EXPECT_NE(texts[0], texts[1]);
  EXPECT_NE(texts[1], texts[2]);
  EXPECT_EQ(shell("$decant generate --prompt ROMEO: --seed 5 --max-new-tokens 25").out, texts[0]);
}

TEST(CliGenerate, StopsWhereItIsTold) {
  const std::string rest = " --prompt ROMEO: --seed 1 --max-new-tokens 100 --quiet";
  const std::string whole = shell("$decant generate" + rest).out;
  const Outcome run = shell("$decant generate --json --stop '\n\n' --stop zzz" + rest);
  const json object = parse_line(run.out);
  EXPECT_EQ(object["finish_reason"], "stop");
  EXPECT_EQ(object["text"], whole.substr(0, whole.find("\n\n")));
}

TEST(CliGenerate, ContextPoliciesDifferOnlyPastTheWindow) {
  const std::string command =
      kLongPrompt + "$decant generate --seed 1 --max-new-tokens 32 --json --quiet --context ";
  const json crop = parse_line(shell(command + "crop").out);
  const json slide = parse_line(shell(command + "slide").out);
  const json stop = parse_line(shell(command + "stop").out);
  EXPECT_EQ(crop["tokens"].size(), 32u);
  EXPECT_EQ(slide["tokens"].size(), 32u);
  EXPECT_EQ(stop["finish_reason"], "length");
  const auto inside = stop["tokens"].size();
  EXPECT_LT(inside, 32u);
  for (std::size_t i = 0; i < inside; ++i) {
    EXPECT_EQ(crop["tokens"][i], stop["tokens"][i]);
    EXPECT_EQ(slide["tokens"][i], stop["tokens"][i]);
  }
  EXPECT_NE(crop["tokens"], slide["tokens"]);
}

TEST(CliGenerate, ALongPromptIsCroppedAndSaysSo) {
  const Outcome run =
      shell("yes 'my lord' | head -c 9000 | $decant generate --seed 1 --max-new-tokens 5");
  EXPECT_EQ(run.status, 0);
  EXPECT_THAT(run.err, HasSubstr("its beginning is cropped"));
}

TEST(CliGenerate, APromptThatIsNotUtf8IsJustBytes) {
  const Outcome run =
      shell("printf '\\377\\376\\200' | $decant generate --seed 1 --max-new-tokens 5 --json");
  EXPECT_EQ(run.status, 0);
  EXPECT_EQ(parse_line(run.out)["tokens"].size(), 5u);
}

TEST(CliGenerate, ClosedPipeEndsQuietly) {
  const Outcome run = shell(
      "{ $decant generate --prompt ROMEO: --max-new-tokens 1000000000 --context slide --quiet; "
      "echo status $? >&2; } | head -c 20 >/dev/null");
  EXPECT_EQ(run.err, "status 0\n");
}

TEST(CliGenerate, FullDiskIsAnError) {
  const Outcome run = shell("$decant generate --prompt ROMEO: --seed 1 --quiet >/dev/full");
  EXPECT_EQ(run.status, 1);
  EXPECT_EQ(run.err, "decant: stdout: cannot write: No space left on device\n");
}

TEST(CliGenerate, InterruptKeepsWhatThereIs) {
  const TempFolder folder;
  const std::string out = (folder.path() / "out").string();
  const std::string err = (folder.path() / "err").string();
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (std::freopen(out.c_str(), "w", stdout) == nullptr) std::_Exit(99);
    if (std::freopen(err.c_str(), "w", stderr) == nullptr) std::_Exit(99);
    ::execl(DECANT_PROGRAM, "decant", "generate", "--prompt", "ROMEO:", "--seed", "1", "--quiet",
            "--max-new-tokens", "1000000000", "--context", "slide", nullptr);
    std::_Exit(99);
  }
  for (int i = 0; i < 6000 && read_all(out).size() < 100; ++i) {  // a minute, on a slow machine
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  ::kill(child, SIGINT);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 130);
  EXPECT_EQ(read_all(err), "");
  const std::string start =
      shell("$decant generate --prompt ROMEO: --seed 1 --max-new-tokens 20").out;
  EXPECT_EQ(read_all(out).substr(0, start.size()), start);
}

TEST(CliGenerate, OptionsOutOfRangeAreNamed) {
  const struct {
    const char* options;
    const char* message;
  } kTable[] = {
      {"--temperature -1", "--temperature is -1: it must be"},
      {"--temperature nan", "--temperature is nan: it must be"},
      {"--top-k -1", "--top-k is -1: it must be"},
      {"--top-p 0", "--top-p is 0: it must be"},
      {"--top-p 1.5", "--top-p is 1.5: it must be"},
      {"--max-new-tokens -1", "--max-new-tokens is -1: it must be"},
      {"--threads -1", "--threads is -1: it must be"},
      {"--threads 100000", "--threads is 100000: it must be"},
      {"--num-return-sequences 0", "--num-return-sequences is 0: it must be"},
      {"--context round", "--context is 'round': it must be one of crop, slide, stop"},
      {"--top-p-rule odd", "--top-p-rule is 'odd': it must be one of inclusive, exclusive"},
      {"--weights q2", "--weights is 'q2': it must be one of auto, f32, bf16, q8, q4"},
      {"--stages heat", "--stages: there is no stage 'heat'"},
      {"--stages temperature --top-k 4", "--top-k does nothing: --stages leaves out top_k"},
      {"--stop ''", "--stop: a stop string must not be empty"},
      {"--logprobs 3", "--logprobs needs --json"},
      {"--json --logprobs -3", "--logprobs is -3: it must be"},
      {"--temperature warm", "--temperature is 'warm': it must be a number"},
      {"--seed -1", "--seed is '-1': it must be a whole number, 0 or more"},
      {"--seed 18446744073709551616",
       "'18446744073709551616': it must be a whole number from 0 to 18446744073709551615"},
      {"--seed 0x10", "--seed is '0x10': it must be"},
      {"--top-k 99999999999999999999", "--top-k is '99999999999999999999': it must be"},
      {"--max-new-tokens 1e3", "--max-new-tokens is '1e3': it must be"},
      {"--num-return-sequences -1", "--num-return-sequences is '-1': it must be"},
      {"--logit-bias 5", "--logit-bias is '5': it must be ID=X"},
      {"--logit-bias x=1", "the ID of --logit-bias is 'x': it must be a whole number"},
      {"--logit-bias 5=x", "the X of --logit-bias for token 5 is 'x': it must be a number"},
      {"--logit-bias 5=inf", "--logit-bias of token 5 is inf: it must be"},
      {"--like ollama", "--like is 'ollama': Decant knows the settings of hf"},
      {"--like hf --stages top_k", "--stages does not go with --like hf"},
      {"--like hf --top-p-rule exclusive", "--top-p-rule does not go with --like hf"},
      {"--like openai --top-k 5", "--top-k is 5: the OpenAI API has no such knob"},
      {"--like hf --temperature 0",
       "takes only values above 0 (like hf); choose one of those, or leave out --like\n"},
      {"--n-head 7", "7"},
      {"--no-such-option", "--no-such-option"},
  };
  for (const auto& row : kTable) {
    const Outcome run = shell(std::string("$decant generate --prompt ROMEO: ") + row.options);
    EXPECT_EQ(run.status, 2) << row.options;
    EXPECT_EQ(run.out, "") << row.options;
    EXPECT_THAT(run.err, StartsWith("decant: ")) << row.options;
    EXPECT_THAT(run.err, HasSubstr(row.message));
    EXPECT_EQ(std::ranges::count(run.err, '\n'), 1) << run.err;
  }
}

TEST(CliGenerate, EverySamplingWordReachesTheSettings) {
  const json config = parse_line(
      shell("$decant generate --prompt ROMEO: --seed 1 --max-new-tokens 1 --json --temperature 0.5 "
            "--top-k 7 --top-p 0.75 --top-p-rule exclusive --min-p 0.125 --typical-p 0.875 "
            "--epsilon-cutoff 0.25 --eta-cutoff 0.375 --top-n-sigma 2.5 --repetition-penalty 1.5 "
            "--presence-penalty -0.5 --frequency-penalty 0.25 --penalty-last-n 9 "
            "--no-repeat-ngram-size 3 --logit-bias 5=-inf --logit-bias 6=1.5 "
            "--stages min-p,top_k,min_p,logit_bias,penalties,no_repeat_ngram,temperature,top_p,"
            "typical_p,epsilon_cutoff,eta_cutoff,top_n_sigma")
          .out)["config"];
  const json expected = {
      {"like", ""},
      {"temperature", .5},
      {"top_k", 7},
      {"top_p", .75},
      {"top_p_rule", "exclusive"},
      {"min_p", .125},
      {"typical_p", .875},
      {"epsilon_cutoff", .25},
      {"eta_cutoff", .375},
      {"top_n_sigma", 2.5},
      {"repetition_penalty", 1.5},
      {"presence_penalty", -.5},
      {"frequency_penalty", .25},
      {"penalty_last_n", 9},
      {"no_repeat_ngram_size", 3},
      {"logit_bias", {{"5", nullptr}, {"6", 1.5}}},
      {"stages",
       {"min_p", "top_k", "min_p", "logit_bias", "penalties", "no_repeat_ngram", "temperature",
        "top_p", "typical_p", "epsilon_cutoff", "eta_cutoff", "top_n_sigma"}}};
  for (const auto& [name, value] : expected.items()) EXPECT_EQ(config[name], value) << name;
}

TEST(CliGenerate, LikeStartsFromThePeerAndTypedWordsGoOnTop) {
  const json config = parse_line(shell("$decant generate --prompt ROMEO: --seed 1 --json "
                                       "--max-new-tokens 1 --top-k 7 --like llama.cpp")
                                     .out)["config"];
  EXPECT_EQ(config["like"], "llama.cpp");
  EXPECT_EQ(config["top_k"], 7);
  EXPECT_EQ(config["top_k_rule"], "exact");
  EXPECT_EQ(config["min_p"], .05);
  EXPECT_EQ(config["stages"].back(), "temperature");
}

// The penalties and no_repeat_ngram look at the prompt, too.
TEST(CliGenerate, StagesSeeTheTextSoFar) {
  const std::string prompt = "My lord, my lord, my lord, my";
  const std::string rest = " --prompt '" + prompt + "' --temperature 0 --max-new-tokens 1 --quiet";
  EXPECT_EQ(shell("$decant generate" + rest).out, " lord");
  EXPECT_NE(shell("$decant generate --no-repeat-ngram-size 2" + rest).out, " lord");
  EXPECT_NE(shell("$decant generate --frequency-penalty 50" + rest).out, " lord");
}

// With n = 1 no token may come twice, so that the vocabulary runs out in mid-text.
TEST(CliGenerate, WhenEveryTokenIsForbiddenTheTextSoFarStays) {
  const Outcome run = shell(
      "$decant generate --prompt a --seed 1 --top-k 0 --top-p 1 --no-repeat-ngram-size 1 "
      "--max-new-tokens 5000 --context slide --quiet --json");
  EXPECT_EQ(run.status, 1);
  EXPECT_THAT(run.err, HasSubstr("after 1023 tokens: no_repeat_ngram_size"));
  json object = parse_line(run.out);
  EXPECT_EQ(object["finish_reason"], "no_candidates");
  EXPECT_THAT(object["error"], HasSubstr("no_repeat_ngram_size"));
  std::vector<int> tokens = object["tokens"];
  EXPECT_EQ(tokens.size(), 1023u);  // of 1,024, all but the prompt's one
  std::ranges::sort(tokens);
  EXPECT_EQ(std::ranges::adjacent_find(tokens), tokens.end());
}

TEST(CliGenerate, LeadingZerosAreStillBaseTen) {
  const std::string rest = " --prompt ROMEO: --max-new-tokens 20 --quiet --seed ";
  EXPECT_EQ(shell("$decant generate" + rest + "010").out,
            shell("$decant generate" + rest + "10").out);
}

TEST(CliGenerate, AnUnwritableStderrDoesNotMatter) {
  const std::string rest = "$decant generate --prompt ROMEO: --seed 1 --max-new-tokens 20 ";
  const std::string text = shell(rest).out;
  for (const char* broken : {"2>/dev/full", "2>&-"}) {
    const Outcome run = shell(rest + broken);
    EXPECT_EQ(run.status, 0) << broken;
    EXPECT_EQ(run.out, text) << broken;
    EXPECT_EQ(shell("$decant generate --top-p 7 --prompt a " + std::string(broken)).status, 2);
  }
}

TEST(CliGenerate, AnEmptyPromptSaysWhatToDo) {
  for (const char* command : {"generate", "compare", "explain"}) {
    for (const char* empty : {"", "--prompt ''"}) {  // stdin, too
      const Outcome run = shell("$decant " + std::string(command) + " " + empty);
      EXPECT_EQ(run.status, 1);
      EXPECT_EQ(run.err,
                "decant: the prompt is empty: give a text with --prompt, name its file with "
                "--prompt-file; one character is enough, a line feed for example\n");
    }
  }
}

}  // namespace
}  // namespace decant
