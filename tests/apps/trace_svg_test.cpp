// The pictures are read as XML, and what they show is compared with the trace.
#include "trace_svg.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <limits>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "decant/sampling.h"
#include "svg.h"

namespace decant::cli {
namespace {

using testing::AnyOf;
using testing::Contains;
using testing::Each;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

/// An XML element. Its text is that of all that stands in it.
struct Element {
  std::string name;
  std::map<std::string, std::string> attributes;
  std::string text;
  std::vector<Element> children;

  double number(const std::string& attribute) const {
    return attributes.contains(attribute) ? std::stod(attributes.at(attribute)) : 0;
  }
  bool has_class(std::string_view wanted) const {
    const auto found = attributes.find("class");
    if (found == attributes.end()) return false;
    return fmt::format(" {} ", found->second).find(fmt::format(" {} ", wanted)) !=
           std::string::npos;
  }
  /// All elements below that have the class.
  std::vector<Element> all(std::string_view wanted) const {
    std::vector<Element> found;
    for (const Element& child : children) {
      if (child.has_class(wanted)) found.push_back(child);
      for (Element& deeper : child.all(wanted)) found.push_back(std::move(deeper));
    }
    return found;
  }
};

/// Reads what these pictures need of XML, and refuses whatever is not well-formed.
class XmlReader {
 public:
  explicit XmlReader(std::string_view text) : rest_(text) {}

  Element read() {
    Element root = element();
    skip_space();
    if (!rest_.empty()) fail("something after the root");
    return root;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw std::runtime_error(what + " at: " + std::string(rest_.substr(0, 60)));
  }
  bool take(std::string_view word) {
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }
  void expect(std::string_view word) {
    if (!take(word)) fail("expected " + std::string(word));
  }
  void skip_space() {
    while (!rest_.empty() && std::isspace(static_cast<unsigned char>(rest_[0])) != 0) {
      rest_.remove_prefix(1);
    }
  }
  std::string name() {
    std::size_t length = 0;
    while (length < rest_.size() &&
           (std::isalnum(static_cast<unsigned char>(rest_[length])) != 0 || rest_[length] == '-')) {
      ++length;
    }
    if (length == 0) fail("expected a name");
    const std::string_view word = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return std::string(word);
  }
  std::string characters(std::string_view ends) {
    std::string out;
    for (;;) {
      if (rest_.empty()) fail("the end comes too early");
      if (ends.find(rest_[0]) != std::string_view::npos) return out;
      if (take("&amp;")) {
        out += '&';
      } else if (take("&lt;")) {
        out += '<';
      } else if (take("&gt;")) {
        out += '>';
      } else if (take("&quot;")) {
        out += '"';
      } else {
        const auto byte = static_cast<unsigned char>(rest_[0]);
        if (byte == '&' || byte == '<') fail("a bare character");
        if (byte < 0x20 && byte != '\n') fail("a control character");
        out += rest_[0];
        rest_.remove_prefix(1);
      }
    }
  }
  Element element() {
    expect("<");
    Element result{.name = name(), .attributes = {}, .text = {}, .children = {}};
    for (;;) {
      skip_space();
      if (take("/>")) return result;
      if (take(">")) break;
      const std::string attribute = name();
      expect("=\"");
      if (!result.attributes.emplace(attribute, characters("\"<")).second) fail("said twice");
      expect("\"");
    }
    for (;;) {
      result.text += characters("<");
      if (take("</")) {
        expect(result.name);
        expect(">");
        return result;
      }
      result.children.push_back(element());
      if (result.children.back().name != "title") result.text += result.children.back().text;
    }
  }

