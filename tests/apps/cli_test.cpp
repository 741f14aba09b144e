// The other subcommands, and what all of them do with bad input.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "program.h"

namespace decant {
namespace {

using nlohmann::json;
using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(Cli, HelpHasAnExampleEverywhere) {
  for (const char* command : {"", "generate", "compare", "explain", "reshape", "score", "tokenize",
                              "detokenize", "inspect", "convert", "bench"}) {
    const Outcome run = shell(std::string("$decant ") + command + " --help");
    EXPECT_EQ(run.status, 0);
    EXPECT_THAT(run.out, HasSubstr("Example:  decant ")) << command;
  }
  EXPECT_EQ(shell("$decant").status, 2);
  EXPECT_THAT(shell("$decant frobnicate").err, HasSubstr("there is no command 'frobnicate'"));
  EXPECT_THAT(shell("$decant").err, HasSubstr("a command comes first: generate, "));
  EXPECT_THAT(shell("$decant --prompt x").err, HasSubstr("a command comes first: generate, "));
  EXPECT_EQ(shell("$decant --version").status, 0);
}

// Ids from GPT-2's published vocabulary.
TEST(CliTokenize, KnowsGpt2) {
  EXPECT_EQ(shell("$decant tokenize --tokenizer gpt2 --text 'Hello world'").out, "15496 995\n");
  EXPECT_EQ(shell("printf '<|endoftext|>' | $decant tokenize --tokenizer gpt2 --special").out,
            "50256\n");
  EXPECT_EQ(shell("printf '<|endoftext|>' | $decant tokenize --tokenizer gpt2").out,
            "27 91 437 1659 5239 91 29\n");
  const json object =
      json::parse(shell("$decant tokenize --tokenizer gpt2 --text 'Hello world' --json").out);
  EXPECT_EQ(object["pieces"], (json{"Hello", " world"}));
}

TEST(CliTokenize, DetokenizeGivesTheBytesBack) {
  const std::string bytes = "printf 'To be,\\n  or \\377\\303\\251 not'";
  for (const char* tokenizer : {"", "--tokenizer gpt2"}) {
    EXPECT_EQ(
        shell(bytes + " | $decant tokenize " + tokenizer + " | $decant detokenize " + tokenizer)
            .out,
        "To be,\n  or \377\303\251 not");
  }
  EXPECT_EQ(shell("$decant detokenize --tokenizer gpt2 15496 995").out, "Hello world");
  EXPECT_EQ(shell("echo '[15496, 995]' | $decant detokenize --tokenizer gpt2").out, "Hello world");
  EXPECT_EQ(shell("$decant detokenize --tokenizer gpt2 12a").status, 2);
  const Outcome outside = shell("$decant detokenize --tokenizer gpt2 50257");
  EXPECT_EQ(outside.status, 1);
  EXPECT_THAT(outside.err, HasSubstr("50257"));
}

TEST(CliTokenize, KnowsTheCharactersOfATextOrAList) {
  const TempFolder folder;
  const std::string at = "cd " + folder.path().string() + "; ";
  shell(at + "printf 'hello\\nth\\303\\251re' >input.txt; echo '[\"b\", \"a\"]' >chars.json");
  // Sorted: line feed, e h l o r t, then the letter beyond ASCII.
  EXPECT_EQ(shell(at + "$decant tokenize --chars input.txt --text 'the\u00e9'").out, "6 2 1 7\n");
  EXPECT_EQ(shell(at + "$decant detokenize --chars input.txt 7 0 1").out, "\u00e9\ne");
  for (const char* option : {"--chars chars.json", "--tokenizer chars.json", "--tokenizer ."}) {
    EXPECT_EQ(shell(at + "$decant tokenize --text ab " + option).out, "1 0\n");
  }
}

// Each is one line, and says what to look for.
TEST(CliTokenize, CharactersThatTheModelNeverSaw) {
  const TempFolder folder;
  const std::string at = "cd " + folder.path().string() + "; ";
  shell(at + "printf 'caf\\n' >input.txt; printf 'caf\\351' >latin1.txt");
  const auto refuse = [&](const std::string& command, int status, const char* message) {
    const Outcome run = shell(at + "$decant tokenize " + command);
    EXPECT_EQ(run.status, status);
    EXPECT_THAT(run.err, StartsWith("decant: "));
    EXPECT_THAT(run.err, HasSubstr(message));
    EXPECT_EQ(std::ranges::count(run.err, '\n'), 1) << run.err;
  };
  refuse("--chars input.txt --text 'caf\u00e9'", 1, "line 1, column 4 has '\u00e9' (U+00E9)");
  refuse("--chars input.txt latin1.txt", 1, "byte 3 (line 1, column 4) is '\\xe9'");
  refuse("--chars latin1.txt --text a", 1, "latin1.txt: byte 3 (line 1, column 4) is '\\xe9'");
  refuse("--chars none.txt --text a", 1, "none.txt: cannot read");
  refuse("--chars input.txt --tokenizer gpt2 --text a", 2, "excludes");
}

TEST(CliScore, AddsUpTheTokensLogProbabilities) {
  const json object = json::parse(shell("$decant score --json --text 'ROMEO:\nMy lord'").out);
  double total = 0;
  for (const json& step : object["steps"]) total += step["logprob"].get<double>();
  EXPECT_NEAR(object["logprob"].get<double>(), total, 1e-9);
  EXPECT_EQ(object["tokens"], object["steps"].size());
  EXPECT_NEAR(object["perplexity"].get<double>(), std::exp(-total / object["tokens"].get<double>()),
              1e-9);
}

json score_json(const std::string& rest) {
  const Outcome run = shell("$decant score --json " + rest);
  EXPECT_EQ(run.status, 0) << run.err;
  return json::parse(run.out);
}

TEST(CliScore, EntropyIsTheMeanOfTheTokens) {
  const json object = score_json("--text 'ROMEO:\nMy lord'");
  double sum = 0;
  for (const json& step : object["steps"]) {
    EXPECT_GE(step["entropy"], 0);
    EXPECT_LE(step["entropy"], std::log(1024));  // no flatter than flat
    EXPECT_FALSE(step.contains("after"));
    sum += step["entropy"].get<double>();
  }
  EXPECT_NEAR(object["entropy"].get<double>(), sum / object["tokens"].get<double>(), 1e-9);
}

TEST(CliScore, ShowsWhatEachStageMakesOfEachToken) {
  const std::string text = "--text 'ROMEO:\nMy lord, zq' ";
  const json plain = score_json(text);
  const json object = score_json(text + "--temperature 1 --top-k 5 --logit-bias 3=-inf");
  EXPECT_EQ(object["config"]["top_k"], 5);
  int removed = 0;
  for (std::size_t i = 0; i < plain["steps"].size(); ++i) {
    const json& step = object["steps"][i];
    EXPECT_EQ(step["logprob"], plain["steps"][i]["logprob"]);  // raw is raw
    ASSERT_EQ(step["after"].size(), 2u) << step;               // temperature 1 does not act
    EXPECT_TRUE(step["after"].contains("logit_bias"));
    // Ties aside, top-k 5 keeps ranks 0 to 4, and makes them more probable.
    if (step["rank"] < 5) {
      EXPECT_GT(step["after"]["top_k"], step["logprob"]);
    } else if (step["rank"] > 5) {  // the banned token can rank before the fifth
      EXPECT_TRUE(step["after"]["top_k"].is_null());
      ++removed;
    }
  }
  EXPECT_GT(removed, 0);
}

TEST(CliScore, TokensAreATable) {
  const std::string command = "$decant score --text 'My lord, zq' --tokens ";
  const Outcome plain = shell(command);
  EXPECT_EQ(plain.status, 0) << plain.err;
  EXPECT_THAT(plain.out, HasSubstr("given"));
  EXPECT_THAT(plain.out, HasSubstr("\nperplexity "));
  EXPECT_THAT(plain.out, Not(HasSubstr("after all")));
  // A row a token, below a head and above a blank line.
  const json object = score_json("--text 'My lord, zq'");
  const auto end = plain.out.find("\n\n");
  EXPECT_EQ(std::ranges::count(plain.out.substr(0, end), '\n'), object["tokens"].get<int>() + 1);
  const Outcome staged = shell(command + "--top-k 1");
  EXPECT_THAT(staged.out, HasSubstr("after all"));
  EXPECT_THAT(staged.out, HasSubstr("removed"));
}

// Tokens that the first window reaches do not know of windows; a finer stride gives those behind it
// more to go by, which on a play makes it less surprising.
TEST(CliScore, StridesOverALongText) {
  const TempFolder folder;
  const std::string file = (folder.path() / "long").string();
  shell("for i in $(seq 40); do printf 'ROMEO:\\nMy lord, I pray thee.\\n\\n'; done >" + file);
  const json half = score_json(file);
  EXPECT_EQ(half["config"]["stride"], 128);  // of 256
  EXPECT_EQ(score_json(file + " --stride 128"), half);
  const json whole = score_json(file + " --stride 256");
  const json fine = score_json(file + " --stride 8");
  ASSERT_EQ(whole["tokens"], fine["tokens"]);
  ASSERT_GT(whole["tokens"], 300);
  for (std::size_t i = 0; i < 256; ++i) EXPECT_EQ(whole["steps"][i], fine["steps"][i]);
  EXPECT_NE(whole["steps"][256], fine["steps"][256]);
  EXPECT_LT(fine["perplexity"], whole["perplexity"]);
}

TEST(CliScore, RefusesWhatItCannotDo) {
  const auto refused = [](const std::string& options, const char* message) {
    const Outcome run = shell("$decant score --text 'My lord' " + options);
    EXPECT_NE(run.status, 0);
    EXPECT_THAT(run.err, HasSubstr(message));
    EXPECT_EQ(std::ranges::count(run.err, '\n'), 1) << run.err;
    EXPECT_EQ(run.out, "");
  };
  refused("--stride 0", "--stride is 0: it must be from 1 to 256");
  refused("--stride 257", "--stride is 257: it must be from 1 to 256");
  refused("--stride half", "--stride is 'half': it must be a whole number");
  refused("--top-k 4", "--top-k needs --tokens or --json");
  refused("--json --top-p 2", "top-p is 2");
  refused("--json --tokens", "excludes");
}

// The model that ships finds Shakespeare more probable than the same words in disorder.
TEST(CliScore, PrefersVerseToNoise) {
  const auto per_byte = [](const std::string& text) {
    return json::parse(shell("$decant score --json --text '" + text + "'").out)["nats_per_byte"]
        .get<double>();
  };
  EXPECT_LT(per_byte("My noble lord, I pray thee, speak again."),
            per_byte("thee lord noble, I again My, pray speak."));
}

TEST(CliInspect, SaysWhatWasRecognised) {
  const Outcome run = shell("$decant inspect");
  EXPECT_THAT(run.out, HasSubstr("safetensors"));
  EXPECT_THAT(run.out, HasSubstr("Hugging Face GPT-2"));
  EXPECT_THAT(run.out, HasSubstr("transformer.wte.weight"));
  EXPECT_THAT(run.out, HasSubstr("epsilon 1e-05\n"));
  EXPECT_EQ(json::parse(shell("$decant inspect --json").out)["config"]["layer_norm_epsilon"], 1e-5);
}

TEST(CliConvert, WhatItWritesMakesTheSameText) {
  const TempFolder folder;
  const std::string out = (folder.path() / "new").string();
  const Outcome run = shell("$decant convert " + out);
  EXPECT_EQ(run.status, 0) << run.err;
  const std::string generate = "$decant generate --prompt ROMEO: --seed 3 --max-new-tokens 40 ";
  EXPECT_EQ(shell(generate + "--model " + out).out, shell(generate).out);

  const Outcome again = shell("$decant convert " + out);
  EXPECT_EQ(again.status, 1);
  EXPECT_THAT(again.err, HasSubstr("exists already"));
  EXPECT_EQ(shell("$decant convert --dtype f32 --force " + out).status, 0);
  // f32 holds every bf16 weight exactly, and q8 is what both are made on loading.
  EXPECT_EQ(shell(generate + "--model " + out).out, shell(generate).out);
  EXPECT_EQ(shell("$decant convert --dtype q8 --force " + out).status, 0);
  EXPECT_EQ(shell(generate + "--model " + out).out, shell(generate).out);
}

TEST(CliConvert, DoesNotHideTheCheckpointThatItReads) {
  const TempFolder folder;
  const std::string path = folder.path().string();
  std::filesystem::copy_file(DECANT_SOURCE_DIR "/tests/fixtures/course_plain/model.pt",
                             folder.path() / "model.pt");
  const Outcome run = shell("$decant convert --n-head 4 --model " + path + " " + path);
  EXPECT_EQ(run.status, 2);
  EXPECT_THAT(run.err, HasSubstr("is the checkpoint's own folder"));
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "model.safetensors"));
}

