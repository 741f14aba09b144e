#include "decant/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "c_support.h"

namespace decant {
namespace {

using testing::ElementsAre;

std::vector<TokenId> encode(const CTokenizer& tokenizer, const std::string& text) {
  std::int32_t* tokens = nullptr;
  std::size_t count = 0;
  EXPECT_EQ(decant_tokenizer_encode(tokenizer.get(), text.data(), text.size(), &tokens, &count),
            DECANT_OK);
  const std::unique_ptr<std::int32_t, Ends<decant_free>> owned(tokens);
  return {tokens, tokens + count};
}

std::string decode(const CTokenizer& tokenizer, const std::vector<TokenId>& tokens) {
  char* text = nullptr;
  std::size_t size = 0;
  EXPECT_EQ(decant_tokenizer_decode(tokenizer.get(), tokens.data(), tokens.size(), &text, &size),
            DECANT_OK);
  EXPECT_EQ(text[size], '\0');
  return take(text, size);
}

TEST(CTokenizer, EncodesAndDecodesAnyBytes) {
  const CTokenizer tokenizer = c_gpt2();
  EXPECT_THAT(encode(tokenizer, "ROMEO:"), ElementsAre(33676, 4720, 25));  // OpenAI's ids
  for (const std::string& text :
       {std::string(), std::string("a\0b", 3), std::string("\xff\xfe caf\xc3\xa9 \xf0\x9f\x8e\xad"),
        std::string("<|endoftext|>")}) {
    const std::vector<TokenId> tokens = encode(tokenizer, text);
    EXPECT_EQ(tokens, Tokenizer::gpt2().encode(text));
    EXPECT_EQ(decode(tokenizer, tokens), text);
  }
}

TEST(CTokenizer, NothingMayBeNull) {
  const CTokenizer tokenizer = c_gpt2();
  std::int32_t* tokens = nullptr;
  char* text = nullptr;
  std::size_t size = 1;
  EXPECT_EQ(decant_tokenizer_encode(tokenizer.get(), nullptr, 0, &tokens, &size), DECANT_OK);
  EXPECT_EQ(size, 0);
  decant_free(tokens);
  EXPECT_EQ(decant_tokenizer_decode(tokenizer.get(), nullptr, 0, &text, &size), DECANT_OK);
  EXPECT_EQ(take(text, size), "");
}

TEST(CTokenizer, GivesOneTokensBytes) {
  const CTokenizer tokenizer = c_gpt2();
  const char* bytes = nullptr;
  std::size_t size = 0;
  ASSERT_EQ(decant_tokenizer_token_bytes(tokenizer.get(), 33676, &bytes, &size), DECANT_OK);
  EXPECT_EQ(std::string(bytes, size), "ROM");
  for (const TokenId bad : {-1, 50257}) {
    EXPECT_EQ(decant_tokenizer_token_bytes(tokenizer.get(), bad, &bytes, &size),
              DECANT_ERROR_INVALID_TOKEN);
    EXPECT_EQ(bytes, nullptr);
    char* text = nullptr;
    EXPECT_EQ(decant_tokenizer_decode(tokenizer.get(), &bad, 1, &text, &size),
              DECANT_ERROR_INVALID_TOKEN);
  }
}

TEST(CTokenizer, CountsItsTokens) {
  std::size_t size = 0;
  ASSERT_EQ(decant_tokenizer_vocab_size(c_gpt2().get(), &size), DECANT_OK);
  EXPECT_EQ(size, 50257);
}

TEST(CTokenizer, KnowsTheEndOfText) {
  std::int32_t token = 0;
  ASSERT_EQ(decant_tokenizer_end_of_text(c_gpt2().get(), &token), DECANT_OK);
  EXPECT_EQ(token, 50256);
}

TEST(CTokenizer, LoadsAFolder) {
  const std::string path = DECANT_SOURCE_DIR "/models/shakespeare";
  decant_tokenizer* made = nullptr;
  ASSERT_EQ(decant_tokenizer_load(path.data(), path.size(), &made), DECANT_OK);
  const CTokenizer tokenizer(made);
  const std::string text = "To be, or not to be";
  const std::vector<TokenId> tokens = encode(tokenizer, text);
  EXPECT_EQ(tokens, Tokenizer::load(path).encode(text));
  EXPECT_EQ(decode(tokenizer, tokens), text);
  made = nullptr;
  EXPECT_EQ(decant_tokenizer_load("/nowhere/at/all", 15, &made), DECANT_ERROR_IO);
  EXPECT_EQ(made, nullptr);
}

}  // namespace
}  // namespace decant
