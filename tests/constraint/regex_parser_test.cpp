#include "regex_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "decant/error.h"

namespace decant {
namespace {

using testing::HasSubstr;

std::string refusal(std::string_view pattern) {
  try {
    parse_regex(pattern);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidOption);
    std::string what = error.what();
    EXPECT_EQ(what.find('\n'), what.npos);
    return what;
  }
  ADD_FAILURE() << "accepted " << pattern;
  return "";
}

TEST(RegexParser, SaysWhatIsWrongAndWhere) {
  const struct {
    std::string_view pattern;
    const char* place;
    const char* what;
  } table[] = {
      {"ab(c", "at offset 2, '(c'", "the group is never closed: add a ')'"},
      {"ab)c", "at offset 2, ')c'", "closes no group: write \\)"},
      {"a|*b", "at offset 2, '*b'", "there is nothing to repeat: write \\*"},
      {"+", "at offset 0", "nothing to repeat: write \\+"},
      {"(?:)|?", "at offset 5", "nothing to repeat: write \\?"},
      {"{\"a\"}", "at offset 0", "nothing to repeat: write \\{"},
      {"a{", "at offset 1", "is no count such as {3}"},
      {"a{x}", "at offset 1", "is no count such as {3}"},
      {"a{,3}", "at offset 1", "is no count such as {3}"},
      {"a{3", "at offset 1", "is no count such as {3}"},
      {"a{3,4", "at offset 1", "is no count such as {3}"},
      {"a{3 }", "at offset 1", "is no count such as {3}"},
      {"a{4,3}", "at offset 1", "its largest count is below its smallest"},
      {"a{1001}", "at offset 1", "a count may be 1000 at most"},
      {"a{99999999999999999999}", "at offset 1", "a count may be 1000 at most"},
      {"a{0,5000}", "at offset 1", "a count may be 1000 at most"},
      {"a*?", "at offset 1, '*?'", "lazy repetition is not supported"},
      {"a??", "at offset 1", "lazy"},
      {"a{2}?", "at offset 1", "lazy"},
      {"a++", "at offset 1", "possessive repetition is not supported"},
      {"a**", "at offset 2", "repeats a repetition"},
      {"a{2}{3}", "at offset 4", "repeats a repetition"},
      {"a^b", "at offset 1", "anchor"},
      {"(^a)", "at offset 1", "anchor"},
      {"^^", "at offset 1", "anchor"},
      {"a$b", "at offset 1", "anchor"},
      {"(a$)", "at offset 2", "anchor"},
      {"^*", "at offset 1", "nothing to repeat"},
      {"\\Aab", "at offset 0", "anchors are not supported"},
      {"a\\b", "at offset 1", "word boundaries are not supported"},
      {"(a)\\1", "at offset 3, '\\1'", "a backreference is not supported"},
      {"(?<x>a)\\k<x>", "at offset 7", "a backreference is not supported"},
      {"(?P<x>a)(?P=x)", "at offset 8", "a backreference is not supported"},
      {"(?=a)", "at offset 0", "lookahead and lookbehind are not supported"},
      {"(?!a)", "at offset 0", "lookahead"},
      {"(?<=a)", "at offset 0", "lookahead"},
      {"a(?<!a)", "at offset 1", "lookahead"},
      {"(?i)a", "at offset 0", "flags are not, so write [aA]"},
      {"(?>a)", "at offset 0", "is no kind of group"},
      {"(?#a)", "at offset 0", "is no kind of group"},
      {"(?<xa)", "at offset 0", "the name of the group must end in '>'"},
      {"(?", "at offset 0", "is no kind of group"},
      {"a[b", "at offset 1, '[b'", "the class is never closed: add a ']'"},
      {"[", "at offset 0", "never closed"},
      {"[a-", "at offset 0", "never closed"},
      {"[]", "at offset 0", "an empty class"},
      {"[^]", "at offset 0", "an empty class"},
      {"[z-a]", "at offset 1", "the range runs backwards"},
      {"[a-\\d]", "at offset 1", "a range goes from one character to another"},
      {"[\\w-z]", "at offset 1", "a range goes from one character to another"},
      {"[[:alpha:]]", "at offset 1", "POSIX classes are not supported"},
      {"a\\", "at offset 1", "a lone backslash ends the pattern"},
      {"[\\", "at offset 1", "a lone backslash"},
      {"\\p{L}", "at offset 0", "Unicode properties are not supported"},
      {"\\q", "at offset 0", "is no escape that is supported"},
      {"\\012", "at offset 0", "octal"},
      {"\\x4", "at offset 0", "is no code point"},
      {"\\x{}", "at offset 0", "is no code point"},
      {"\\x{1234567}", "at offset 0", "is no code point"},
      {"\\x{41", "at offset 0", "is no code point"},
      {"\\u00E", "at offset 0", "is no code point"},
      {"\\x{110000}", "at offset 0", "is beyond the last code point, 10FFFF"},
      {"\\uD83D\\uDE00", "at offset 0", "half of a surrogate pair"},
      {"ab\xC3", "at offset 2, '\\xc3'", "is not UTF-8"},
      {"ab\xFF"
       "c",
       "at offset 2", "is not UTF-8"},
      {"[\xED\xA0\x80]", "at offset 1", "is not UTF-8"},
      {"(", "at offset 0", "never closed"},
  };
  for (const auto& [pattern, place, what] : table) {
    const std::string message = refusal(pattern);
    EXPECT_THAT(message, HasSubstr(std::string("regex: ") + place)) << pattern;
    EXPECT_THAT(message, HasSubstr(what)) << pattern;
  }
}

TEST(RegexParser, NestsNoDeeperThanItSays) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '(') + "a" + std::string(depth, ')');
  };
  EXPECT_NO_THROW(parse_regex(nested(200)));
  EXPECT_THAT(refusal(nested(201)), HasSubstr("at offset 200"));
  EXPECT_THAT(refusal(std::string(65536, '(')), HasSubstr("groups may nest 200 deep at most"));
}

TEST(RegexParser, TakesPatternsOfBoundedLength) {
  EXPECT_NO_THROW(parse_regex(std::string(65536, 'a')));
  EXPECT_THAT(refusal(std::string(1 << 20, 'a')),
              HasSubstr("the pattern has 1048576 bytes; at most 65536 are taken"));
}

}  // namespace
}  // namespace decant
