// decant compare, on the model that ships: its texts are those of decant generate, its figures are
// what decant score and the definitions say of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <thread>
#include <vector>

#include "program.h"

namespace decant {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

json compare(const std::string& options) {
  const Outcome run = shell("$decant compare --json --quiet " + options);
  EXPECT_EQ(run.status, 0) << run.err;
  EXPECT_EQ(run.err, "");
  EXPECT_EQ(std::ranges::count(run.out, '\n'), 1);
  return json::parse(run.out);
}

std::vector<json> generate(const std::string& options) {
  const Outcome run = shell("$decant generate --json --quiet " + options);
  EXPECT_EQ(run.status, 0) << run.err;
  std::vector<json> texts;
  std::istringstream lines(run.out);
  for (std::string line; std::getline(lines, line);) texts.push_back(json::parse(line));
  return texts;
}

using Ids = std::vector<int>;

std::vector<Ids> ids(const json& strategy) {
  std::vector<Ids> texts;
  for (const json& text : strategy["texts"]) texts.push_back(text["tokens"]);
  return texts;
}

std::vector<Ids> ngrams(const Ids& text, std::size_t n) {
  std::vector<Ids> all;
  for (std::size_t i = 0; i + n <= text.size(); ++i) {
    all.emplace_back(text.begin() + static_cast<std::ptrdiff_t>(i),
                     text.begin() + static_cast<std::ptrdiff_t>(i + n));
  }
  return all;
}

// Different n-grams over all n-grams: of all texts together, or of each by itself.
double different(const std::vector<Ids>& texts, std::size_t n, bool together) {
  double kinds = 0;
  double all = 0;
  std::set<Ids> seen;
  for (const Ids& text : texts) {
    if (!together) seen.clear();
    const std::size_t before = seen.size();
    for (const Ids& one : ngrams(text, n)) {
      seen.insert(one);
      ++all;
    }
    kinds += static_cast<double>(seen.size() - before);
  }
  return kinds / all;
}

TEST(CliCompare, EachTextIsTheOneThatGenerateMakesOfTheSameWords) {
  const std::string rest = " --prompt ROMEO: --max-new-tokens 24 ";
  const json all = compare("--seed 3 --samples 2" + rest);
  ASSERT_EQ(all["strategies"].size(), 9u);
  for (const json& strategy : all["strategies"]) {
    const bool drawn = !strategy["deterministic"];
    const auto name = strategy["strategy"]["name"].get<std::string>();
    std::string words = strategy["options"].get<std::string>() + rest;
    if (drawn) words += "--num-return-sequences 2 ";
    if (name == "sampling") words += "--seed 3";
    const auto texts = generate(words);
    ASSERT_EQ(strategy["texts"].size(), texts.size()) << words;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      EXPECT_EQ(strategy["texts"][i]["text"], texts[i]["text"]) << words;
      EXPECT_EQ(strategy["texts"][i]["tokens"], texts[i]["tokens"]) << words;
    }
  }
  EXPECT_EQ(all["strategies"][0]["texts"][0]["text"],
            shell("$decant generate --temperature 0 --quiet" + rest).out);
}

TEST(CliCompare, LuckIsShared) {
  const json all = compare(
      "--prompt ROMEO: --seed 7 --samples 3 --max-new-tokens 20 --strategy 'one: --top-p 0.8' "
      "--strategy 'a sampled beam: --num-beams 2 --do-sample' --strategy 'two: --top-p 0.8' "
      "--strategy '--top-p 0.7'");
  const json& made = all["strategies"];
  ASSERT_EQ(made.size(), 4u);
  EXPECT_EQ(made[0]["texts"], made[2]["texts"]);
  EXPECT_NE(made[0]["texts"][0]["tokens"], made[0]["texts"][1]["tokens"]);
  EXPECT_EQ(made[1]["texts"].size(), 3u);
  EXPECT_EQ(made[3]["name"], "--top-p 0.7");
  for (std::size_t i = 0; i < 3; ++i) {
    const json& other = made[3]["texts"][i]["steps"];
    for (std::size_t k = 0; k < other.size(); ++k) {
      EXPECT_EQ(made[0]["texts"][i]["steps"][k]["u"], other[k]["u"]);
    }
  }
}