  std::string_view rest_;
};

/// The names of all elements of a document.
std::vector<std::string> names(const Element& element) {
  std::vector<std::string> found = {element.name};
  for (const Element& child : element.children) {
    for (std::string& name : names(child)) found.push_back(std::move(name));
  }
  return found;
}

Element parse(const std::string& svg) { return XmlReader(svg).read(); }

// A peak, a shoulder and a tail; the ids are not in the order of the ranks.
std::vector<float> example(std::size_t size) {
  std::vector<float> logits(size);
  for (std::size_t rank = 0; rank < size; ++rank) {
    logits[rank * 7 % size] = 5 - 1.7F * std::log(1 + static_cast<float>(rank));
  }
  return logits;
}

Trace trace_of(const SamplingConfig& config, std::size_t size = 24, double u = 0.5) {
  return Pipeline(config).trace(example(size),
                                {.top = std::numeric_limits<std::int64_t>::max(), .u = u}, {});
}

Element picture(const SamplingConfig& config, std::size_t size = 24, double u = 0.5) {
  return parse(trace_svg(trace_of(config, size, u), config));
}

const CandidateTrace& candidate(const Trace& trace, TokenId token) {
  return *std::ranges::find(trace.candidates, token, &CandidateTrace::token);
}

TokenId token_of(const Element& row) { return std::stoi(row.attributes.at("data-token")); }

/// The width of a row's bar of that class; none is 0.
double bar(const Element& row, std::initializer_list<const char*> classes) {
  for (const char* name : classes) {
    for (const Element& found : row.all(name)) {
      if (found.name == "rect") return found.number("width");
    }
  }
  return 0;
}
double raw_bar(const Element& row) { return bar(row, {"raw", "gone"}); }
double final_bar(const Element& row) { return bar(row, {"final", "drawn"}); }

// Coordinates have two decimals.
constexpr double kHalfDigit = 0.0051;

TEST(TraceSvg, HasOneBarACandidateAsLongAsItsProbability) {
  const SamplingConfig config{.temperature = 0.8, .top_k = 12, .top_p = 0.9};
  const Trace trace = trace_of(config, 16);
  const std::vector<Element> rows = parse(trace_svg(trace, config)).all("row");
  ASSERT_THAT(rows, SizeIs(16));
  const double scale = final_bar(rows[0]) / trace.candidates[0].probability;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const CandidateTrace& expected = trace.candidates[i];
    EXPECT_EQ(token_of(rows[i]), expected.token);
    EXPECT_NEAR(raw_bar(rows[i]), scale * std::exp(expected.logprob), 2 * kHalfDigit);
    EXPECT_NEAR(final_bar(rows[i]), scale * expected.probability, 2 * kHalfDigit);
  }
}

TEST(TraceSvg, TagsTheRemovedWithTheirStage) {
  const SamplingConfig config{.top_k = 12, .top_p = 0.8, .min_p = 0.4};
  const Trace trace = trace_of(config, 16);
  std::map<std::string, int> seen;
  for (const Element& row : parse(trace_svg(trace, config)).all("row")) {
    const CandidateTrace& expected = candidate(trace, token_of(row));
    if (!expected.removed_by) {
      EXPECT_FALSE(row.attributes.contains("data-removed-by"));
      continue;
    }
    const std::string& stage = trace.stages[*expected.removed_by].name;
    EXPECT_EQ(row.attributes.at("data-removed-by"), stage);
    EXPECT_THAT(row.text, HasSubstr(stage));
    EXPECT_THAT(row.all("gone"), SizeIs(1));
    EXPECT_EQ(final_bar(row), 0);
    ++seen[stage];
  }
  EXPECT_THAT(seen, SizeIs(3));
}

TEST(TraceSvg, SumsTheOthersInOneRow) {
  const SamplingConfig config{.temperature = 2};
  const Trace trace = trace_of(config, 1000, 0);
  const Element root = parse(trace_svg(trace, config));
  EXPECT_THAT(root.all("row"), SizeIs(20));
  double raw = 0;
  double final = 0;
  for (const CandidateTrace& other : trace.candidates) {
    if (other.rank < 20) continue;
    raw += std::exp(other.logprob);
    final += other.probability;
  }
  const std::vector<Element> others = root.all("others");
  ASSERT_THAT(others, SizeIs(1));
  EXPECT_THAT(others[0].text, HasSubstr("+980 others"));
  EXPECT_THAT(others[0].text, HasSubstr(percent(raw)));
  EXPECT_THAT(others[0].text, HasSubstr(percent(final)));
}

TEST(TraceSvg, SumsTheSameWhoeverLeftTheOthersOut) {
  const SamplingConfig config{.top_p = 0.5};
  Pipeline pipeline(config);
  const std::string few =
      parse(trace_svg(pipeline.trace(example(1000), {.top = 20}), config)).all("others").at(0).text;
  const std::string all = parse(trace_svg(pipeline.trace(example(1000), {.top = 1000}), config))
                              .all("others")
                              .at(0)
                              .text;
  EXPECT_EQ(few, all);
}

TEST(TraceSvg, TellsWhatEachStageDid) {
  const SamplingConfig config{.temperature = 0.8, .top_k = 12, .top_p = 0.8};
  const Trace trace = trace_of(config);
  const std::vector<Element> lines = parse(trace_svg(trace, config)).all("stage");
  ASSERT_THAT(lines, SizeIs(4));
  EXPECT_THAT(lines[0].text, HasSubstr("raw"));
  for (std::size_t i = 0; i < trace.stages.size(); ++i) {
    const StageTrace& stage = trace.stages[i];
    EXPECT_THAT(lines[i + 1].text, HasSubstr(stage.name));
    const double in = bar(lines[i + 1], {"gone"});
    EXPECT_NEAR(bar(lines[i + 1], {"final"}), in * (1 - stage.mass_removed), 2 * kHalfDigit);
  }
  EXPECT_THAT(lines[2].text, HasSubstr("12\n12\n"));  // kept and removed, of 24
}

TEST(TraceSvg, SaysTheSettingsInTheirOrder) {
  SamplingConfig config{.temperature = 0.7, .top_p = 0.9, .repetition_penalty = 1.2};
  config.stages = {"top_p", "temperature", "penalties"};
  const TokenId seen = 3;
  const Trace trace = Pipeline(config).trace(example(24), {}, {.tokens = {&seen, 1}});
  EXPECT_THAT(trace_svg(trace, config),
              HasSubstr(">top_p 0.9 \u00B7 temperature 0.7 \u00B7 penalties repetition 1.2<"));
  EXPECT_THAT(trace_svg(trace_of({}), {}), HasSubstr(">every knob off<"));
}

TEST(TraceSvg, LaysTheSurvivorsEndToEndWithTheNeedleInTheDrawnOne) {
  for (const double u : {0.0, 0.2, 0.5, 0.77, 0.9999}) {
    const SamplingConfig config{.top_k = 4};
    const Trace trace = trace_of(config, 24, u);
    const Element root = parse(trace_svg(trace, config));
    // The pieces are the only bars that stand outside of every group.
    std::vector<Element> pieces;
    for (const Element& child : root.children) {
      if (child.has_class("final") || child.has_class("drawn")) {
        if (child.name == "rect") pieces.push_back(child);
      }
    }
    ASSERT_THAT(pieces, SizeIs(4));
    const double left = pieces[0].number("x");
    double begin = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      const double probability = trace.candidates[i].probability;
      const double width = pieces[i].number("width");
      const double total = 896;
      EXPECT_NEAR(pieces[i].number("x"), left + total * begin, kHalfDigit);
      EXPECT_NEAR(width, total * probability, 1.6);  // a gap tells neighbours apart
      const bool drawn = begin <= u && u < begin + probability;
      EXPECT_EQ(pieces[i].has_class("drawn"), drawn) << u;
      begin += probability;
    }
    const std::string needle = root.all("needle").at(0).attributes.at("d");
    EXPECT_NEAR(std::stod(needle.substr(1)), left + 896 * u, kHalfDigit);
  }
}

