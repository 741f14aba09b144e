// Tables of traces made by hand.
#include "trace_table.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

namespace decant::cli {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream all(text);
  for (std::string line; std::getline(all, line);) lines.push_back(line);
  return lines;
}

std::string line_with(const std::string& text, const std::string& words) {
  for (const std::string& line : lines_of(text)) {
    if (line.find(words) != std::string::npos) return line;
  }
  ADD_FAILURE() << "no line with " << words << " in\n" << text;
  return "";
}

CandidateTrace candidate(TokenId token, std::int64_t rank, double raw, double last) {
  CandidateTrace made{
      .token = token, .rank = rank, .logit = std::log(raw), .logprob = std::log(raw)};
  made.probability = last;
  if (last > 0) {
    made.logits = {std::log(last)};
    made.probabilities = {last};
  } else {
    made.removed_by = 0;
  }
  return made;
}

// Token 10 + i has rank i; the stage leaves two of the five.
Trace five_tokens() {
  Trace trace{.vocab_size = 8, .possible = 7, .entropy = std::log(4.0)};
  trace.stages = {
      {.name = "top_k", .kept = 2, .removed = 5, .mass_removed = .25, .threshold = .25}};
  trace.candidates = {candidate(10, 0, .5, .625), candidate(11, 1, .25, .375),
                      candidate(12, 2, .125, 0), candidate(13, 3, .0625, 0),
                      candidate(14, 4, .03125, 0)};
  trace.others = 2;
  trace.others_probability = .03125;
  trace.survivors = 2;
  trace.mass_kept = .75;
  return trace;
}

TEST(TraceTable, BarsAreAsLongAsTheProbabilities) {
  const std::string table = trace_table(five_tokens(), {}, {}, {});
  const auto eighths = [](const std::string& words) {
    int all = 0;
    for (std::size_t at = 0; at < words.size(); ++at) {
      const std::string_view part = std::string_view(words).substr(at, 3);
      if (part == "█") all += 8;
      for (int i = 1; i < 8; ++i) {
        constexpr const char* kParts[] = {"▏", "▎", "▍", "▌", "▋", "▊", "▉"};
        if (part == kParts[i - 1]) all += i;
      }
    }
    return all;
  };
  const auto split = [&](const std::string& line) {  // at the second percentage
    const std::size_t second = line.find('%', line.find('%') + 1);
    return std::pair(eighths(line.substr(0, second)), eighths(line.substr(second)));
  };
  // One scale for both: the largest, .625, is the longest bar.
  const auto [before, after] = split(line_with(table, " 10 "));
  EXPECT_EQ(after, 8 * 22);
  EXPECT_EQ(before, std::lround(8 * 22 * .5 / .625));
  EXPECT_EQ(eighths(line_with(table, " 14 ")), std::lround(8 * 22 * .03125 / .625));
}

TEST(TraceTable, RemovedTokensSayByWhat) {
  const std::string table = trace_table(five_tokens(), {}, {}, {});
  EXPECT_THAT(line_with(table, " 12 "), EndsWith("– top_k"));
  EXPECT_THAT(line_with(table, " 11 "), AllOf(HasSubstr("25.0%"), HasSubstr("37.5%")));
  EXPECT_THAT(line_with(table, "top_k  "),
              AllOf(HasSubstr(" 2 "), HasSubstr(" 5 "), HasSubstr("25.0%"), HasSubstr("0.25")));
  EXPECT_THAT(line_with(table, "raw"), AllOf(HasSubstr("1.386"), HasSubstr("4.0")));
}

TEST(TraceTable, TheSettingsComeFirst) {
  Trace trace = five_tokens();
  trace.stages.insert(trace.stages.begin(), {.name = "temperature"});
  EXPECT_THAT(trace_table(trace, {.temperature = .5, .top_k = 2}, {}, {}),
              testing::StartsWith(" temperature 0.5 · top_k 2\n"));
}

TEST(TraceTable, TheRestIsSummedInOneRow) {
  EXPECT_THAT(line_with(trace_table(five_tokens(), {}, {}, {}), "+ 2 others"), HasSubstr("3.12%"));
  const std::string table = trace_table(five_tokens(), {}, {.top = 1}, {});
  EXPECT_THAT(table, Not(HasSubstr(" 11 ")));
  EXPECT_THAT(line_with(table, "+ 6 others"), AllOf(HasSubstr("50.0%"), HasSubstr("37.5%")));
}

