// One contradiction per refusal.
#include "vocabulary_builder.h"

#include "text_testing.h"

namespace decant {
namespace {

VocabularyBuilder bytes_only() {
  VocabularyBuilder builder("v");
  for (int byte = 0; byte < 256; ++byte)
    builder.add_token(std::string(1, static_cast<char>(byte)), byte);
  return builder;
}

TEST(InQuotes, FitsOnOneLine) {
  EXPECT_EQ(in_quotes("abc"), "'abc'");
  EXPECT_EQ(in_quotes("a\nb\x1B\x7F"), "'a\\x0ab\\x1b\\x7f'");
  EXPECT_EQ(in_quotes("\u4f60\u0085\xFF"), "'\u4f60\\xc2\\x85\\xff'");
  EXPECT_EQ(in_quotes(std::string(1000, 'x')), "'" + std::string(40, 'x') + "...'");
}

TEST(VocabularyBuilder, MalformedTokens) {
  auto builder = bytes_only();
  const auto refuse = [&](const char* message, std::string bytes, std::int64_t id) {
    expect_error(ErrorCode::kMalformed, message, [&] { builder.add_token(std::move(bytes), id); });
  };
  refuse("v: token 'abc' has id -3, which is negative", "abc", -3);
  refuse("v: token 'abc' has id 97, which 'a' has too", "abc", 97);
  refuse("v: token 'a' has id 300 and, once more, 97", "a", 300);
  refuse("v: token '' has id 300 and no bytes", "", 300);
}

TEST(VocabularyBuilder, TooLargeIds) {
  auto builder = bytes_only();
  builder.add_token("last", VocabularyBuilder::kMaxTokens - 1);
  for (const std::int64_t id : {VocabularyBuilder::kMaxTokens, std::int64_t{INT64_MAX}}) {
    expect_error(ErrorCode::kTooLarge, "beyond the 1048576 tokens",
                 [&] { builder.add_token("abc", id); });
  }
}

TEST(VocabularyBuilder, MalformedMerges) {
  auto builder = bytes_only();
  builder.add_token("ab", 256);
  const auto refuse = [&](const char* message, const char* left, const char* right) {
    expect_error(ErrorCode::kMalformed, message,
                 [&] { builder.add_merge(left, right, "m: line 2"); });
  };
  refuse("m: line 2: 'xy' is not a token of v", "xy", "b");
  refuse("m: line 2: 'xy' is not a token of v", "b", "xy");
  refuse("m: line 2: 'ba' is not a token of v", "b", "a");
  builder.add_merge("a", "b", "m: line 1");
  refuse("m: line 2: the merge of 'a' and 'b' is there already", "a", "b");
}

TEST(VocabularyBuilder, MalformedWithoutAByte) {
  VocabularyBuilder builder("v");
  for (int byte = 0; byte < 256; ++byte) {
    if (byte != ' ') builder.add_token(std::string(1, static_cast<char>(byte)), byte);
  }
  expect_error(ErrorCode::kMalformed, "v: byte 32 ('\u0120' in GPT-2's alphabet) is not a token",
               [&] { std::move(builder).build(Vocabulary::EveryTokenReachable::kNo); });
}

TEST(VocabularyBuilder, MalformedWhereMostMergesAreMissing) {
  auto builder = bytes_only();
  for (int i = 0; i < 5000; ++i) builder.add_token("token" + std::to_string(i), 256 + i);
  expect_error(ErrorCode::kMalformed, "v: no merge makes 5000 of its 5256 tokens",
               [&] { std::move(builder).build(Vocabulary::EveryTokenReachable::kNo); });
}

TEST(VocabularyBuilder, UnsupportedSpecialTokenThatAMergeMakes) {
  auto builder = bytes_only();
  builder.add_special("ab", 256);
  builder.add_merge("a", "b", "m: line 1");
  expect_error(ErrorCode::kUnsupported, "v: added token 'ab' is also what a merge makes",
               [&] { std::move(builder).build(Vocabulary::EveryTokenReachable::kNo); });
}

TEST(VocabularyBuilder, UnmadeTokensAreSpecialAndHolesStay) {
  auto builder = bytes_only();
  builder.add_token("<end>", 400);
  const Vocabulary vocabulary = std::move(builder).build(Vocabulary::EveryTokenReachable::kNo);
  EXPECT_EQ(vocabulary.specials(), std::vector<TokenId>{400});
  EXPECT_EQ(vocabulary.tokens().size(), 401u);
  EXPECT_NO_THROW(vocabulary.tokens().check(400));
  expect_error(ErrorCode::kInvalidToken, "token id 399", [&] { vocabulary.tokens().check(399); });
}

}  // namespace
}  // namespace decant