TEST(TraceSvg, KeepsTheDotsOfTheCurveWithinItsAxes) {
  // The temperature lifts into sight what lay far below it.
  std::vector<float> logits(100);
  logits[0] = 40;
  logits[1] = 20;
  const SamplingConfig config{.temperature = 3};
  const Element root = parse(trace_svg(Pipeline(config).trace(logits, {.top = 100}), config));
  for (const Element& dots : root.all("dots")) {
    std::istringstream data(dots.attributes.at("d"));
    char letter = 0;
    for (double x = 0, y = 0; data >> letter >> x >> y >> letter >> letter;) {
      EXPECT_LE(x, 928);
      EXPECT_GT(x, 600);
    }
  }
}

TEST(TraceSvg, ListsTheDrawnTokenHoweverImprobable) {
  const SamplingConfig config{.temperature = 1.5};
  const Trace trace = trace_of(config, 1000, 0.999);
  ASSERT_GT(trace.draw.value().rank, 100);
  std::vector<TokenId> listed;
  for (const Element& row : parse(trace_svg(trace, config)).all("row")) {
    listed.push_back(token_of(row));
  }
  EXPECT_THAT(listed, Contains(trace.draw->token));
}

// What chapter 14 asks its readers to notice.

TEST(TraceSvg, ShowsThatTemperatureNearZeroAndTopK1AreArgmax) {
  for (const SamplingConfig& config :
       {SamplingConfig{.temperature = 0}, SamplingConfig{.temperature = 1e-6},
        SamplingConfig{.top_k = 1}}) {
    const std::vector<Element> rows = picture(config, 16).all("row");
    for (std::size_t i = 0; i < rows.size(); ++i) {
      EXPECT_EQ(final_bar(rows[i]), i == 0 ? 144 : 0);
    }
  }
}