// A training folder has a config.json of its own, which only the course's names explain.
TEST(CliConvert, ReplacesNothingUnasked) {
  for (const char* name : {"config.json", "vocab.json", "merges.txt", "tokenizer.json"}) {
    const TempFolder folder;
    std::ofstream(folder.path() / name) << "mine";
    const Outcome run = shell("$decant convert " + folder.path().string());
    EXPECT_EQ(run.status, 1);
    EXPECT_THAT(run.err, HasSubstr(std::string(name) + ": exists already"));
    EXPECT_EQ(read_all(folder.path() / name), "mine");
    EXPECT_EQ(folder.files(), 1);
  }
}

// Files of another tokenizer would be read before the new ones, or mislead who looks for them.
TEST(CliConvert, LeavesNoFileOfTheTokenizerBefore) {
  const TempFolder folder;
  const std::string out = (folder.path() / "new").string();
  const std::string minbpe = "'" DECANT_SOURCE_DIR "/tests/text/oracle/gpt4.model'";
  const std::vector<std::string> as_json = {"config.json", "model.safetensors", "tokenizer.json"};
  const std::vector<std::string> as_two = {"config.json", "model.safetensors", "vocab.json",
                                           "merges.txt"};
  for (const auto& [tokenizer, names] :
       {std::pair(std::string("gpt2"), as_two), std::pair(minbpe, as_json),
        std::pair(std::string("gpt2"), as_two)}) {
    const Outcome run =
        shell("$decant convert --force --json " + out + " --tokenizer " + tokenizer);
    EXPECT_EQ(run.status, 0) << run.err;
    json files = json::array();
    for (const std::string& name : names) files.push_back(out + "/" + name);
    EXPECT_EQ(json::parse(run.out)["files"], files);
    const auto there = std::filesystem::directory_iterator(out);
    EXPECT_EQ(std::distance(begin(there), end(there)), static_cast<std::ptrdiff_t>(names.size()));
    const std::string tokenize = "$decant tokenize --text \"IT'S 12345\" --tokenizer ";
    EXPECT_EQ(shell(tokenize + out).out, shell(tokenize + tokenizer).out);
  }
}

