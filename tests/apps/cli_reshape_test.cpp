// decant reshape: what comes out for logits whose probabilities are known beforehand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>
#include <sstream>
#include <vector>

#include "program.h"

namespace decant {
namespace {

using nlohmann::json;

using testing::ElementsAre;
using testing::HasSubstr;

using testing::Pointwise;
using testing::StartsWith;

constexpr double kRounding = 1e-6;  // logits are float32

// Out of order, so that a token is not its rank. Token 5 is impossible.
const std::vector<double> kProbabilities = {.0625, .5, .125, .25, .0625, 0};

std::string as_json(const std::vector<double>& probabilities) {
  json logits = json::array();
  for (const double p : probabilities) logits.push_back(std::log(p));  // -inf is written as null
  return logits.dump();
}

json reshape(const std::string& options) {
  const Outcome run =
      shell("echo '" + as_json(kProbabilities) + "' | $decant reshape - --json " + options);
  EXPECT_EQ(run.status, 0) << run.err;
  EXPECT_EQ(run.err, "");
  return json::parse(run.out);
}

std::vector<int> tokens(const json& object) {
  std::vector<int> all;
  for (const json& survivor : object["final"]) all.push_back(survivor["token"]);
  return all;
}

std::vector<double> probabilities(const json& object) {
  std::vector<double> all;
  for (const json& survivor : object["final"]) all.push_back(survivor["probability"]);
  return all;
}

double entropy(const std::vector<double>& distribution) {
  return std::accumulate(distribution.begin(), distribution.end(), 0.0,
                         [](double sum, double p) { return p > 0 ? sum - p * std::log(p) : sum; });
}

std::vector<double> normalised(std::vector<double> weights) {
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  for (double& weight : weights) weight /= sum;
  return weights;
}

TEST(CliReshape, GivesWhatTheDefinitionsGive) {
  const struct {
    const char* options;
    std::vector<int> tokens;
    std::vector<double> weights;
  } kTable[] = {
      {"", {1, 3, 2, 0, 4}, {.5, .25, .125, .0625, .0625}},
      {"--temperature 0.5", {1, 3, 2, 0, 4}, {.25, .0625, 1. / 64, 1. / 256, 1. / 256}},
      {"--temperature 0", {1}, {1}},
      {"--top-k 2", {1, 3}, {.5, .25}},
      {"--top-k 4", {1, 3, 2, 0, 4}, {.5, .25, .125, .0625, .0625}},  // the fourth has a tie
      {"--top-p 0.7", {1, 3}, {.5, .25}},
      {"--top-p 0.7 --top-p-rule exclusive", {1}, {1}},
      {"--min-p 0.2", {1, 3, 2}, {.5, .25, .125}},
      {"--epsilon-cutoff 0.2", {1, 3}, {.5, .25}},
      {"--logit-bias 1=-inf", {3, 2, 0, 4}, {.25, .125, .0625, .0625}},
      {"--logit-bias 4=40 --top-p 0.9", {4}, {1}},
      // Of the four that top_k leaves only two hold 0.7, but all of them would without top_k.
      {"--top-k 3 --top-p 0.86", {1, 3, 2}, {.5, .25, .125}},
      {"--top-k 3 --top-p 0.857", {1, 3}, {.5, .25}},
  };
  for (const auto& row : kTable) {
    const json object = reshape(row.options);
    EXPECT_EQ(tokens(object), row.tokens) << row.options;
    const std::vector<double> expected = normalised(row.weights);
    EXPECT_THAT(probabilities(object), Pointwise(testing::DoubleNear(kRounding), expected))
        << row.options;
    EXPECT_NEAR(object["entropy"].get<double>(), entropy(expected), 10 * kRounding) << row.options;
    EXPECT_EQ(object["vocab_size"], 6);
  }
}

TEST(CliReshape, StagesSayWhatTheyRemoved) {
  const json object = reshape("--temperature 1.5 --top-k 3 --top-p 0.6");
  const json& stages = object["stages"];
  ASSERT_EQ(stages.size(), 3u);
  std::vector<double> hot;
  for (const double p : {.5, .25, .125, .0625, .0625}) hot.push_back(std::pow(p, 1 / 1.5));
  hot = normalised(hot);
  const std::vector<double> three = normalised({hot[0], hot[1], hot[2]});

  EXPECT_EQ(stages[0]["name"], "temperature");
  EXPECT_EQ(stages[0]["kept"], 5);
  EXPECT_EQ(stages[0]["removed"], 0);
  EXPECT_EQ(stages[0]["mass_removed"], 0);
  EXPECT_TRUE(stages[0]["threshold"].is_null());

  EXPECT_EQ(stages[1]["name"], "top_k");
  EXPECT_EQ(stages[1]["kept"], 3);
  EXPECT_EQ(stages[1]["removed"], 2);
  EXPECT_NEAR(stages[1]["mass_removed"].get<double>(), hot[3] + hot[4], kRounding);
  EXPECT_NEAR(stages[1]["threshold"].get<double>(), hot[2], kRounding);

  EXPECT_EQ(stages[2]["name"], "top_p");
  EXPECT_EQ(stages[2]["kept"], 2);
  EXPECT_NEAR(stages[2]["mass_removed"].get<double>(), three[2], kRounding);
  EXPECT_NEAR(stages[2]["threshold"].get<double>(), three[1], kRounding);

  const json& last = object["trace"]["candidates"][4];
  EXPECT_EQ(last["token"], 4);
  EXPECT_EQ(last["removed_by"], "top_k");
  EXPECT_EQ(last["logits"].size(), 1u);  // after temperature
  EXPECT_EQ(last["probability"], 0);
}

// The chapter's list of things to notice.
TEST(CliReshape, ShowsTheThingsToNotice) {
  const json plain = reshape("");
  const std::vector<double> cold = probabilities(reshape("--temperature 0.000001"));
  EXPECT_EQ(cold[0], 1);
  EXPECT_EQ(cold[1], 0);
  EXPECT_GT(reshape("--temperature 2")["entropy"], plain["entropy"]);
  EXPECT_EQ(reshape("--top-k 1")["final"], reshape("--temperature 0")["final"]);
  EXPECT_EQ(reshape("--top-p 1")["final"], plain["final"]);
  EXPECT_EQ(reshape("--top-p 1")["stages"], json::array());
  EXPECT_THAT(tokens(reshape("--top-p 0.5")), ElementsAre(1));  // only the head
}

TEST(CliReshape, OrderIsData) {
  // The chapter's order flattens first, so that top_p needs more tokens.
  EXPECT_EQ(tokens(reshape("--temperature 3 --top-p 0.7")).size(), 3u);
  EXPECT_EQ(tokens(reshape("--temperature 3 --top-p 0.7 --stages top-k,top-p,temperature")).size(),
            2u);
}

TEST(CliReshape, ADrawComesWithASeedOnly) {
  EXPECT_FALSE(reshape("").contains("draw"));
  for (int seed = 0; seed < 20; ++seed) {
    const json object = reshape("--top-k 3 --seed " + std::to_string(seed));
    const json& draw = object["draw"];
    const double u = draw["u"];
    double begin = 0;
    for (const json& survivor : object["final"]) {
      const double end = begin + survivor["probability"].get<double>();
      if (u < end) {
        EXPECT_EQ(draw["token"], survivor["token"]);
        EXPECT_NEAR(draw["begin"].get<double>(), begin, kRounding);
        EXPECT_NEAR(draw["end"].get<double>(), end, kRounding);
        break;
      }
      begin = end;
    }
    // The luck does not depend on the settings.
    EXPECT_EQ(reshape("--temperature 3 --seed " + std::to_string(seed))["draw"]["u"], u);
  }
}

TEST(CliReshape, JsonHasTheMembersThatScriptsRelyOn) {
  const json object = reshape("--seed 1 --top-k 3 --like hf");
  std::vector<std::string> names;
  for (const auto& [name, value] : object.items()) names.push_back(name);
  EXPECT_THAT(names, testing::UnorderedElementsAre("vocab_size", "config", "stages", "final",
                                                   "entropy", "draw", "trace"));
  EXPECT_EQ(object["config"]["like"], "hf");
  EXPECT_EQ(object["trace"]["possible"], 5);
  EXPECT_EQ(object["trace"]["survivors"], 3);
}

std::string npy(std::string header, const std::vector<float>& values, char version = 1) {
  header += '\n';
  std::string bytes = "\x93NUMPY";
  bytes += {version, '\0', static_cast<char>(header.size() & 0xFF),
            static_cast<char>(header.size() >> 8)};
  if (version != 1) bytes += {'\0', '\0'};
  bytes += header;
  bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  return bytes;
}

Outcome reshape_bytes(const std::string& bytes) {
  const TempFolder folder;
  std::ofstream(folder.path() / "row.npy", std::ios::binary) << bytes;
  return shell("cd " + folder.path().string() + "; $decant reshape row.npy --json");
}

TEST(CliReshape, ReadsNumPysFiles) {
  const char* header = "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }          ";
  std::vector<float> row = {0, 1, -std::numeric_limits<float>::infinity()};
  for (const char version : {'\1', '\2'}) {
    const Outcome run = reshape_bytes(npy(header, row, version));
    ASSERT_EQ(run.status, 0) << run.err;
    const json object = json::parse(run.out);
    EXPECT_EQ(object["vocab_size"], 3);
    EXPECT_THAT(tokens(object), ElementsAre(1, 0));
  }
  row[2] = std::numeric_limits<float>::quiet_NaN();
  const Outcome broken = reshape_bytes(npy(header, row));
  EXPECT_EQ(broken.status, 1);
  EXPECT_THAT(broken.err, StartsWith("decant: row.npy: logits[2] is NaN"));
}

TEST(CliReshape, BadNumPyFilesAreOneClearLine) {
  const std::string good = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }";
  const std::string whole = npy(good, {1, 2});
  const struct {
    std::string bytes;
    const char* message;
  } kTable[] = {
      {npy("{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }", {1, 2, 3, 4}),
       "holds '<f8', not float32"},
      {npy("{'descr': '>f4', 'fortran_order': False, 'shape': (2,), }", {1, 2}), "holds '>f4'"},
      {npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }", {1, 2}),
       "holds records"},
      {npy("{'descr': '<f4', 'fortran_order': True, 'shape': (2,), }", {1, 2}), "Fortran order"},
      {npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }", {1, 2}),
       "has 2 dimensions"},
      {npy("{'descr': '<f4', 'fortran_order': False, 'shape': (), }", {1}), "has 0 dimensions"},
      {npy("{'descr': '<f4', 'fortran_order': False, 'shape': (0,), }", {}), "has no logits"},
      {npy("{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", {1, 2}),
       "has 8 bytes of data, where 3 logits need more"},
      {npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387905,), }", {1, 2}),
       "where 4611686018427387905 logits need more"},
      {npy("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }", {1}),
       "the header of the .npy file"},
      {npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-2,), }", {1, 2}),
       "the header of the .npy file"},
      {npy(good, {1, 2, 3}), "has 12 bytes of data, where 2 logits need 8"},
      {npy("{'descr': '<f4', 'fortran_order': False}", {1, 2}), "the header of the .npy file"},
      {npy("{'descr': '<f4", {1, 2}), "the header of the .npy file"},
      {npy(good + good, {1, 2}), "the header of the .npy file"},
      {npy("{'descr': '<f\n\x1b[2J', 'fortran_order': False, 'shape': (2,), }", {1, 2}),
       "the header of the .npy file"},
      {npy("os.system('false')", {1, 2}), "the header of the .npy file"},
      {npy(good, {1, 2}, 3), "is .npy version 3"},
      {whole.substr(0, 7), "ends within its .npy header"},
      {whole.substr(0, 9), "ends within its .npy header"},
      {whole.substr(0, 40), "ends within its .npy header"},
  };
  for (const auto& row : kTable) {
    const Outcome run = reshape_bytes(row.bytes);
    EXPECT_EQ(run.status, 1) << row.message;
    EXPECT_EQ(run.out, "");
    EXPECT_THAT(run.err, StartsWith("decant: row.npy: "));
    EXPECT_THAT(run.err, HasSubstr(row.message));
    EXPECT_EQ(std::ranges::count(run.err, '\n'), 1) << run.err;
  }
}

