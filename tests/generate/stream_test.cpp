#include "stream.h"

#include <gtest/gtest.h>

#include <random>

namespace decant {
namespace {

struct Streamed {
  std::string text;
  bool stopped;
  bool operator==(const Streamed&) const = default;
};

// Pushes `bytes` in pieces of at most `piece` bytes.
Streamed run(std::string_view bytes, const std::vector<std::string>& stops, std::size_t piece = 1,
             bool raw = false) {
  Stream stream(stops, raw);
  std::string text;
  for (std::size_t i = 0; i < bytes.size() && !stream.stopped(); i += piece) {
    text += stream.push(bytes.substr(i, piece));
  }
  text += stream.finish();
  return {text, stream.stopped()};
}

TEST(Stream, StopTable) {
  const struct {
    std::string_view bytes;
    std::vector<std::string> stops;
    std::string text;
    bool stopped;
  } kTable[] = {
      {"hello", {}, "hello", false},
      {"hello world", {"wor"}, "hello ", true},
      {"hello wo", {"wor"}, "hello wo", false},  // held back, and given out at the end
      {"aaab", {"aab"}, "a", true},              // a failed start overlaps the real one
      {"abcabd", {"abd"}, "abc", true},
      {"abcd", {"bcd", "c"}, "ab", true},  // complete first wins
      {"abcd", {"c", "bc"}, "a", true},    // ending together: the longest wins
      {"stop", {"stop"}, "", true},
      {"\xC3\xA9t\xC3\xA9", {"t\xC3"}, "\xC3\xA9", true},  // bytes, also inside a character
      {"\n\nROMEO", {"\n\n"}, "", true},
  };
  for (const auto& row : kTable) {
    for (std::size_t piece = 1; piece <= 12; ++piece) {
      EXPECT_EQ(run(row.bytes, row.stops, piece), (Streamed{row.text, row.stopped}))
          << row.bytes << " in pieces of " << piece;
    }
  }
}

TEST(Stream, HoldsBackOnlyWhatCouldBeTheStartOfAStop) {
  Stream stream({"\nROMEO", "END"}, false);
  EXPECT_EQ(stream.push("Good\n"), "Good");
  EXPECT_EQ(stream.push("RO"), "");
  EXPECT_EQ(stream.push("B E"), "\nROB ");
  EXPECT_EQ(stream.push("N"), "");
  EXPECT_EQ(stream.push("x"), "ENx");
  EXPECT_EQ(stream.finish(), "");
}

// The Unicode Standard's own example of maximal subparts (3.9, table 3-8), and friends.
TEST(Stream, BrokenUtf8BecomesReplacementCharacters) {
  const struct {
    std::string_view bytes;
    std::string text;
  } kTable[] = {
      {"\xE2\x82\xAC", "\xE2\x82\xAC"},
      {"\xF0\x9F\x98\x80!", "\xF0\x9F\x98\x80!"},
      {"\xE2\x82", "\uFFFD"},  // unfinished at the end: one
      {"\xF0\x9F\x98", "\uFFFD"},
      {"a\xFFz", "a\uFFFDz"},
      {"\x80\xBF", "\uFFFD\uFFFD"},                      // continuations alone
      {"\xC0\xAF", "\uFFFD\uFFFD"},                      // overlong
      {"\xE0\x80\x80", "\uFFFD\uFFFD\uFFFD"},            // overlong
      {"\xED\xA0\x80", "\uFFFD\uFFFD\uFFFD"},            // a surrogate
      {"\xF4\x90\x80\x80", "\uFFFD\uFFFD\uFFFD\uFFFD"},  // beyond U+10FFFF
      {"\x61\xF1\x80\x80\xE1\x80\xC2\x62\x80\x63\x80\xBF\x64",
       "a\uFFFD\uFFFD\uFFFDb\uFFFDc\uFFFD\uFFFD"
       "d"},
  };
  for (const auto& row : kTable) {
    for (std::size_t piece = 1; piece <= 5; ++piece) {
      EXPECT_EQ(run(row.bytes, {}, piece).text, row.text);
    }
  }
}

TEST(Stream, RawPassesEveryByteOn) {
  std::mt19937 random(1);
  std::string bytes;
  for (int i = 0; i < 2000; ++i) bytes += static_cast<char>(random());
  EXPECT_EQ(run(bytes, {}, 7, true).text, bytes);
  EXPECT_EQ(run("ab\xFF"
                "cd",
                {"\xFF"}, 2, true)
                .text,
            "ab");
}

TEST(Stream, ShowsACharacterWithItsLastByte) {
  Stream stream({}, false);
  EXPECT_EQ(stream.push("\xF0\x9F"), "");
  EXPECT_EQ(stream.push("\x98\x80 a\xC3"), "\xF0\x9F\x98\x80 a");
  EXPECT_EQ(stream.finish(), "\uFFFD");
}

// However bytes fall into tokens, the text is the same.
TEST(Stream, TheTextDoesNotDependOnThePieces) {
  std::mt19937 random(2);
  const std::string alphabet = "aab\xC3\xA9\n";
  for (int round = 0; round < 3000; ++round) {
    std::string bytes;
    for (unsigned i = 0; i < random() % 30; ++i) bytes += alphabet[random() % alphabet.size()];
    std::vector<std::string> stops;
    for (unsigned i = 0; i < random() % 3; ++i) {
      std::string stop;
      for (unsigned j = 0; j < 1 + random() % 3; ++j) stop += alphabet[random() % alphabet.size()];
      stops.push_back(stop);
    }
    const Streamed whole = run(bytes, stops, 100);
    for (const std::size_t piece : {1u, 2u, 3u, 5u}) EXPECT_EQ(run(bytes, stops, piece), whole);
  }
}

}  // namespace
}  // namespace decant