TEST(CliConvert, LeavesNothingHalfWritten) {
  const TempFolder folder;
  const std::string out = (folder.path() / "new").string();
  // 1 MB is less than the model has: the file size limit stands for a full disk.
  const Outcome run = shell("trap '' XFSZ; ulimit -f 1000; $decant convert " + out);
  EXPECT_EQ(run.status, 1);
  EXPECT_THAT(run.err, HasSubstr("model.safetensors: cannot write"));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));

  // Here the model fits, and GPT-2's tokenizer does not: an older model stays as it is.
  const std::string convert = "$decant convert --tokenizer gpt2 --force --model '" DECANT_SOURCE_DIR
                              "/tests/fixtures/hf_f32' " +
                              out;
  ASSERT_EQ(shell("$decant convert " + out).status, 0);
  const std::string files = "cd " + out + "; cksum $(find . -type f | sort)";
  const std::string before = shell(files).out;
  const Outcome half = shell("trap '' XFSZ; ulimit -f 300; " + convert);
  EXPECT_EQ(half.status, 1);
  EXPECT_THAT(half.err, HasSubstr("vocab.json: cannot write"));
  EXPECT_EQ(shell(files).out, before);
}

// Whenever Ctrl-C comes, there are either all files or none.
// All of it or nothing; a Ctrl-C may also find the whole written and only the exit left.
TEST(CliConvert, LeavesNothingHalfWrittenWhenInterrupted) {
  for (const char* delay : {"0.002", "0.005", "0.01", "0.02", "0.04", "0.08"}) {
    const TempFolder folder;
    const std::string out = (folder.path() / "new").string();
    const Outcome run =
        shell("timeout --preserve-status -s INT " + std::string(delay) + " $decant convert " + out);
    const auto count = shell("find " + folder.path().string() + " -type f | wc -l").out;
    EXPECT_THAT(count, AnyOf("0\n", "4\n")) << delay << ": " << run.err;
    EXPECT_TRUE(run.status != 0 || count == "4\n") << delay;
  }
}

