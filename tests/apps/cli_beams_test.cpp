// decant generate with beams, on the model that ships.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "generated.h"

namespace decant {
namespace {

using testing::HasSubstr;
using testing::Not;

using Tokens = std::vector<int>;

// The tokens by which some searches are to end, of different lengths.
const std::string kComma = "11";
const std::string kFullStop = "13";

TEST(CliBeams, TheStopTokensAreThoseOfTheVocabulary) {
  EXPECT_EQ(shell("$decant detokenize " + kComma + " " + kFullStop).out, ",.");
}

TEST(CliBeams, TextsComeBestFirstBehindMarks) {
  const std::string options =
      "--prompt ROMEO: --num-beams 4 --num-return-sequences 3 --max-new-tokens 10";
  const auto objects = generated(options);
  ASSERT_EQ(objects.size(), 3u);
  std::string printed;
  std::set<std::string> texts;
  double last = 0;  // a logarithm of a probability is no more
  for (std::size_t i = 0; i < 3; ++i) {
    const std::string text = objects[i]["text"];
    printed += "--- " + std::to_string(i) + " ---\n" + text + "\n";
    texts.insert(text);
    EXPECT_EQ(objects[i]["sequence"], i);
    EXPECT_LE(objects[i]["score"]["final"], last);
    last = objects[i]["score"]["final"];
    EXPECT_EQ(objects[i].contains("beam_tree"), i == 0);
  }
  EXPECT_EQ(texts.size(), 3u);
  const Outcome run = shell("$decant generate " + options);
  EXPECT_EQ(run.out, printed);
  EXPECT_EQ(std::ranges::count(run.err, '\n'), 4) << "a score for each text, and no seed";
  EXPECT_THAT(run.err, HasSubstr("tokens/s; decode "));
}

TEST(CliBeams, TheFinalScoreIsTheSumOverALengthToAPower) {
  for (const double length_penalty : {-1.0, 0.0, 0.7, 2.0}) {
    const auto objects = generated(
        "--prompt 'My lord,' --num-beams 4 --num-return-sequences 4 --max-new-tokens 20 "
        "--stop-token " +
        kFullStop + " --length-penalty " + std::to_string(length_penalty));
    ASSERT_EQ(objects.size(), 4u);
    std::vector<double> finals;
    for (const Json& object : objects) {
      const Json& score = object["score"];
      const bool stopped = object["finish_reason"] == "stop";
      EXPECT_EQ(score["length"], object["tokens"].size() + (stopped ? 1 : 0));
      EXPECT_EQ(score["length_penalty"], length_penalty);
      EXPECT_EQ(score["score"], score["sum_logprob"]) << "no stage acts";
      EXPECT_NEAR(
          score["final"].get<double>(),
          score["score"].get<double>() / std::pow(score["length"].get<double>(), length_penalty),
          1e-9);
      finals.push_back(score["final"]);
    }
    EXPECT_TRUE(std::ranges::is_sorted(finals, std::ranges::greater{}));
  }
}

// What `decant score` says of each token of a text but the first.
std::vector<Json> scored(const std::string& text) {
  const TempFolder folder;
  const std::filesystem::path file = folder.path() / "text";
  std::ofstream(file, std::ios::binary) << text;
  return Json::parse(shell("$decant score --json --quiet " + file.string()).out)["steps"];
}

TEST(CliBeams, LogProbabilitiesAreThoseThatScoreFinds) {
  for (const char* options :
       {"", "--repetition-penalty 1.2", "--num-beam-groups 3 --diversity-penalty 0.5",
        "--do-sample --seed 2 --temperature 0.7"}) {
    const auto objects = generated(
        std::string("--prompt ROMEO: --num-beams 3 --num-return-sequences 3 --max-new-tokens 9 "
                    "--logprobs 2 ") +
        options);
    ASSERT_EQ(objects.size(), 3u);
    for (const Json& object : objects) {
      const auto tokens = object["tokens"].get<Tokens>();
      const auto reference = scored("ROMEO:" + object["text"].get<std::string>());
      ASSERT_GE(reference.size(), tokens.size());
      ASSERT_EQ(object["steps"].size(), tokens.size());
      double sum = 0;
      for (std::size_t i = 0; i < tokens.size(); ++i) {
        const Json& step = object["steps"][i];
        const Json& expected = reference[reference.size() - tokens.size() + i];
        ASSERT_EQ(expected["token"], tokens[i]) << "the text has to be spelt in the same tokens";
        for (const char* figure : {"token", "logprob", "rank", "entropy"}) {
          EXPECT_EQ(step[figure], expected[figure]) << options << ", " << figure;
        }
        EXPECT_EQ(step["top"].size(), 2u);
        sum += step["logprob"].get<double>();
      }
      EXPECT_NEAR(object["score"]["sum_logprob"].get<double>(), sum, 1e-9);
    }
  }
}

// A search, as its first object tells it.
struct Search {
  explicit Search(const std::string& options)
      : objects(generated("--prompt 'My lord,' " + options)),
        tree(objects.empty() ? Json() : objects[0]["beam_tree"]) {}