// Its tokens are those that the text is split into, so that decant score sees the same ones.
TEST(CliCompare, FiguresAreWhatScoreSaysOfTheText) {
  const json all = compare(
      "--prompt ROMEO: --samples 1 --max-new-tokens 40 --strategy 'greedy: --temperature 0' "
      "--strategy 'beams: --num-beams 3' --strategy 'penalised: --temperature 0 "
      "--repetition-penalty 1.3'");
  ASSERT_EQ(all["strategies"].size(), 3u);
  for (const json& strategy : all["strategies"]) {
    const json& text = strategy["texts"][0];
    const TempFolder folder;
    const std::string file = (folder.path() / "text").string();
    std::ofstream(file) << "ROMEO:" << text["text"].get<std::string>();
    const json score = json::parse(shell("$decant score --quiet --json " + file).out);
    const std::size_t prompt = all["prompt_tokens"].size();
    ASSERT_EQ(score["steps"].size(), prompt - 1 + text["tokens"].size());
    double sum = 0;
    for (std::size_t i = 0; i < text["tokens"].size(); ++i) {
      const json& expected = score["steps"][prompt - 1 + i];
      ASSERT_EQ(expected["token"], text["tokens"][i]);
      EXPECT_EQ(expected["logprob"], text["steps"][i]["logprob"]);
      EXPECT_EQ(expected["rank"], text["steps"][i]["rank"]);
      sum += expected["logprob"].get<double>();
    }
    const json& figures = strategy["figures"];
    const double mean = sum / static_cast<double>(text["tokens"].size());
    EXPECT_NEAR(figures["mean_logprob"], mean, 1e-12);
    EXPECT_NEAR(figures["perplexity"], std::exp(-mean), 1e-9);
    EXPECT_EQ(figures["self_bleu"], json()) << "of one text there is none";
  }
}

// 240 tokens of the window's 256: the texts outgrow it.
TEST(CliCompare, PastTheWindowTokensAreJudgedByTheLogitsThatMadeThem) {
  for (const std::string policy : {"crop", "slide", "stop"}) {
    const auto run = [&policy](const std::string& command) {
      std::string line = "yes 'my lord' | head -n 60 | $decant " + command;
      line += " --seed 2 --max-new-tokens 22 --json --quiet --context " + policy;
      return shell(line);
    };
    const Outcome made = run("generate --logprobs 0");
    const Outcome compared = run("compare --samples 1 --strategy 'x:'");
    const json steps = json::parse(made.out)["steps"];
    const json text = json::parse(compared.out)["strategies"][0]["texts"][0];
    ASSERT_EQ(text["steps"].size(), steps.size()) << policy;
    for (std::size_t i = 0; i < steps.size(); ++i) {
      for (const char* figure : {"token", "logprob", "rank", "entropy", "u"}) {
        EXPECT_EQ(text["steps"][i][figure], steps[i][figure]) << policy << " " << i << figure;
      }
    }
  }
}

TEST(CliCompare, RepetitionAndDiversityAreByDefinition) {
  const json all = compare(
      "--prompt ROMEO: --seed 5 --samples 3 --max-new-tokens 60 --strategy 'drawn: --temperature "
      "1.5 --top-k 0 --top-p 1' --strategy 'greedy: --temperature 0'");
  for (const json& strategy : all["strategies"]) {
    std::vector<Ids> texts = ids(strategy);
    const json& figures = strategy["figures"];
    for (std::size_t n = 1; n <= 4; ++n) {
      EXPECT_NEAR(figures["rep_" + std::to_string(n)], 1 - different(texts, n, false), 1e-12);
    }
    if (strategy["deterministic"]) texts.resize(3, texts.at(0));
    ASSERT_EQ(texts.size(), 3u);
    for (std::size_t n = 1; n <= 3; ++n) {
      EXPECT_NEAR(figures["distinct_" + std::to_string(n)], different(texts, n, true), 1e-12);
    }
    double tokens = 0;
    double tail = 0;
    for (const json& text : strategy["texts"]) {
      for (const json& step : text["steps"]) {
        ++tokens;
        if (step["mass_before"] >= .9) ++tail;
      }
    }
    EXPECT_NEAR(figures["tail_share"], tail / tokens, 1e-12);
    EXPECT_NEAR(figures["length"], tokens / static_cast<double>(strategy["texts"].size()), 1e-12);
    if (strategy["name"] == "greedy") {
      EXPECT_EQ(figures["self_bleu"], 1) << "all of its texts are alike";
      EXPECT_EQ(tail, 0) << "the most probable token is never in the tail";
    } else {
      EXPECT_LT(figures["self_bleu"], .5);
      EXPECT_GT(tail, 0);
    }
  }
}