// In one line of these words.
void expect_usage(const std::string& command, const std::string& message) {
  const Outcome run = shell("$decant " + command);
  EXPECT_EQ(run.status, 2) << command;
  EXPECT_EQ(run.out, "") << command;
  EXPECT_EQ(run.err, "decant: " + message + "\n") << command;
}

TEST(Cli, AnOptionIsNotTheValueOfTheOneBeforeIt) {
  const TempFolder folder;
  const std::string generate = "generate --prompt a --max-new-tokens 3 ";
  const Outcome html = shell("cd " + folder.path().string() +
                             "; $decant compare --prompt a --max-new-tokens 3 --html --json");
  EXPECT_EQ(html.status, 2);
  EXPECT_EQ(html.err,
            "decant: --html needs a value (FILE): '--json' is another option; --html=--json if you "
            "mean it\n");
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  expect_usage(generate + "--stop --json",
               "--stop needs a value (TEXT): '--json' is another option; --stop=--json if you mean "
               "it");
  expect_usage("generate --prompt --max-new-tokens 3",
               "--prompt needs a value (TEXT): '--max-new-tokens' is another option; "
               "--prompt=--max-new-tokens if you mean it");
  expect_usage(generate + "--num-beams 3 --early-stopping",
               "--early-stopping needs a value (false|true|never)");
  for (const char* meant :
       {"--stop=--json", "--stop --jso", "--stop -1", "--stop json", "--stop -- --seed 1"}) {
    EXPECT_EQ(shell("$decant " + generate + meant).status, 0) << meant;
  }
  EXPECT_EQ(shell("$decant score --text file").status, 0) << "also what a text is called";
}

