// Where decant generate ends, and what there is then: stop strings and tokens, time, Ctrl-C.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "generated.h"

namespace decant {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::vector<std::string> kStrategies = {"--seed 1", "--seed 1 --num-return-sequences 2",
                                              "--seed 1 --prompt-lookup-num-tokens 4",
                                              "--num-beams 3", "--penalty-alpha 0.6"};

// With an end that is out of sight.
const std::string kPrompt = "--prompt ROMEO: --context slide ";
const std::string kEndless = kPrompt + "--max-new-tokens 1000000000 ";

bool nothing_made(const std::vector<Json>& objects) {
  return objects.empty() || objects.back()["tokens"].empty();
}

// A text that was broken off is the one that a limit of its length gives.
void expect_the_beginning(const std::vector<Json>& objects, const std::string& strategy,
                          const char* finish_reason) {
  ASSERT_FALSE(objects.empty()) << strategy;
  for (std::size_t i = 0; i < objects.size(); ++i) {
    EXPECT_EQ(objects[i]["finish_reason"], finish_reason) << strategy;
    const auto length = objects[i]["tokens"].size();
    const auto whole =
        generated(words({kPrompt, strategy, "--max-new-tokens", std::to_string(length)}));
    ASSERT_EQ(whole.size(), objects.size());
    EXPECT_EQ(whole[i]["tokens"], objects[i]["tokens"]) << strategy;
    EXPECT_EQ(whole[i]["text"], objects[i]["text"]) << strategy;
  }
}

TEST(CliMaxTime, MayBeOverBeforeTheFirstToken) {
  for (const std::string strategy : {"--seed 1", "--num-beams 3", "--penalty-alpha 0.6"}) {
    const Json object = one_generated(words({kEndless, "--max-time 0 --logprobs 1", strategy}));
    EXPECT_EQ(object["finish_reason"], "time") << strategy;
    EXPECT_EQ(object["tokens"], Json::array()) << strategy;
    EXPECT_EQ(object["text"], "") << strategy;
    EXPECT_EQ(object["steps"], Json::array()) << strategy;
    const Outcome run = shell(words({"$decant generate --echo --max-time 0", kEndless, strategy}));
    EXPECT_EQ(run.status, 0) << strategy;
    EXPECT_EQ(run.out, "ROMEO:") << strategy;
    EXPECT_THAT(run.err, HasSubstr("--max-time was over after 0 tokens\n")) << strategy;
  }
}

TEST(CliMaxTime, LeavesWhatThereIs) {
  for (const char* strategy :
       {"--seed 1 --num-return-sequences 2", "--num-beams 3", "--penalty-alpha 0.6"}) {
    std::vector<Json> objects;
    // On a slow machine it takes a while until something is made.
    for (double seconds = .1; seconds < 60 && nothing_made(objects); seconds *= 2) {
      objects = generated(words({kEndless, "--max-time", std::to_string(seconds), strategy}));
    }
    expect_the_beginning(objects, strategy, "time");
  }
  EXPECT_EQ(
      one_generated("--prompt a --seed 1 --max-time 1000 --max-new-tokens 3")["finish_reason"],
      "length");
}

// Runs it, and presses Ctrl-C after a while.
Outcome interrupted(const std::string& options, std::chrono::milliseconds after) {
  const TempFolder folder;
  const std::string out = (folder.path() / "out").string();
  const std::string err = (folder.path() / "err").string();
  const std::string command =
      "exec '" DECANT_PROGRAM "' generate " + options + " >" + out + " 2>" + err;
  const pid_t child = ::fork();
  if (child == 0) {
    ::execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
    std::_Exit(99);
  }
  std::this_thread::sleep_for(after);
  ::kill(child, SIGINT);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_all(out), read_all(err)};
}

TEST(CliInterrupt, LeavesWhatThereIs) {
  for (const std::string& strategy : kStrategies) {
    Outcome run;
    std::vector<Json> objects;
    // On a slow machine it takes a while until it listens, and has made something.
    for (auto after = std::chrono::milliseconds(100);
         after < std::chrono::minutes(1) && nothing_made(objects); after *= 2) {
      run = interrupted(words({kEndless, "--json --quiet", strategy}), after);
      objects = parse_lines(run.out);
    }
    EXPECT_EQ(run.status, 130) << strategy;
    EXPECT_EQ(run.err, "") << strategy;
    expect_the_beginning(objects, strategy, "cancelled");
  }
}