TEST(TraceSvg, ShowsThatTemperature2Flattens) {
  const std::vector<Element> rows = picture({.temperature = 2}, 16).all("row");
  EXPECT_LT(final_bar(rows.front()), raw_bar(rows.front()));
  EXPECT_GT(final_bar(rows.back()), raw_bar(rows.back()));
}

TEST(TraceSvg, ShowsThatTopP1DoesNothing) {
  for (const Element& row : picture({.top_p = 1}, 16).all("row")) {
    EXPECT_EQ(final_bar(row), raw_bar(row));
  }
}

TEST(TraceSvg, ShowsThatTopPOneHalfKeepsTheHead) {
  const std::vector<Element> rows = picture({.top_p = 0.5}, 16).all("row");
  const auto removed = [](const Element& row) { return final_bar(row) == 0; };
  EXPECT_TRUE(std::ranges::is_partitioned(rows, std::not_fn(removed)));
  EXPECT_FALSE(removed(rows.front()));
  EXPECT_TRUE(removed(rows.back()));
}

TEST(TraceSvg, SurvivesHostileTokens) {
  const std::vector<std::string> tokens = {
      "</text><script>alert(1)</script>",
      "\"'&amp;&#0;]]>",
      std::string("\0\x01\x1b[31m\x7f", 8),
      "\xff\xc0\x80\xed\xa0\x80\xf5\x80\x80\x80",
      "\xef\xbf\xbe\xef\xbf\xbf",
      "\xe2\x80\xae reversed",
      std::string(10000, 'W'),
      "",
      "\n\r\t",
      "\xe6\xbc",
  };
  const SamplingConfig config{.top_p = 0.9};
  const TokenText text = [&](TokenId token) {
    return tokens[static_cast<std::size_t>(token) % tokens.size()];
  };
  const Element root = parse(trace_svg(trace_of(config), config, text));
  const std::vector<NamedTrace> strategies = {
      {tokens[0] + tokens[2] + tokens[3], trace_of(config)}};
  const Element cells = parse(strategies_svg(strategies, text));
  for (const Element* document : {&root, &cells}) {
    EXPECT_THAT(document->text, Not(HasSubstr("\xe2\x80\xae")));
    EXPECT_THAT(document->text, Not(HasSubstr("WWWWWWWWWWWWWWWWWWWWWWWW")));
    EXPECT_THAT(names(*document),
                Each(AnyOf("svg", "title", "style", "pattern", "g", "rect", "path", "text")));
  }
}