TEST(Cli, AnUnknownOptionIsNamedWithTheOneThatWasMeant) {
  const std::string see = " (see --help)";
  expect_usage("generate --num_beams 3 --foo --bar",
               "generate has no option --num_beams: did you mean --num-beams?" + see);
  expect_usage("generate --max_new_tokens=5",
               "generate has no option --max_new_tokens: did you mean --max-new-tokens?" + see);
  expect_usage("generate --topk 5", "generate has no option --topk: did you mean --top-k?" + see);
  expect_usage("generate --max-tokens 5",
               "generate has no option --max-tokens: did you mean --max-new-tokens?" + see);
  expect_usage("explain --temprature 5",
               "explain has no option --temprature: did you mean --temperature?" + see);
  expect_usage("generate --foo 5 --prompt a", "generate has no option --foo" + see);
  expect_usage("score --seed 3 --text x", "score has no option --seed" + see);
  expect_usage("score --num-beams 3 --text x", "score has no option --num-beams" + see);
  expect_usage("compare --prompt a --strategy '--num_beams 3'",
               "--strategy '--num_beams 3': '--num_beams' is none of the sampling and strategy "
               "options of generate: did you mean --num-beams?");
  EXPECT_EQ(shell("$decant generate --foo --help").status, 0);
}

TEST(Cli, ATextWithoutItsOptionIsShownWhereToGo) {
  expect_usage("generate ROMEO:",
               "'ROMEO:' is not expected: give a text with --prompt, in quotes (see --help)");
  expect_usage("score to be",
               "'be' is not expected: give a text with --text, in quotes (see --help)");
  EXPECT_THAT(shell("script -qec \"$decant score\" /dev/null").out,
              HasSubstr("nothing to read: give a text with --text, name its file, or pipe it into "
                        "stdin (see --help)"));
  for (const char* command : {"score", "tokenize"}) {
    const Outcome run = shell(std::string("$decant ") + command + " 'some text'");
    EXPECT_EQ(run.status, 1);
    EXPECT_EQ(run.err,
              "decant: some text: cannot read: No such file or directory; for a text use --text\n");
  }
}