TEST(CliCompare, TheTableSaysWhatTheJsonSays) {
  const std::string options = " --prompt ROMEO: --seed 1 --samples 2 --max-new-tokens 30";
  const Outcome table = shell("$decant compare --quiet" + options);
  std::istringstream lines(table.out);
  std::string line;
  std::getline(lines, line);
  std::getline(lines, line);
  for (const json& strategy : compare(options)["strategies"]) {
    ASSERT_TRUE(std::getline(lines, line));
    const auto name = strategy["name"].get<std::string>();
    ASSERT_EQ(line.substr(0, name.size()), name);
    std::istringstream cells(line.substr(23));
    double texts = 0;
    cells >> texts;
    EXPECT_EQ(texts, static_cast<double>(strategy["texts"].size()));
    const json& figures = strategy["figures"];
    for (const auto& [figure, rounding] :
         std::vector<std::pair<const char*, double>>{{"mean_logprob", 5.1e-4},
                                                     {"perplexity", 5.1e-3},
                                                     {"distinct_1", 5.1e-4},
                                                     {"distinct_2", 5.1e-4},
                                                     {"distinct_3", 5.1e-4},
                                                     {"rep_4", 5.1e-4},
                                                     {"length", .51}}) {
      double shown = 0;
      cells >> shown;
      EXPECT_NEAR(shown, figures[figure].get<double>(), rounding) << name << " " << figure;
    }
    std::string tail;
    double self_bleu = 0;
    cells >> tail >> self_bleu;
    EXPECT_NEAR(std::stod(tail) / 100, figures["tail_share"].get<double>(), 5.1e-4);
    EXPECT_EQ(tail.back(), '%');
    EXPECT_NEAR(self_bleu, figures["self_bleu"].get<double>(), 5.1e-4);
    EXPECT_THAT(table.out, HasSubstr("=== " + name + ": "));
  }
  std::istringstream all(table.out);
  while (std::getline(all, line)) {
    EXPECT_LE(std::ranges::count_if(line, [](char c) { return (c & 0xC0) != 0x80; }), 100) << line;
  }
}

// A page's tags, or what is between them.
std::string part_of(const std::string& html, bool tags) {
  std::string part;
  bool tag = false;
  for (const char c : html) {
    if (c == '<') tag = true;
    if (tag == tags) part += c;
    if (c == '>') tag = false;
  }
  return part;
}

// What a reader sees of it: its entities resolved.
std::string text_of(const std::string& html) {
  std::string text = part_of(html, false);
  for (const auto& [entity, character] : std::vector<std::pair<std::string, std::string>>{
           {"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&amp;", "&"}}) {
    for (std::size_t at = text.find(entity); at != std::string::npos;
         at = text.find(entity, at + 1)) {
      text.replace(at, entity.size(), character);
    }
  }
  return text;
}

TEST(CliCompare, ThePageHasEveryTextAndAsksNobodyForAnything) {
  const TempFolder folder;
  const std::string page = (folder.path() / "page.html").string();
  const std::string prompt = "<script>alert(1)</script> & \"them\" <img src=x>";
  std::ofstream(folder.path() / "prompt") << prompt;
  const json all = compare("--prompt-file " + (folder.path() / "prompt").string() +
                           " --seed 1 --samples 3 --max-new-tokens 30 --html " + page +
                           " --strategy '<b>wild</b>: --temperature 2 --top-k 0 --top-p 1' "
                           "--strategy 'beams: --num-beams 2'");
  const std::string html = read_all(page);
  for (const char* word :
       {"<script", "<img", "<b>", "<link", "<iframe", "<object", " src", "href", "//", " on"}) {
    EXPECT_THAT(part_of(html, true), Not(HasSubstr(word)));
  }
  for (const char* word : {"url(", "@import", "//"}) {
    EXPECT_THAT(html.substr(0, html.find("</style>")), Not(HasSubstr(word)));
  }
  EXPECT_THAT(html, HasSubstr("default-src 'none'"));
  EXPECT_THAT(html, HasSubstr("width=device-width"));
  const std::string text = text_of(html);
  EXPECT_THAT(text, HasSubstr(prompt));
  EXPECT_THAT(text, HasSubstr("<b>wild</b>"));
  std::size_t texts = 0;
  for (const json& strategy : all["strategies"]) {
    for (const json& one : strategy["texts"]) {
      EXPECT_THAT(text, HasSubstr(one["text"].get<std::string>()));
      ++texts;
    }
  }
  EXPECT_EQ(texts, 4u) << "three drawn, and one of the beams";
}

