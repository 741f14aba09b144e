#include "string_automata.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "accepts.h"
#include "decant/error.h"

namespace decant {
namespace {

std::string random_string(std::mt19937& random, std::size_t most) {
  std::string text(random() % (most + 1), ' ');
  for (char& c : text) c = "abc\xFF"[random() % 4];
  return text;
}

TEST(StringAutomata, AnyTextIsAny) {
  EXPECT_TRUE(accepts(any_text(), ""));
  EXPECT_TRUE(accepts(any_text(), std::string_view("\0\xFFz", 3)));
}

TEST(StringAutomata, OneOfIsEquality) {
  std::mt19937 random(1);
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::string> strings(1 + random() % 4);
    for (std::string& s : strings) s = random_string(random, 4);
    const ByteAutomaton automaton = one_of(strings);
    for (int i = 0; i < 30; ++i) {
      const std::string text = random_string(random, 5);
      ASSERT_EQ(accepts(automaton, text), std::ranges::count(strings, text) > 0) << text;
    }
  }
}

TEST(StringAutomata, NoneOfIsSearching) {
  std::mt19937 random(2);
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::string> strings(1 + random() % 4);
    for (std::string& s : strings) s = random_string(random, 4) + "ab"[random() % 2];
    const ByteAutomaton automaton = none_of(strings);
    for (int i = 0; i < 30; ++i) {
      const std::string text = random_string(random, 12);
      const bool clean = std::ranges::none_of(
          strings, [&](const std::string& s) { return text.find(s) != text.npos; });
      ASSERT_EQ(accepts(automaton, text), clean) << text;
    }
  }
}

TEST(StringAutomata, EachByteCanBeBanned) {
  std::vector<std::string> strings;
  for (int byte = 0; byte < 256; ++byte) strings.emplace_back(1, static_cast<char>(byte));
  const ByteAutomaton automaton = none_of(strings);
  EXPECT_TRUE(accepts(automaton, ""));
  for (const std::string& s : strings) EXPECT_FALSE(accepts(automaton, s));
  const ByteAutomaton all = one_of(strings);
  for (const std::string& s : strings) EXPECT_TRUE(accepts(all, s));
}

TEST(StringAutomata, RefuseTheEmptyStringAndTooMany) {
  const auto refusal = [](const auto& make, const std::vector<std::string>& strings) {
    try {
      make(strings);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidOption);
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  EXPECT_THAT(refusal(none_of, {"a", ""}),
              testing::HasSubstr("banned_strings: the empty string is in every text"));
  EXPECT_THAT(refusal(none_of, {std::string(40000, 'a')}),
              testing::HasSubstr("banned_strings: the automaton needs more than 32768 states"));
  EXPECT_THAT(refusal(one_of, {std::string(40000, 'a')}),
              testing::HasSubstr("allowed_strings: the automaton needs more than 32768 states"));
}

}  // namespace
}  // namespace decant