  std::vector<int> path(const Json& node) const {
    std::vector<int> tokens = {node["token"]};
    for (Json parent = node["parent"]; !parent.is_null();) {
      const Json& above = tree[parent.get<std::size_t>()];
      tokens.insert(tokens.begin(), above["token"].get<int>());
      parent = above["parent"];
    }
    return tokens;
  }

  std::vector<Json> objects;
  Json tree;
};

bool kept(const Json& node) { return node["fate"] != "outranked"; }

// Parents come before their children, whose sums are the parents' and their own.
void expect_sums(const Search& search) {
  for (std::size_t i = 0; i < search.tree.size(); ++i) {
    const Json& node = search.tree[i];
    EXPECT_GE(node["decided"], node["length"]);
    if (node["parent"].is_null()) {
      EXPECT_EQ(node["length"], 1);
      EXPECT_EQ(node["sum_logprob"], node["logprob"]);
      continue;
    }
    ASSERT_LT(node["parent"], i);
    const Json& parent = search.tree[node["parent"].get<std::size_t>()];
    EXPECT_EQ(node["length"].get<int>(), parent["length"].get<int>() + 1);
    EXPECT_EQ(node["group"], parent["group"]);
    EXPECT_NEAR(node["sum_logprob"].get<double>(),
                parent["sum_logprob"].get<double>() + node["logprob"].get<double>(), 1e-9);
  }
}

// What a node's children say of its fate.
void expect_fates(const Search& search) {
  std::vector<int> children(search.tree.size());
  std::vector<int> kept_children(search.tree.size());
  for (const Json& node : search.tree) {
    if (node["parent"].is_null()) continue;
    ++children[node["parent"].get<std::size_t>()];
    kept_children[node["parent"].get<std::size_t>()] += kept(node) ? 1 : 0;
  }
  for (std::size_t i = 0; i < search.tree.size(); ++i) {
    const std::string fate = search.tree[i]["fate"];
    if (fate == "continued") {
      EXPECT_GT(kept_children[i], 0) << i;
    } else {
      EXPECT_EQ(kept_children[i], 0) << i << " is " << fate;
    }
    const std::set<std::string> leaves = {"outranked", "finished", "displaced", "returned",
                                          "unfinished"};
    if (leaves.contains(fate)) {
      EXPECT_EQ(children[i], 0) << i << " is " << fate;
    } else {
      EXPECT_TRUE(fate == "continued" || fate == "barren") << fate;
    }
    EXPECT_TRUE(search.tree[i]["ends"] == false || leaves.contains(fate)) << fate;
  }
}

// In each step, a group keeps so many beginnings that go on, and no better one is left out.
void expect_the_best_are_kept(const Search& search, int group_size, bool drawn) {
  std::map<std::pair<int, int>, std::vector<double>> in;
  std::map<std::pair<int, int>, std::vector<double>> out;
  for (const Json& node : search.tree) {
    if (node["ends"] == true) continue;
    auto& side = kept(node) ? in : out;
    side[{node["length"], node["group"]}].push_back(node["score"]);
  }
  for (auto& [step, scores] : in) {
    EXPECT_LE(scores.size(), group_size);
    if (out[step].empty() || drawn) continue;
    EXPECT_EQ(scores.size(), group_size);
    EXPECT_GE(std::ranges::min(scores), std::ranges::max(out[step]));
  }
}

// Each text is the path to a node of its own.
void expect_texts(const Search& search) {
  std::vector<Json> returned;
  std::ranges::copy_if(search.tree, std::back_inserter(returned),
                       [](const Json& node) { return node["fate"] == "returned"; });
  EXPECT_EQ(returned.size(), search.objects.size());
  for (const Json& object : search.objects) {
    const auto node = std::ranges::find_if(returned, [&](const Json& one) {
      auto path = search.path(one);
      if (path.size() > object["tokens"].size()) path.pop_back();  // the stop token
      return path == object["tokens"].get<Tokens>() && one["length"] == object["score"]["length"];
    });
    ASSERT_NE(node, returned.end()) << object["text"];
    EXPECT_EQ((*node)["sum_logprob"], object["score"]["sum_logprob"]);
    EXPECT_EQ((*node)["score"], object["score"]["score"]);
    EXPECT_EQ(object["finish_reason"], (*node)["ends"] == true ? "stop" : "length");
    returned.erase(node);
  }
}

TEST(CliBeams, TheTreeHasAllThatWasLookedAtAndWhatBecameOfIt) {
  const struct {
    std::string options;
    int group_size;
  } kTable[] = {
      {"--num-beams 3 --max-new-tokens 8", 3},
      {"--num-beams 4 --num-return-sequences 3 --max-new-tokens 25 --stop-token " + kFullStop, 4},
      {"--num-beams 4 --early-stopping true --max-new-tokens 25 --stop-token " + kFullStop, 4},
      {"--num-beams 4 --num-return-sequences 4 --num-beam-groups 2 --diversity-penalty 2 "
       "--max-new-tokens 12 --stop-token " +
           kComma,
       2},
      {"--num-beams 3 --num-return-sequences 2 --do-sample --seed 4 --max-new-tokens 9", 3},
      {"--num-beams 3 --no-repeat-ngram-size 2 --max-new-tokens 20", 3},
      {"--num-beams 3 --regex '( [a-z]{2,9}){2}!' --max-new-tokens 20", 3},
  };
  for (const auto& [options, group_size] : kTable) {
    SCOPED_TRACE(options);
    const Search search(options);
    ASSERT_GT(search.tree.size(), 5u);
    expect_sums(search);
    expect_fates(search);
    expect_the_best_are_kept(search, group_size, options.find("--do-sample") != std::string::npos);
    expect_texts(search);
  }
}

TEST(CliBeams, GroupsStartWithDifferentTokens) {
  const Search search(
      "--num-beams 3 --num-return-sequences 3 --num-beam-groups 3 --diversity-penalty 100 "
      "--max-new-tokens 4");
  std::set<int> first;
  std::set<int> groups;
  for (const Json& object : search.objects) first.insert(object["tokens"][0].get<int>());
  for (const Json& node : search.tree) groups.insert(node["group"].get<int>());
  EXPECT_EQ(first.size(), 3u);
  EXPECT_EQ(groups, (std::set{0, 1, 2}));
}

// The step in which a search ended, and how many texts were whole then, and before.
struct End {
  int step = 0;
  std::ptrdiff_t whole = 0;
  std::ptrdiff_t whole_before = 0;
  double final_score = 0;
};

End end_of(const std::string& options) {
  const Search search("--num-beams 3 --length-penalty 1.5 --max-new-tokens 30 --stop-token " +
                      kComma + " " + options);
  End end{.final_score = search.objects[0]["score"]["final"]};
  for (const Json& node : search.tree) end.step = std::max(end.step, node["length"].get<int>());
  for (const Json& node : search.tree) {
    if (!kept(node) || node["ends"] == false) continue;
    ++end.whole;
    if (node["length"] < end.step) ++end.whole_before;
  }
  return end;
}

TEST(CliBeams, EarlyStoppingAndPatienceSayWhenToEnd) {
  const End at_once = end_of("--early-stopping true");
  EXPECT_GE(at_once.whole, 3) << "as many as there are beams";
  EXPECT_LT(at_once.whole_before, 3);
  const End patient = end_of("--early-stopping true --patience 2");
  EXPECT_GE(patient.whole, 6) << "twice as many";
  EXPECT_LT(patient.whole_before, 6);
  const End when_no_better = end_of("--early-stopping false");
  const End never = end_of("--early-stopping never");
  EXPECT_LT(at_once.step, when_no_better.step);
  EXPECT_LT(when_no_better.step, never.step);
  EXPECT_LE(at_once.final_score, when_no_better.final_score);
  EXPECT_LE(when_no_better.final_score, never.final_score);
  EXPECT_EQ(end_of("").step, when_no_better.step) << "the default";
}

TEST(CliBeams, AreTheSameWithAnyThreads) {
  for (const char* options : {"", "--do-sample --seed 5"}) {
    const std::string command = std::string(
                                    "--prompt ROMEO: --num-beams 4 --num-return-sequences 2 "
                                    "--max-new-tokens 20 --logprobs 1 ") +
                                options + " --threads ";
    auto one = generated(command + "1");
    auto two = generated(command + "2");
    for (auto* objects : {&one, &two}) {
      for (Json& object : *objects) object["config"].erase("threads");
    }
    EXPECT_TRUE(one == two) << options;
  }
}

TEST(CliBeams, AreDrawnBySeed) {
  const std::string command =
      "$decant generate --prompt ROMEO: --num-beams 3 --do-sample --max-new-tokens 12 ";
  const Outcome fresh = shell(command);
  ASSERT_THAT(fresh.err, testing::StartsWith("seed "));
  const std::string seed = fresh.err.substr(5, fresh.err.find(' ', 5) - 5);
  EXPECT_EQ(shell(command + "--seed " + seed).out, fresh.out);
  std::set<std::string> texts;
  for (const char* other : {"1", "2", "3", "4"})
    texts.insert(shell(command + "--seed " + other).out);
  EXPECT_GT(texts.size(), 1u);
}

TEST(CliBeams, StopStringsEndThem) {
  const auto objects = generated(
      "--prompt ROMEO: --num-beams 3 --num-return-sequences 3 --max-new-tokens 30 --stop , "
      "--stop " +
      quoted(".\n"));
  ASSERT_EQ(objects.size(), 3u);
  int stopped = 0;
  for (const Json& object : objects) {
    const std::string text = object["text"];
    EXPECT_THAT(text, Not(HasSubstr(",")));
    EXPECT_THAT(text, Not(HasSubstr(".\n")));
    if (object["finish_reason"] == "stop") ++stopped;
  }
  EXPECT_GT(stopped, 0);
}

}  // namespace
}  // namespace decant