// The letter's two bytes are two tokens: once each in their order, then the first one alone.
TEST(CliCompare, BytesThatAreNoWholeCharactersAreReplaced) {
  const json letter = json::parse(shell("$decant tokenize --json --text é").out)["tokens"];
  ASSERT_EQ(letter.size(), 2u);
  const std::string first = " --logit-bias " + letter[0].dump() + "=200";
  const std::string second = " --logit-bias " + letter[1].dump() + "=100";
  const TempFolder folder;
  const std::string page = (folder.path() / "page.html").string();
  const json all = compare("--prompt ROMEO: --samples 1 --max-new-tokens 2 --html " + page +
                           " --strategy 'whole: --temperature 0 --no-repeat-ngram-size 1" + first +
                           second + "' --strategy 'broken: --temperature 0" + first + "'");
  const json& made = all["strategies"];
  EXPECT_EQ(made[0]["texts"][0]["tokens"], letter);
  EXPECT_EQ(made[0]["texts"][0]["text"], "é");
  EXPECT_EQ(made[1]["texts"][0]["text"], "\uFFFD\uFFFD");
  const std::string text = text_of(read_all(page));
  EXPECT_THAT(text, HasSubstr("é"));
  EXPECT_THAT(text, HasSubstr("\uFFFD\uFFFD"));
  EXPECT_NO_THROW(static_cast<void>(json(text).dump())) << "which refuses what is not UTF-8";
}

TEST(CliCompare, InterruptedItGivesWhatThereIsMarkedSo) {
  const TempFolder folder;
  const std::string out = (folder.path() / "out").string();
  const std::string err = (folder.path() / "err").string();
  const std::string page = (folder.path() / "page.html").string();
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (std::freopen(out.c_str(), "w", stdout) == nullptr) std::_Exit(99);
    if (std::freopen(err.c_str(), "w", stderr) == nullptr) std::_Exit(99);
    ::execl(DECANT_PROGRAM, "decant", "compare", "--prompt", "ROMEO:", "--json", "--html",
            page.c_str(), "--strategy", "greedy: --temperature 0", "--max-new-tokens", "1000000000",
            "--context", "slide", nullptr);
    std::_Exit(99);
  }
  for (int i = 0; i < 6000 && read_all(err).empty(); ++i) {  // the line with the seed
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  ::kill(child, SIGINT);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 130);
  EXPECT_THAT(read_all(err), HasSubstr("interrupted"));
  EXPECT_THAT(read_all(page), HasSubstr("Interrupted"));
  const json all = json::parse(read_all(out));
  EXPECT_EQ(all["interrupted"], true);
  for (const json& strategy : all["strategies"]) {  // one, unless the machine is very slow
    EXPECT_EQ(strategy["interrupted"], true);
    const json& text = strategy["texts"].at(0);
    EXPECT_EQ(text["finish_reason"], "cancelled");
    EXPECT_EQ(text["steps"].size(), text["tokens"].size());
    const std::string start =
        shell("$decant generate --prompt ROMEO: --temperature 0 --max-new-tokens 20").out;
    const auto made = text["text"].get<std::string>();
    const std::size_t both = std::min(start.size(), made.size());
    EXPECT_EQ(made.substr(0, both), start.substr(0, both));
  }
}

TEST(CliCompare, SaysWhichStrategyIsRunningWhereThereIsNoBar) {
  const std::string command =
      "$decant compare --prompt ROMEO: --seed 1 --samples 1 --max-new-tokens 2 "
      "--strategy 'calm: --top-k 3' --strategy 'beams: --num-beams 2'";
  EXPECT_EQ(shell(command).err, "1 of 2: calm\n2 of 2: beams\n");
  EXPECT_EQ(shell(command + " --quiet").err, "");
  const Outcome terminal = shell("script -qec \"" + command + "\" /dev/null");
  EXPECT_THAT(terminal.out, Not(HasSubstr("1 of 2")));
}