// Where the first of `stops` to be complete ends, without it; of those that end there, the longest.
std::string before_stop(const std::string& text, const std::vector<std::string>& stops) {
  for (std::size_t end = 1; end <= text.size(); ++end) {
    std::size_t longest = 0;
    for (const std::string& stop : stops) {
      if (std::string_view(text).substr(0, end).ends_with(stop)) {
        longest = std::max(longest, stop.size());
      }
    }
    if (longest > 0) return text.substr(0, end - longest);
  }
  return text;
}

// Stop strings that are cut from the text itself: inside of tokens, across them, overlapping.
TEST(CliStop, TheFirstOfSeveralThatIsCompleteEndsTheText) {
  for (const std::string strategy : {"--seed 1", "--penalty-alpha 0.6", "--num-beams 1"}) {
    const std::string command = "--prompt ROMEO: --max-new-tokens 40 " + strategy;
    const std::string text = one_generated(command)["text"];
    ASSERT_GT(text.size(), 60u);
    const std::vector<std::vector<std::string>> table = {
        {text.substr(20, 1), text.substr(40, 9)},
        {text.substr(30, 12), "never said", text.substr(33, 4)},
        {text.substr(30, 5), text.substr(32, 3), text.substr(28, 7), text.substr(28, 6) + "~"},
        {text.substr(50, 2) + "~", text.substr(55)},
        {"~~~"}};
    for (const auto& stops : table) {
      std::string options;
      for (const std::string& stop : stops) options += " --stop " + quoted(stop);
      const Json object = one_generated(command + options);
      const std::string expected = before_stop(text, stops);
      EXPECT_EQ(object["text"], expected) << strategy << options;
      EXPECT_EQ(object["finish_reason"], expected == text ? "length" : "stop");
    }
  }
}

TEST(CliStop, ABackslashAndAnNAreNoLineFeed) {
  const std::string command =
      "$decant generate --prompt ROMEO: --seed 1 --max-new-tokens 1 --stop ";
  EXPECT_THAT(shell(command + R"('end\n')").err,
              HasSubstr(R"(note: --stop 'end\n' has a backslash and an n; for a line feed the )"
                        R"(shell has --stop $'\n')"));
  EXPECT_EQ(shell(command + R"('end\n' --quiet)").err, "");
  EXPECT_THAT(shell(command + quoted("\n")).err, Not(HasSubstr("note:")));
}

TEST(CliStop, AStopTokenIsNoPartOfTheText) {
  for (const std::string strategy :
       {"--temperature 0", "--seed 4", "--num-beams 4 --early-stopping true", "--penalty-alpha 0.6",
        "--num-beams 3 --do-sample --seed 4"}) {
    const Json object = one_generated(
        "--prompt 'My lord,' --max-new-tokens 200 --stop-token 13 --stop-token 11 " + strategy);
    EXPECT_EQ(object["finish_reason"], "stop") << strategy;
    for (const Json& token : object["tokens"]) EXPECT_TRUE(token != 13 && token != 11) << strategy;
  }
}

// Before so many tokens the text may not end by itself, so that a stop token does not come.
TEST(CliMinNewTokens, HoldsStopTokensBack) {
  int shorter = 0;
  for (const std::string strategy :
       {"--temperature 0", "--seed 4", "--seed 5", "--num-beams 4 --early-stopping true",
        "--penalty-alpha 0.6", "--num-beams 3 --do-sample --seed 4"}) {
    const std::string command =
        "--prompt 'My lord,' --max-new-tokens 60 --stop-token 198 --stop-token 11 " + strategy;
    if (one_generated(command)["tokens"].size() < 25) ++shorter;
    const Json object = one_generated(command + " --min-new-tokens 25");
    EXPECT_GE(object["tokens"].size(), 25u) << strategy;
    for (const Json& token : object["tokens"]) EXPECT_TRUE(token != 198 && token != 11) << strategy;
  }
  EXPECT_EQ(shorter, 6) << "without it all end before";
}

}  // namespace
}  // namespace decant
