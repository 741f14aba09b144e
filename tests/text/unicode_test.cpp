// Classes at the borders of the table, and every way in which bytes fail to be UTF-8.
#include "unicode.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace decant {
namespace {

using std::string_view_literals::operator""sv;

TEST(Classify, KnowsTheClassesOfTheSplitPattern) {
  for (const char32_t c :
       U"aZ\u00e9\u0416\u05d0\u4e00\u3042\uac00\u1d00\u02b0\U000105c0\U000323af"sv) {
    EXPECT_EQ(classify(c), CharClass::kLetter) << std::hex << std::uint32_t{c};
  }
  for (const char32_t c : U"09\u00b2\u00bd\u0660\u2160\u3007\U0001fbf9"sv) {
    EXPECT_EQ(classify(c), CharClass::kNumber) << std::hex << std::uint32_t{c};
  }
  for (const char32_t c : U"_\u0301\u200d\ufeff\U0001f600\ufffd\U000323b0\U00032400\U0010ffff"sv) {
    EXPECT_EQ(classify(c), CharClass::kOther) << std::hex << std::uint32_t{c};
  }
}

TEST(Classify, WhiteSpaceIsTheUnicodePropertyAndNothingElse) {
  std::u32string spaces;
  for (char32_t c = 0; c < 0x110000; ++c) {
    if (classify(c) == CharClass::kSpace) spaces += c;
  }
  EXPECT_EQ(spaces,
            U"\t\n\v\f\r \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008"
            U"\u2009\u200a\u2028\u2029\u202f\u205f\u3000");
}

TEST(Classify, CountsOfUnicode16) {  // as the npm package tiktoken has them
  std::size_t letters = 0;
  std::size_t numbers = 0;
  for (char32_t c = 0; c < 0x110000; ++c) {
    letters += classify(c) == CharClass::kLetter;
    numbers += classify(c) == CharClass::kNumber;
  }
  EXPECT_EQ(letters, 141028u);
  EXPECT_EQ(numbers, 1911u);
}

TEST(CharacterAt, DecodesEverySize) {
  const std::string text = "a\u00e9\u3042\U00020000";
  const struct {
    std::size_t at;
    int size;
  } kCases[] = {{0, 1}, {1, 2}, {3, 3}, {6, 4}};
  for (const auto& [at, size] : kCases) {
    EXPECT_EQ(character_at(text, at).size, size);
    EXPECT_EQ(character_at(text, at).char_class, CharClass::kLetter);
  }
}

TEST(CharacterAt, AnInvalidByteIsACharacterOfItsOwn) {
  const std::string kInvalid[] = {
      "\x80",          // a continuation without a lead
      "\xC3",          // truncated
      "\xE3\x81",      // truncated
      "\xF0\xA0\x80",  // truncated
      "\xC3"
      "a",  // interrupted
      "\xE3\x81"
      "a",                 // interrupted
      "\xC1\xA1",          // overlong
      "\xE0\x81\xA1",      // overlong
      "\xF0\x80\x81\xA1",  // overlong
      "\xED\xA0\x80",      // a surrogate
      "\xF4\x90\x80\x80",  // beyond U+10FFFF
      "\xF5\x80\x80\x80",  // no lead
      "\xFF",
  };
  for (const std::string& bytes : kInvalid) {
    const Character first = character_at(bytes, 0);
    EXPECT_EQ(first.size, 1) << testing::PrintToString(bytes);
    EXPECT_EQ(first.char_class, CharClass::kOther) << testing::PrintToString(bytes);
  }
}

TEST(CharacterAt, AcceptsTheBorders) {
  const std::string kBorders[] = {"\x7F",   "\u0080", "\u07ff",     "\u0800",    "\ud7ff",
                                  "\ue000", "\uffff", "\U00010000", "\U0010ffff"};
  for (const std::string& bytes : kBorders) {
    EXPECT_EQ(character_at(bytes, 0).size, bytes.size()) << testing::PrintToString(bytes);
  }
}

}  // namespace
}  // namespace decant
