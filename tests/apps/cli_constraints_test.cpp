// decant generate with constraints, on the model that ships.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "generated.h"

namespace decant {
namespace {

using testing::HasSubstr;
using testing::Not;

// Every way to choose a token; drawn texts are several.
const std::vector<std::string> kStrategies = {
    "--seed 7 --num-return-sequences 6",
    "--seed 8 --num-return-sequences 6 --temperature 2 --top-k 0 --top-p 1",
    "--temperature 0",
    "--num-beams 3 --num-return-sequences 3",
    "--num-beams 4 --num-beam-groups 2 --diversity-penalty 1",
    "--num-beams 3 --do-sample --seed 9 --num-return-sequences 2",
    "--penalty-alpha 0.6",
    "--seed 7 --prompt-lookup-num-tokens 4"};

// Every text of these patterns has an end, which none may miss.
TEST(CliConstraints, ARegexIsMatchedByTheWholeOutput) {
  for (const std::string regex :
       {"[0-9]{4}-(0[1-9]|1[0-2])-[0-3][0-9]", " (yes|no|may(be)?), my (lord|lady)[.!]",
        R"(\n?[A-Z][a-z]{2,8}( [a-z]{1,6}){0,3}\?)", "[ -~]{1,7};"}) {
    const std::regex expected(regex);
    for (const std::string& strategy : kStrategies) {
      for (const Json& object : generated("--prompt ROMEO: --max-new-tokens 40 " + strategy +
                                          " --regex " + quoted(regex))) {
        const std::string text = object["text"];
        EXPECT_TRUE(std::regex_match(text, expected)) << strategy << ": " << text;
        EXPECT_EQ(object["finish_reason"], "stop") << strategy;
      }
    }
  }
}

TEST(CliConstraints, ARegexMeansCharactersNotBytes) {
  const Json object = one_generated("--prompt ROMEO: --seed 1 --regex '[à-ÿ]{3}.'");
  const std::string text = object["text"];
  ASSERT_GE(text.size(), 7u);  // three of two bytes, and one more
  for (std::size_t i = 0; i < 6; i += 2) EXPECT_EQ(text[i], '\xc3');
}

// An open end is left to the stop token, which is no part of the text, and comes nowhere else.
TEST(CliConstraints, AStopTokenEndsATextThatMayEnd) {
  const std::regex expected("( [a-z]+)+");
  int stopped = 0;
  for (const std::string& strategy : kStrategies) {
    for (const Json& object : generated("--prompt 'My lord' --max-new-tokens 40 --stop-token 13 " +
                                        strategy + " --regex '( [a-z]+)+'")) {
      const std::string text = object["text"];
      EXPECT_TRUE(std::regex_match(text, expected) || object["finish_reason"] == "length") << text;
      stopped += object["finish_reason"] == "stop" ? 1 : 0;
    }
  }
  EXPECT_GT(stopped, 10);
}

TEST(CliConstraints, TheOutputIsOneOfTheAllowedStrings) {
  const std::set<std::string> allowed = {"yes", "no, my lord", "no, my lady", " perhaps\n"};
  std::set<std::string> made;
  for (const std::string& strategy : kStrategies) {
    for (const Json& object :
         generated("--prompt ROMEO: --allow-string yes --allow-string 'no, my lord' "
                   "--allow-string 'no, my lady' --allow-string " +
                   quoted(" perhaps\n") + " " + strategy)) {
      EXPECT_TRUE(allowed.contains(object["text"])) << strategy << ": " << object["text"];
      EXPECT_EQ(object["finish_reason"], "stop");
      made.insert(object["text"]);
    }
  }
  EXPECT_GT(made.size(), 1u);
}

// What is banned is taken from the texts as they are without, wherever that cuts their tokens.
TEST(CliConstraints, TheOutputHasNoBannedString) {
  const std::string command = "--prompt ROMEO: --max-new-tokens 25 ";
  for (const std::string& strategy : kStrategies) {
    std::set<std::string> banned;
    for (const Json& object : generated(command + strategy)) {
      const std::string text = object["text"];
      banned.insert(text.substr(2, 4));
      banned.insert(text.substr(text.size() / 2, 3));
    }
    std::string options;
    for (const std::string& text : banned) options += " --ban-string " + quoted(text);
    for (const Json& object : generated(words({command, strategy, options}))) {
      EXPECT_EQ(object["tokens"].size(), 25u);
      for (const std::string& text : banned) {
        EXPECT_THAT(object["text"].get<std::string>(), Not(HasSubstr(text))) << strategy;
      }
    }
  }
}

TEST(CliConstraints, TokensAreAllowedAndBanned) {
  const Json commonest = one_generated(
      "--prompt ROMEO: --max-new-tokens 1 --seed 1 --top-k 0 --top-p 1 --json --logprobs 12");
  std::set<int> allowed;
  std::string options;
  for (const Json& one : commonest["steps"][0]["top"]) {
    allowed.insert(one["token"].get<int>());
    options += " --allow-token " + one["token"].dump();
  }
  const int banned = *allowed.begin();
  for (const std::string& strategy : kStrategies) {
    const std::string command = "--prompt ROMEO: --max-new-tokens 15 " + strategy;
    for (const Json& object :
         generated(command + options + " --ban-token " + std::to_string(banned))) {
      EXPECT_EQ(object["tokens"].size(), 15u);
      for (const int token : object["tokens"].get<std::vector<int>>()) {
        EXPECT_TRUE(allowed.contains(token) && token != banned) << strategy << ": " << token;
      }
    }
  }
}

// What is left of the distribution is what the model thought of it, made to sum to 1.
TEST(CliConstraints, TheStageIsAmongThoseThatAStepLists) {
  const std::string command =
      "--prompt ROMEO: --max-new-tokens 4 --allow-token 198 --allow-token 13 --allow-token 11 "
      "--logprobs 1024 ";
  for (const char* strategy : {"--seed 3 --temperature 2 --top-k 0 --top-p 1", "--num-beams 3",
                               "--num-beams 3 --do-sample --seed 3", "--penalty-alpha 0.6"}) {
    const Json object = one_generated(command + strategy);
    ASSERT_EQ(object["steps"].size(), 4u) << strategy;
    for (const Json& step : object["steps"]) {
      ASSERT_EQ(step["top"].size(), 1024u);
      double left = 0;
      for (const Json& one : step["top"]) {
        const int token = one["token"];
        if (token == 198 || token == 13 || token == 11) {
          left += std::exp(one["logprob"].get<double>());
        }
      }
      EXPECT_EQ(step["after"].begin().key(), "constraint") << "the first of those that act";
      EXPECT_NEAR(step["after"]["constraint"].get<double>(),
                  step["logprob"].get<double>() - std::log(left), 1e-5)
          << strategy;
    }
  }
  const Json free = one_generated("--prompt ROMEO: --max-new-tokens 1 --seed 1 --logprobs 0");
  EXPECT_FALSE(free["steps"][0]["after"].contains("constraint"));
}

TEST(CliConstraints, ThePromptIsNotConstrained) {
  const std::string command = "$decant generate --prompt 'my lord' --seed 1 --quiet ";
  const std::string made = shell(command + "--regex '[0-9]{3}'").out;
  EXPECT_TRUE(std::regex_match(made, std::regex("[0-9]{3}"))) << made;
  EXPECT_EQ(shell(command + "--regex '[0-9]{3}' --echo").out, "my lord" + made);
}

TEST(CliConstraints, TheObjectSaysWhatWasAsked) {
  const Json constraint = one_generated(
      "--prompt a --max-new-tokens 1 --seed 1 --regex '[ab]c?' --allow-string a --allow-string ac "
      "--ban-string c --allow-token 64 --allow-token 65 --ban-token 66")["config"]["constraint"];
  EXPECT_EQ(constraint, (Json{{"regex", "[ab]c?"},
                              {"allow_string", {"a", "ac"}},
                              {"ban_string", {"c"}},
                              {"allow_token", {64, 65}},
                              {"ban_token", {66}}}));
}

TEST(CliConstraints, WhatCannotBeIsRefused) {
  const Refusal kTable[] = {
      {"--regex 'ab('", "--regex: at offset 2, '(': the group is never closed"},
      {"--regex '[z-a]'", "--regex: at offset 1, 'z-a]': the range runs backwards"},
      {R"(--regex 'a\1')", R"(--regex: at offset 1, '\1': a backreference is not supported)"},
      {"--regex '(?=a)'", "--regex: at offset 0, '(?=a)': lookahead"},
      {"--regex 'a{1001}'", "--regex: at offset 1, '{1001}': a count may be 1000 at most"},
      {"--regex 'x*?y'", "--regex: at offset 1"},
      {"--regex ')'", "--regex: at offset 0"},
      {"--regex abc --stages top_k",
       "--stages leaves out constraint, which a constraint needs: add it"},
      {"--regex abc --stop ''", "--stop: a stop string must not be empty"},
      {"--regex abc --ban-string b", "no text satisfies all of them"},
      // No token is both: a full stop is what 13 spells.
      {"--regex abc --allow-token 13", "can start a text that satisfies it; allow more tokens"},
      {"--regex 'a[.]b' --allow-token 64 --allow-token 13",
       "can finish a text that satisfies it; allow more tokens"},
      {"--allow-token 13 --ban-token 13", "leave no token to write a text with"},
      {"--allow-token 5000", "5000 is no token of this vocabulary, whose ids go from 0 to 1023"},
      {"--ban-token -1", "-1 is no token of this vocabulary, whose ids go from 0 to 1023"},
      {"--ban-token x", "--ban-token is 'x': it must be a whole number"},
      {"--ban-token lord",
       "--ban-token is 'lord': it must be a whole number, the id of a token: decant tokenize "},
      {"--regex ''", "--regex is empty: it must have at least one character"},
      {"--allow-string ''", "--allow-string is empty: it must have at least one character"},
      {"--allow-string a --ban-string ''", "--ban-string is empty: it must have at least one"},
  };
  for (const Refusal& refusal : kTable) expect_refused(refusal);
}

}  // namespace
}  // namespace decant