TEST(Cli, ABiasIsForATokenOfTheVocabulary) {
  for (const char* command :
       {"generate --prompt a", "explain --prompt a", "score --json --text 'to be'"}) {
    expect_usage(std::string(command) + " --logit-bias 5000=-inf",
                 "--logit-bias: 5000 is no token of this vocabulary, whose ids go from 0 to 1023");
  }
}

// Each bad model is one line that names the file, and status 1.
TEST(Cli, BadModelsAreOneClearLine) {
  const TempFolder folder;
  const std::string at = "cd " + folder.path().string() + "; ";
  shell(at +
        "mkdir empty_folder; : >empty.pt; head -c 1000 /dev/zero >zeros.pt; echo hello >text.pt; "
        "echo '{}' >json.safetensors; head -c 5000 '" DECANT_SOURCE_DIR
        "/models/shakespeare/model.safetensors' >cut.safetensors; gzip -c /dev/null >gz.pt");
  for (const char* name : {"none.pt", "empty_folder", "empty.pt", "zeros.pt", "text.pt",
                           "json.safetensors", "cut.safetensors", "gz.pt", "/dev/null"}) {
    for (const char* command : {"inspect", "generate --prompt a", "convert new"}) {
      const Outcome run = shell(at + "$decant " + command + " --model " + name);
      EXPECT_EQ(run.status, 1) << command << " " << name;
      EXPECT_EQ(run.out, "");
      EXPECT_THAT(run.err, StartsWith("decant: "));
      EXPECT_THAT(run.err, HasSubstr(name));
      EXPECT_EQ(std::ranges::count(run.err, '\n'), 1) << run.err;
    }
  }
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "new"));
}

TEST(Cli, AModelWithoutATokenizerAsksForOne) {
  const Outcome run = shell("$decant generate --prompt a --model '" DECANT_SOURCE_DIR
                            "/tests/fixtures/course_plain/model.pt'");
  EXPECT_NE(run.status, 0);
  EXPECT_THAT(run.err, HasSubstr("--tokenizer"));
}

TEST(Cli, AForeignTokenizerIsNoticed) {
  const Outcome run = shell("$decant generate --prompt 'Hello world' --tokenizer gpt2");
  EXPECT_EQ(run.status, 1);
  EXPECT_THAT(run.err, HasSubstr("outside the model's vocabulary"));
}

}  // namespace
}  // namespace decant
