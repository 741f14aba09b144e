// decant explain, on the model that ships.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "program.h"

namespace decant {
namespace {

using nlohmann::json;
using testing::Each;
using testing::HasSubstr;
using testing::Not;

json run_json(const std::string& command) {
  const Outcome run = shell("$decant " + command);
  EXPECT_EQ(run.status, 0) << run.err;
  return json::parse(run.out);
}

TEST(CliExplain, DrawsWhatGenerateWouldDrawNext) {
  const char* kPrompts[] = {"ROMEO:", "My lord, my lord, I pray thee, my lord,"};
  const char* kOptions[] = {"",
                            "--temperature 1.5 --top-k 0 --top-p 1",
                            "--like llama.cpp --min-p 0.1",
                            "--repetition-penalty 1.8 --frequency-penalty 0.5 --temperature 1",
                            "--no-repeat-ngram-size 2 --typical-p 0.5",
                            "--temperature 0"};
  for (const char* prompt : kPrompts) {
    for (const char* options : kOptions) {
      const std::string rest =
          std::string(" --json --quiet --seed 11 --prompt '") + prompt + "' " + options;
      const json next = run_json("generate --max-new-tokens 1 --logprobs 1" + rest);
      const json explained = run_json("explain" + rest);
      EXPECT_EQ(explained["draw"]["token"], next["tokens"][0]) << rest;
      EXPECT_EQ(explained["draw"]["text"], next["text"]) << rest;
      EXPECT_EQ(explained["draw"]["u"], next["steps"][0]["u"]) << rest;
      for (const auto& [name, value] : explained["config"].items()) {
        EXPECT_EQ(next["config"][name], value) << name;
      }
    }
  }
}

TEST(CliExplain, AlsoAfterAPromptThatIsLongerThanTheWindow) {
  const TempFolder folder;
  const std::string file = (folder.path() / "long").string();
  shell("seq 1 2000 >" + file);
  const std::string rest = " --json --seed 3 --prompt-file " + file;
  const Outcome run = shell("$decant explain" + rest);
  EXPECT_THAT(run.err, HasSubstr("its beginning is cropped"));
  const json explained = json::parse(run.out);
  const json next = run_json("generate --max-new-tokens 1 --logprobs 1" + rest);
  EXPECT_EQ(explained["draw"]["token"], next["tokens"][0]);
  // The same logits, not just the same token.
  const json& first = next["steps"][0]["top"][0];
  EXPECT_EQ(explained["trace"]["candidates"][0]["token"], first["token"]);
  EXPECT_NEAR(explained["trace"]["candidates"][0]["logprob"].get<double>(),
              first["logprob"].get<double>(), 1e-9);
}

TEST(CliExplain, SaysWhichStageRemovedEachCandidate) {
  const json object = run_json("explain --prompt ROMEO: --json --temperature 2 --top-p 0.5");
  EXPECT_EQ(object["prompt"], "ROMEO:");
  const json& trace = object["trace"];
  std::vector<std::string> names;
  for (const json& stage : trace["stages"]) names.push_back(stage["name"]);
  EXPECT_THAT(names, testing::ElementsAre("temperature", "top_k", "top_p"));
  std::int64_t removed = 0;
  for (const json& candidate : trace["candidates"]) {
    EXPECT_TRUE(candidate["text"].is_string());
    if (candidate["removed_by"].is_null()) {
      EXPECT_GT(candidate["probability"], 0);
    } else {
      EXPECT_EQ(candidate["probability"], 0);
      ++removed;
    }
  }
  EXPECT_EQ(removed + trace["others"].get<int>() + trace["survivors"].get<int>(), 1024);
  EXPECT_EQ(object["final"].size(), trace["survivors"]);
}

TEST(CliExplain, StrategiesAreOverTheSameLogits) {
  const json strategies = run_json("explain --prompt 'My lord,' --strategies --json --seed 2");
  json named;
  for (const json& strategy : strategies) {
    named[strategy["name"].get<std::string>()] = strategy;
    EXPECT_EQ(strategy["draw"]["u"], strategies[0]["draw"]["u"]);  // the same luck
    EXPECT_EQ(strategy["trace"]["entropy"], strategies[0]["trace"]["entropy"]);
  }
  EXPECT_EQ(named["greedy"]["final"].size(), 1u);
  EXPECT_EQ(named["top_k 1"]["final"], named["greedy"]["final"]);
  EXPECT_EQ(named["top_p 1"]["final"], named["temperature 1"]["final"]);
  EXPECT_GT(named["temperature 2"]["entropy"], named["temperature 1"]["entropy"]);
  EXPECT_LT(named["temperature 0.5"]["entropy"], named["temperature 1"]["entropy"]);
  EXPECT_GE(named["top_p 0.5"]["trace"]["mass_kept"], .5);
}

std::size_t cells(const std::string& line) {  // of text without wide characters
  return static_cast<std::size_t>(
      std::ranges::count_if(line, [](char byte) { return (byte & 0xC0) != 0x80; }));
}

TEST(CliExplain, FitsAnOldTerminal) {
  for (const char* options : {"--top 30 --seed 1",
                              "--top 30 --temperature 2 --top-k 0 --top-p 1 --seed 4 "
                              "--no-repeat-ngram-size 2 --epsilon-cutoff 0.001 --logit-bias 1=20",
                              "--strategies", "--strategies --seed 9"}) {
    const Outcome run =
        shell(std::string("$decant explain --prompt 'My lord, my lord' ") + options);
    EXPECT_EQ(run.status, 0) << run.err;
    std::istringstream lines(run.out);
    for (std::string line; std::getline(lines, line);) EXPECT_LE(cells(line), 80u) << line;
    EXPECT_THAT(run.out, Not(HasSubstr("\x1b"))) << "stdout is no terminal";
  }
}

TEST(CliExplain, DimsOnTerminalsThatWantIt) {
  const std::string command = "script -qec \"$decant explain --prompt ROMEO: --seed 1\" /dev/null";
  EXPECT_THAT(shell("unset NO_COLOR; " + command).out, HasSubstr("\x1b[2m"));
  EXPECT_THAT(shell("NO_COLOR=1 " + command).out, Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace decant