TEST(CliReshape, BadInputIsOneClearLine) {
  const struct {
    const char* input;
    const char* options;
    const char* message;
  } kTable[] = {
      {"", "", "stdin: is empty"},
      {"hello", "", "stdin: is neither JSON (at byte 1) nor a .npy file"},
      {"[1, 2", "", "stdin: is neither JSON (at byte 6)"},
      {"[1, 2] 3", "", "stdin: is neither JSON (at byte 8)"},
      {"[1, NaN]", "", "stdin: is neither JSON (at byte 5)"},
      {"{}", "", "stdin: is an object: it must be an array of numbers"},
      {"1", "", "stdin: is a number: it must be an array of numbers"},
      {"null", "", "stdin: is null: it must be an array of numbers"},
      {"[]", "", "stdin: has no logits"},
      {"[1, 2, 3, \"a\"]", "", "stdin: element 3 is a string"},
      {"[1, true]", "", "stdin: element 1 is true"},
      {"[[1, 2]]", "", "stdin: element 0 is an array"},
      {"[1, {\"a\": 1}]", "", "stdin: element 1 is an object"},
      {"[1, 1e39]", "", "stdin: element 1 is beyond what a float32 holds"},
      {"[1, -1e39]", "", "stdin: element 1 is beyond what a float32 holds"},
      {"[1e999]", "", "stdin: element 0 is beyond what a float32 holds"},
      {"[null, null]", "", "stdin: none of the 2 logits is finite"},
      {"[1, 2]", "--logit-bias 0=-inf --logit-bias 1=-inf", "logit_bias bans every token"},
  };
  for (const auto& row : kTable) {
    const Outcome run =
        shell("printf '%s' '" + std::string(row.input) + "' | $decant reshape - " + row.options);
    EXPECT_EQ(run.status, 1) << row.input;
    EXPECT_EQ(run.out, "");
    EXPECT_THAT(run.err, HasSubstr(row.message));
    EXPECT_EQ(std::ranges::count(run.err, '\n'), 1) << run.err;
  }
  // Deeper than any stack.
  EXPECT_THAT(shell("head -c 1000000 /dev/zero | tr '\\0' '[' | $decant reshape -").err,
              HasSubstr("element 0 is an array"));
}