TEST(CliCompare, WhatCannotBeIsNamedBeforeAnythingIsMade) {
  const struct {
    const char* options;
    const char* message;
  } kTable[] = {
      {"--samples 0", "--samples is 0: it must be from 1 to "},
      {"--samples 1000000000", "--samples is 1000000000: it must be from 1 to "},
      {"--samples -1", "--samples is '-1': it must be a whole number"},
      {"--max-new-tokens -1", "--max-new-tokens is -1: it must be"},
      {"--max-new-tokens 0", "--max-new-tokens is 0: it must be 1 or more"},
      {"--strategy 'a: --logit-bias 1024=1'",
       "--strategy 'a': --logit-bias: 1024 is no token of this vocabulary, whose ids go from 0"},
      {"--context round", "--context is 'round': it must be one of crop, slide, stop"},
      {"--strategy ''", "--strategy '': it must be options of decant generate"},
      {"--strategy 'calm'", "--strategy 'calm': it must be options of decant generate"},
      {"--strategy ': --top-k 3'", "--strategy ': --top-k 3': there is no name before the colon"},
      {"--strategy 'a: --top-k 3' --strategy 'a: --top-k 4'",
       "--strategy 'a: --top-k 4': another has the name 'a': write a different one"},
      {"--strategy '--top-k 3' --strategy '--top-k 3'", "another has the name '--top-k 3'"},
      {"--strategy 'a: --top-q 1'", "--strategy 'a: --top-q 1': '--top-q' is none of the"},
      {"--strategy 'a: calm'", "'calm' is none of the sampling and strategy options of generate"},
      {"--strategy 'a: --seed 1'", "'--seed' is none of the sampling and strategy options"},
      {"--strategy 'a: --top-k'", "--strategy 'a: --top-k': --top-k"},
      {"--strategy 'a: --top-k x'", "--top-k is 'x': it must be a whole number"},
      {"--strategy 'a: --top-k -1'", "--strategy 'a: --top-k -1': --top-k is -1: it must be"},
      {"--strategy 'a: --top-p 0.1 --top-p 0.2'", "--top-p is given 2 times: give it once"},
      {"--strategy 'a: --num-beams 0'", "--num-beams is 0: it must be"},
      {"--strategy 'a: --length-penalty 2'", "--length-penalty is for beams: add --num-beams"},
      {"--strategy 'a: --num-beams 3 --penalty-alpha 0.6'", "are different strategies"},
      {"--strategy 'a: --num-beams 3 --top-p 0.9'", "add --do-sample, or leave it out"},
      {"--html /", "--html is '/', which cannot be written: Is a directory; name a file"},
      {"--html /nowhere/page.html",
       "--html is '/nowhere/page.html', which cannot be written: No such file or directory; "},
      {"--html /dev/null/page.html", "which cannot be written: Not a directory; name a file in"},
  };
  for (const auto& [options, message] : kTable) {
    const Outcome run = shell("$decant compare --prompt ROMEO: " + std::string(options));
    EXPECT_EQ(run.status, 2) << options;
    EXPECT_EQ(run.out, "");
    EXPECT_THAT(run.err, HasSubstr(message)) << options;
    EXPECT_EQ(std::ranges::count(run.err, '\n'), 1) << run.err;
  }
}

TEST(CliCompare, APageThatCannotBeWrittenLeavesTheOldOne) {
  const TempFolder folder;
  const std::string page = (folder.path() / "page.html").string();
  std::ofstream(page) << "old";
  // No file may get longer than nothing, as on a full disk; what is printed goes to a pipe.
  const Outcome run = shell(
      "( trap '' XFSZ; ulimit -f 0; $decant compare --quiet --prompt ROMEO: --samples 1 "
      "--max-new-tokens 2 --strategy 'x:' --html " +
      page + " 2>&1; echo status $? ) | cat");
  EXPECT_THAT(run.out, HasSubstr("page.html: cannot write: File too large\nstatus 1\n"));
  EXPECT_EQ(read_all(page), "old");
  const std::filesystem::directory_iterator files(folder.path());
  EXPECT_EQ(std::distance(begin(files), end(files)), 1) << "nothing half-written is left";
}

// Each token once, until the vocabulary is used up.
TEST(CliCompare, AStrategyThatForbidsEveryTokenEndsWithWhatThereIs) {
  const Outcome run = shell(
      "$decant compare --quiet --json --prompt ROMEO: --samples 1 --max-new-tokens 1100 --context "
      "slide --strategy 'x: --temperature 0 --no-repeat-ngram-size 1'");
  EXPECT_EQ(run.status, 1);
  EXPECT_THAT(run.err, HasSubstr("decant: strategy 'x', text 0, after 10"));
  EXPECT_EQ(std::ranges::count(run.err, '\n'), 1);
  const json text = json::parse(run.out)["strategies"][0]["texts"][0];
  EXPECT_EQ(text["finish_reason"], "no_candidates");
  Ids tokens = text["tokens"];
  EXPECT_GT(tokens.size(), 1000u);
  EXPECT_EQ(std::set<int>(tokens.begin(), tokens.end()).size(), tokens.size());
}

}  // namespace
}  // namespace decant
