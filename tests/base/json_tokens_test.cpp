// Strings and numbers just short enough, and a byte longer, wherever JSON may have them.
#include "json_tokens.h"

#include <gtest/gtest.h>

#include <string>

namespace decant {
namespace {

void check(const std::string& text) {
  require_short_json_tokens({"file", std::as_bytes(std::span(text))}, text);
}

TEST(JsonTokens, AreAsLongAsTheBoundAndNoLonger) {
  for (const char* before :
       {"", "{\"", "[\"a\",\"", "{\"a\":\"\\\"\",\"", "[1,", "{\"a\": ", "[\n", "-"}) {
    SCOPED_TRACE(before);
    const std::string start(before);
    const std::string longest(kMaxJsonToken - (start == "-" ? 1 : 0), '7');
    EXPECT_NO_THROW(check(start + longest));
    EXPECT_THROW(check(start + longest + '7'), Error);
  }
}

TEST(JsonTokens, AnEscapedQuoteEndsNoString) {
  std::string text = "\"";
  for (std::size_t i = 0; i <= kMaxJsonToken / 2; ++i) text += "\\\"";
  EXPECT_THROW(check(text), Error);
}

TEST(JsonTokens, ManyShortOnesAreAnyLength) {
  std::string text = "[";
  while (text.size() < 4 * kMaxJsonToken) text += "{\"a b\":-1.5e3},[[]],true,\n";
  EXPECT_NO_THROW(check(text));
}

}  // namespace
}  // namespace decant
