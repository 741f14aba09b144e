// The regular expressions against std::regex, and against definitions over code points.
#include "regex_automaton.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <random>
#include <regex>
#include <string>

#include "accepts.h"
#include "decant/error.h"
#include "utf8.h"
#include "utf8_of.h"

namespace decant {
namespace {

using testing::HasSubstr;

bool matches(std::string_view pattern, std::string_view text) {
  return accepts(regex_automaton(parse_regex(pattern)), text);
}

std::string random_pattern(std::mt19937& random, int depth) {
  const auto pick = [&](std::initializer_list<const char*> words) {
    return std::string(words.begin()[random() % words.size()]);
  };
  std::string atom =
      pick({"a",    "b",    "c",      "0",      "_",    " ",     "-",       ".",
            "[ab]", "[^a]", "[a-c0]", "\\d",    "\\w",  "\\W",   "\\s",     "\\S",
            "\\D",  "\\.",  "[\\d_]", "[^\\w]", "[b-]", "\\x61", "\\u0062", "[\\x61-\\x62]",
            "\\-"});
  if (depth > 0 && random() % 2 == 0) {
    std::string inner = random_pattern(random, depth - 1);
    while (random() % 3 == 0) inner += "|" + random_pattern(random, depth - 1);
    if (random() % 8 == 0) inner += "|";
    atom = (random() % 2 == 0 ? "(" : "(?:") + inner + ")";
  }
  if (random() % 3 == 0) {
    atom += pick({"*", "+", "?", "{2}", "{1,2}", "{0,3}", "{2,}", "{0}", "{0,}", "{1}"});
  }
  if (depth > 0 && random() % 2 == 0) atom += random_pattern(random, depth - 1);
  return atom;
}

// Whole matches, of texts that both take for one byte a character.
TEST(RegexAutomaton, AgreesWithTheStandardLibrary) {
  std::mt19937 random(1);
  int matched = 0;
  for (int round = 0; round < 3000; ++round) {
    const std::string pattern = random_pattern(random, 3);
    const ByteAutomaton automaton = regex_automaton(parse_regex(pattern));
    const std::regex reference(pattern,
                               std::regex::ECMAScript | std::regex_constants::__polynomial);
    for (int i = 0; i < 30; ++i) {
      std::string text(random() % 7, ' ');
      for (char& c : text) c = "abcab0_- .\n"[random() % 11];
      const bool expected = std::regex_match(text, reference);
      matched += expected ? 1 : 0;
      ASSERT_EQ(accepts(automaton, text), expected) << pattern << " on '" << text << "'";
    }
  }
  EXPECT_GT(matched, 5000);  // not all of it was about nothing
}

TEST(RegexAutomaton, Table) {
  const struct {
    std::string_view pattern;
    std::vector<std::string_view> match;
    std::vector<std::string_view> miss;
  } table[] = {
      {"(?:)", {""}, {"a"}},
      {"|a", {"", "a"}, {"aa"}},
      {"^ab|c$", {"ab", "c"}, {"abc", "", "^ab"}},
      {"^$", {""}, {"a"}},
      {"a{3}", {"aaa"}, {"aa", "aaaa", ""}},
      {"(a{2}){2,3}", {"aaaa", "aaaaaa"}, {"aa", "aaa", "aaaaa", "aaaaaaaa"}},
      {"a{0}b", {"b"}, {"ab"}},
      {"(a*)*b", {"b", "aab"}, {"aa"}},
      {"((a?)+)+", {"", "aaa"}, {"b"}},
      {"(?<year>\\d{4})-(?P<month>[01]\\d)", {"2024-05"}, {"2024-5", "24-05", "2024-25"}},
      {"\\x{1F600}", {"\U0001F600"}, {"\U0001F601"}},
      {"\\u00E9|\xC3\xA8", {"\u00E9", "\u00E8"}, {"e", "\u00EA"}},
      {"\u00E9{2}", {"\u00E9\u00E9"}, {"\u00E9", "\xC3\xA9\xA9"}},  // of a character, not a byte
      {"[\u00E0-\u00E9x]", {"\u00E0", "\u00E5", "x"}, {"\u00EA", "\xC3"}},
      {"\\{\\}\\[\\]\\(\\)\\|\\\\\\^\\$\\/", {"{}[]()|\\^$/"}, {}},
      {"a}b]", {"a}b]"}, {}},
      {"[[^$.*(]+", {"[^$.*("}, {"x", ""}},
      {"[\\]a\\-^[]", {"]", "a", "-", "^", "["}, {"b", "\\"}},
      {"[-a]|[b-]", {"-", "a", "b"}, {"c"}},
      {"\\n\\t\\r\\f\\v", {"\n\t\r\f\v"}, {}},
      {"[^\\n]", {"a", "\r", "\u2028"}, {"\n"}},
      {".", {"\r", "\u2028"}, {"\n", "", "ab"}},
      {"\\/", {"/"}, {"\\"}},
  };
  for (const auto& [pattern, match, miss] : table) {
    for (const auto text : match) EXPECT_TRUE(matches(pattern, text)) << pattern << ' ' << text;
    for (const auto text : miss) EXPECT_FALSE(matches(pattern, text)) << pattern << ' ' << text;
  }
  EXPECT_TRUE(matches("\\0", std::string_view("\0", 1)));
}

// Each code point is one match or none, as the definition says; and what is not UTF-8 is none.
TEST(RegexAutomaton, ClassesAreSetsOfCodePoints) {
  const auto in = [](char32_t c, char32_t first, char32_t last) { return c >= first && c <= last; };
  const auto word = [=](char32_t c) {
    return in(c, '0', '9') || in(c, 'A', 'Z') || in(c, 'a', 'z') || c == '_';
  };
  const auto space = [=](char32_t c) { return in(c, 9, 13) || c == ' '; };
  const struct {
    const char* pattern;
    std::function<bool(char32_t)> has;
  } table[] = {
      {".", [](char32_t c) { return c != '\n'; }},
      {"\\d", [=](char32_t c) { return in(c, '0', '9'); }},
      {"\\D", [=](char32_t c) { return !in(c, '0', '9'); }},
      {"\\w", word},
      {"\\W", [=](char32_t c) { return !word(c); }},
      {"\\s", space},
      {"\\S", [=](char32_t c) { return !space(c); }},
      {"[^a]", [](char32_t c) { return c != 'a'; }},
      {"[\\D0]|[^\\D\\d]", [=](char32_t c) { return !in(c, '1', '9'); }},
      {"[\\u00E9-\\x{1F600}]", [=](char32_t c) { return in(c, 0xE9, 0x1F600); }},
      {"[^\\u0400-\\uFFFFx]", [=](char32_t c) { return !in(c, 0x400, 0xFFFF) && c != 'x'; }},
      {"[\\x{10FFFF}\u00E4]", [](char32_t c) { return c == 0x10FFFF || c == 0xE4; }},
  };
  for (const auto& [pattern, has] : table) {
    SCOPED_TRACE(pattern);
    const ByteAutomaton automaton = regex_automaton(parse_regex(pattern));
    for (char32_t c = 0; c <= 0x10FFFF; ++c) {
      const bool surrogate = c >= 0xD800 && c <= 0xDFFF;
      ASSERT_EQ(accepts(automaton, utf8_of(c)), !surrogate && has(c))
          << static_cast<std::uint32_t>(c);
    }
    std::mt19937 random(1);
    for (int round = 0; round < 20000; ++round) {
      std::string bytes(1 + random() % 4, ' ');
      for (char& byte : bytes)
        byte = static_cast<char>(random() % 5 == 0 ? random() : (random() | 128));
      if (decode_utf8(bytes, 0).size != bytes.size()) {
        ASSERT_FALSE(accepts(automaton, bytes));
      }
    }
  }
}

// Not by a clock, which other programs share: each of these would need hours, or the whole memory.
TEST(RegexAutomaton, HostilePatternsAreRefused) {
  const auto refusal = [](const std::string& pattern) -> std::string {
    try {
      regex_automaton(parse_regex(pattern));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidOption);
      return error.what();
    }
    return "accepted";
  };
  EXPECT_THAT(refusal("(((a{100}){100}){100})"), HasSubstr("the pattern comes to more than"));
  EXPECT_THAT(refusal("((((){1000}){1000}){1000}){1000}"), HasSubstr("the pattern comes to"));
  EXPECT_THAT(refusal("((((a?){0,1000}){0,1000}){0,1000})"), HasSubstr("the pattern comes to"));
  EXPECT_THAT(refusal("(((.{1000}){1000}){1000})"), HasSubstr("the pattern comes to"));
  EXPECT_THAT(refusal("(a|b)*a(a|b){20}"), HasSubstr("needs more than 32768 states"));
  EXPECT_THAT(refusal("(.*)(a.{900}|b.{900})"), HasSubstr("regex: the automaton"));
  EXPECT_THAT(refusal("((a?){1000}){25}"), HasSubstr("regex: the automaton takes too long"));
  std::string alternatives = "a";
  for (int i = 0; i < 30000; ++i) alternatives += "|a";
  EXPECT_EQ(refusal(alternatives), "accepted");
  EXPECT_THAT(refusal("(" + alternatives + "){1000}"), HasSubstr("the pattern comes to"));
  EXPECT_EQ(refusal("(a{0,1000})?"), "accepted");
  EXPECT_EQ(refusal(".{0,1000}"), "accepted");
  EXPECT_EQ(refusal("(a|b)*a(a|b){12}"), "accepted");
}

}  // namespace
}  // namespace decant