TEST(TraceSvg, IsSmall) {
  const SamplingConfig config{.temperature = 1.1, .min_p = 0.0001};
  EXPECT_LT(trace_svg(trace_of(config, 50257), config).size(), 40'000U);
}

TEST(StrategiesSvg, HasOneCellAStrategyWithOneOrderAndOneScale) {
  const std::vector<SamplingConfig> configs = {
      {}, {.temperature = 0.3}, {.temperature = 2}, {.top_k = 3}, {.typical_p = 0.5}};
  std::vector<NamedTrace> strategies;
  for (const SamplingConfig& config : configs) {
    strategies.push_back({"strategy " + std::to_string(strategies.size()), trace_of(config)});
  }
  const std::vector<Element> cells = parse(strategies_svg(strategies)).all("cell");
  ASSERT_THAT(cells, SizeIs(configs.size()));
  const std::vector<Element> first = cells[0].all("row");
  ASSERT_THAT(first, SizeIs(10));
  const double scale = raw_bar(first[0]) / std::exp(strategies[0].trace.candidates[0].logprob);
  for (std::size_t i = 0; i < cells.size(); ++i) {
    EXPECT_THAT(cells[i].text, HasSubstr(strategies[i].name));
    EXPECT_THAT(cells[i].text, HasSubstr("+14"));
    const std::vector<Element> rows = cells[i].all("row");
    ASSERT_THAT(rows, SizeIs(first.size()));
    for (std::size_t j = 0; j < rows.size(); ++j) {
      const CandidateTrace& expected = candidate(strategies[i].trace, token_of(rows[j]));
      EXPECT_EQ(token_of(rows[j]), token_of(first[j]));
      EXPECT_EQ(raw_bar(rows[j]), raw_bar(first[j]));
      EXPECT_NEAR(final_bar(rows[j]), scale * expected.probability, 2 * kHalfDigit);
      EXPECT_THAT(rows[j].all("gone"), SizeIs(expected.removed_by ? 1 : 0));
    }
  }
}

TEST(VisibleToken, TellsDifferentTokensApart) {
  const std::vector<std::pair<std::string, std::string>> table = {
      {"the", "the"},
      {" the", "\u2423the"},
      {"\n", "\\n"},
      {"\\n", "\\\\n"},
      {"\t\r", "\\t\\r"},
      {std::string(1, '\0'), "\\u{0}"},
      {"\x1b[0m", "\\u{1b}[0m"},
      {"\x80", "\\x80"},
      {"\xe2\x80", "\\xe2\\x80"},                    // cut off
      {"\xc0\xaf", "\\xc0\\xaf"},                    // overlong
      {"\xed\xa0\x80", "\\xed\\xa0\\x80"},           // a surrogate
      {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},  // beyond U+10FFFF
      {"\u202e", "\\u{202e}"},                       // turns the text around
      {"\u00a0", "\\u{a0}"},                         // looks like a space
      {"\u200b", "\\u{200b}"},                       // looks like nothing
      {"\u00e9\u6f22\U0001F600", "\u00e9\u6f22\U0001F600"},
      {"", "\u2205"},
  };
  for (const auto& [bytes, shown] : table) EXPECT_EQ(visible_token(bytes, 40), shown);
}

TEST(VisibleToken, EndsInAnEllipsisWhereMoreWasThere) {
  EXPECT_EQ(visible_token("abcdef", 6), "abcdef");
  EXPECT_EQ(visible_token("abcdefg", 6), "abcde\u2026");
  EXPECT_EQ(visible_token("\u6f22\u5b57\u6f22", 6), "\u6f22\u5b57\u6f22");
  EXPECT_EQ(visible_token("\u6f22\u5b57\u6f22", 5), "\u6f22\u5b57\u2026");
  EXPECT_EQ(visible_token("ab\n\n", 5), "ab\\n\u2026");
}

TEST(Percent, IsNeverRoundedToNothingOrToAll) {
  EXPECT_EQ(percent(0), "0%");
  EXPECT_EQ(percent(1e-9), "<0.01%");
  EXPECT_EQ(percent(0.0123), "1.23%");
  EXPECT_EQ(percent(0.09996), "10.0%");
  EXPECT_EQ(percent(0.456), "45.6%");
  EXPECT_EQ(percent(0.99999), ">99.9%");
  EXPECT_EQ(percent(1), "100%");
}

TEST(Count, GroupsDigits) {
  EXPECT_EQ(count(0), "0");
  EXPECT_EQ(count(999), "999");
  EXPECT_EQ(count(50257), "50,257");
  EXPECT_EQ(count(1234567), "1,234,567");
}

}  // namespace
}  // namespace decant::cli