TEST(CliReshape, WordsThatDoNotGoTogetherAreRefused) {
  const struct {
    const char* options;
    const char* message;
  } kTable[] = {
      {"--like hf --stages top_k", "--stages does not go with --like hf"},
      {"--like hf --top-p-rule inclusive", "--top-p-rule does not go with --like hf"},
      {"--like generate.py --min-p 0.1", "--min-p is 0.1: the chapter's generate.py has no such"},
      {"--like nobody", "--like is 'nobody'"},
      {"--strategies --top-k 3", "--top-k does not go with --strategies"},
      {"--strategies --like hf", "--like does not go with --strategies"},
      {"--top 0", "--top is 0: it must be 1 or more"},
      {"--min-p 2", "--min-p is 2: it must be"},
  };
  for (const auto& row : kTable) {
    const Outcome run = shell(std::string("echo '[1, 2]' | $decant reshape - ") + row.options);
    EXPECT_EQ(run.status, 2) << row.options;
    EXPECT_EQ(run.out, "");
    EXPECT_THAT(run.err, HasSubstr(row.message));
    EXPECT_EQ(std::ranges::count(run.err, '\n'), 1) << run.err;
  }
}

TEST(CliReshape, PrintsTheTokensThatAreOrWereMostProbable) {
  const Outcome run = shell("echo '" + as_json(kProbabilities) +
                            "' | $decant reshape - --top 2 --logit-bias 4=9 --top-k 2");
  // Token 1 was the most probable, token 4 is; the other three are summed.
  std::vector<std::string> lines;
  std::istringstream all(run.out);
  for (std::string line; std::getline(all, line);) lines.push_back(line);
  ASSERT_EQ(lines.size(), 11u) << run.out;
  EXPECT_EQ(lines[0], " logit_bias 1 token · top_k 2");
  EXPECT_THAT(lines[3], HasSubstr("raw"));
  EXPECT_THAT(lines[4], HasSubstr("logit_bias"));
  EXPECT_THAT(lines[5], HasSubstr("top_k"));
  EXPECT_THAT(lines[8], testing::ContainsRegex(" 1 +1 +50.0% "));
  EXPECT_THAT(lines[9], testing::ContainsRegex(" [45] +4 +6.25% "));
  EXPECT_THAT(lines[10], testing::ContainsRegex("\\+ 3 others +43.7%"));
}

TEST(CliReshape, WritesAPictureWholeOrNotAtAll) {
  const TempFolder folder;
  const std::string at = "cd " + folder.path().string() + "; echo '[1, 2]' | ";
  for (const char* options : {"", "--strategies "}) {
    const Outcome run = shell(at + "$decant reshape - --seed 1 --svg a.svg " + options);
    EXPECT_EQ(run.status, 0) << run.err;
    EXPECT_NE(run.out, "");
    EXPECT_THAT(read_all(folder.path() / "a.svg"), StartsWith("<svg"));
    EXPECT_EQ(folder.files(), 1);
  }
  std::filesystem::remove(folder.path() / "a.svg");
  const Outcome full = shell("trap '' XFSZ; ulimit -f 1; " + at + "$decant reshape - --svg a.svg");
  EXPECT_EQ(full.status, 1);
  EXPECT_THAT(full.err, HasSubstr("a.svg: cannot write: File too large"));
  EXPECT_EQ(folder.files(), 0);
}

}  // namespace
}  // namespace decant
