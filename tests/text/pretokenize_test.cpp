// The split pattern as a table of truths, worked out by hand from the regular expression.
#include "pretokenize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace decant {
namespace {

using testing::ElementsAreArray;
using Words = std::vector<std::string>;

Words split(std::string_view text) {
  Words words;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = word_end(text, begin);
    words.emplace_back(text.substr(begin, end - begin));
    begin = end;
  }
  return words;
}

TEST(WordEnd, SplitsAsThePatternDoes) {
  const Words kTable[] = {
      {},
      {"ROMEO", ":"},
      {"It", "'s", " ", " 12", " o", "'", "clock"},
      {"Hello", " world", "!"},
      // one space leads a run of letters, of numbers or of others; a tab or a second space does not
      {" a"},
      {" 1"},
      {" !"},
      {" ", " a"},
      {"\t", "a"},
      {"\t", " a"},
      {" ", "\t", "a"},
      {" ", "\u3000", "a"},
      {"\u00a0", "a"},
      // classes do not mix
      {"ab", "12", "!?", "cd"},
      {"x", "_", "y"},
      {"a", "-", "b"},
      {"1", ",", "000"},
      {"\u4f60\u597d", "\uff0c", "\u4e16\u754c"},
      {"\u0660\u2160\u00bd"},
      {"a\u00e9\u0416z", "\u0301"},
      {"abcdefghijklmnop\u00e9qrstuvwxyz", "1"},
      {"abcdefgh"},
      {"abcdefg", "{"},
      {"ABCXYZabcxyz", "@["},
      {"`", "a", "{"},
      // \s+(?!\S) leaves the last space of a run to what follows
      {" "},
      {"  "},
      {" \n "},
      {"a", "\n\n", "\n", "b"},
      {"a", "  ", " b"},
      {"a", " \n", "\n", "b"},
      {"a", "   "},
      {"a", "\n"},
      {"a", "\n", "b"},
      {"\u2028", "\u2029", "b"},
      {" ", "\u0085", "b"},
      // U+180E, U+200B and U+FEFF are no white space
      {"a", "\u180e", "b"},
      {" \u200b\ufeff"},
      // contractions: lower case, only where a word starts
      {"'s"},
      {"'t", "is"},
      {"'re"},
      {"'ve"},
      {"'m"},
      {"'ll"},
      {"'d"},
      {"'", "r"},
      {"'", "S"},
      {"'", "Ll"},
      {" '", "s"},
      {"!'", "s"},
      {"''", "s"},
      {"I", "'ve", "n"},
      {"'s", "'s"},
      {"\u2019", "s"},
      {"'"},
      {"a", "'"},
      {"'ll", "l"},
      {"'", "l"},
      {"'", "v"},
      {"'d", "\u00e9"},
      // bytes that are no UTF-8 are of the class "other"
      {"a", "\xFF", "b"},
      {" \x80\xC3!"},
      {"\xE3\x81", "a"},
      {"\xED\xA0\x80", "1"},
      {" \xC3", " a"},
      {"a", "\xC2"},
      {"\xF0\x9F\x98", "x"},
      // emoji with joiners and modifiers stay together
      {" \U0001f469\U0001f3fd\u200d\U0001f680", "a"},
      {std::string("\0\0", 2), "a"},
  };
  for (const Words& words : kTable) {
    std::string text;
    for (const std::string& word : words) text += word;
    EXPECT_THAT(split(text), ElementsAreArray(words)) << testing::PrintToString(text);
  }
}

}  // namespace
}  // namespace decant