TEST(TraceTable, ATokenThatCameUpFromBelowHasARow) {
  Trace trace = five_tokens();
  trace.candidates[4] = candidate(14, 4, .03125, .625);
  trace.candidates[0] = candidate(10, 0, .5, 0);
  const std::string table = trace_table(trace, {}, {.top = 2}, {});
  line_with(table, " 10 ");
  line_with(table, " 14 ");
}

TEST(TraceTable, TheDrawLiesWhereItsTokenLies) {
  Trace trace = five_tokens();
  trace.draw =
      DrawTrace{.token = 11, .u = .75, .rank = 1, .probability = .375, .begin = .625, .end = 1};
  const std::string table = trace_table(trace, {}, {}, {});
  EXPECT_THAT(line_with(table, "u = "),
              EndsWith("u = 0.7500 → token 11 in [0.6250, 1.0000), rank 2 of 2"));
  EXPECT_THAT(line_with(table, " 11 "), testing::StartsWith("▸"));
  EXPECT_THAT(line_with(table, " 10 "), testing::StartsWith(" "));
  // Of 78 cells, those from 5/8 on are solid, and the needle stands under three quarters.
  const std::vector<std::string> lines = lines_of(table);
  std::string strip = " ";
  for (int cell = 0; cell < 78; ++cell) strip += cell + .5 < 78 * .625 ? "▒" : "█";
  EXPECT_EQ(lines[lines.size() - 2], strip);
  EXPECT_EQ(lines.back(), " " + std::string(58, ' ') + "▲");
}

TEST(TraceTable, AnyTextKeepsTheColumns) {
  Trace trace = five_tokens();
  // What a terminal shows of each, and how many columns that takes.
  const struct {
    const char* text;
    const char* shown;
    std::size_t columns;
  } kTable[] = {
      {" the", "␣the", 4},           {"中文", "中文", 4},
      {"e\u0301", "e\u0301", 1},     {"\x1b[2J\n", "\\u{1b}[2J\\n", 11},
      {"\xff\xfe", "\\xff\\xfe", 8},
  };
  const std::string table = trace_table(trace, {}, {}, [&](TokenId token) {
    return kTable[static_cast<std::size_t>(token - 10)].text;
  });
  for (std::size_t i = 0; i < 5; ++i) {
    const std::string line = line_with(table, fmt::format(" {} ", 10 + i));
    const std::string shown = kTable[i].shown;
    const std::size_t begin = line.find(shown);
    ASSERT_NE(begin, std::string::npos) << line;
    const std::size_t gap = line.find('%') - (begin + shown.size());
    EXPECT_EQ(kTable[i].columns + gap, 15u + 6u) << line;
  }
  EXPECT_THAT(table, Not(HasSubstr("\x1b")));
}

TEST(TraceTable, StylesForTerminalsOnly) {
  EXPECT_THAT(trace_table(five_tokens(), {}, {}, {}), Not(HasSubstr("\x1b")));
  EXPECT_THAT(line_with(trace_table(five_tokens(), {}, {.ansi = true}, {}), " 12 "),
              AllOf(testing::StartsWith("\x1b[2m"), EndsWith("\x1b[0m")));
}

TEST(StrategiesTable, ShowsShapesSideBySide) {
  Trace flat{.possible = 2, .survivors = 2, .mass_kept = 1};
  flat.candidates = {candidate(0, 0, .5, .5), candidate(1, 1, .5, .5)};
  Trace peaked = flat;
  peaked.candidates = {candidate(0, 0, .5, 1), candidate(1, 1, .5, 0)};
  const NamedTrace both[] = {{"flat", flat}, {"peaked", peaked}};
  const std::string table = strategies_table(both, {}, {});
  EXPECT_THAT(line_with(table, "flat"), EndsWith("50.0%  ██"));
  EXPECT_THAT(line_with(table, "peaked"), EndsWith("100%  █·"));
}

}  // namespace
}  // namespace decant::cli
