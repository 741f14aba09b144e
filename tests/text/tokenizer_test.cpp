// What the public header promises.
#include "decant/tokenizer.h"

#include <chrono>
#include <random>
#include <thread>

#include "text_testing.h"

namespace decant {
namespace {

using Ids = std::vector<TokenId>;

TEST(Tokenizer, SpecialTokensAreThoseThatStandForNoText) {
  const Tokenizer gpt2 = Tokenizer::gpt2();
  ASSERT_EQ(gpt2.special_tokens().size(), 1u);
  EXPECT_EQ(gpt2.special_tokens()[0], 50256);
  EXPECT_TRUE(Tokenizer::characters_of("<|endoftext|>").special_tokens().empty());
}

TEST(Tokenizer, EncodesTheExampleOfItsHeader) {
  const Tokenizer tokenizer = Tokenizer::gpt2();
  const Ids ids = {33676, 4720, 25};
  EXPECT_EQ(tokenizer.encode("ROMEO:"), ids);
  EXPECT_EQ(tokenizer.decode(ids), "ROMEO:");
  EXPECT_EQ(tokenizer.token_bytes(25), ":");
  EXPECT_EQ(tokenizer.vocab_size(), 50257u);
  EXPECT_EQ(tokenizer.end_of_text(), 50256);
  EXPECT_EQ(tokenizer.encode(""), Ids{});
  EXPECT_EQ(tokenizer.decode({}), "");
}

TEST(Tokenizer, EncodesTheExampleOfCharactersOf) {
  const Tokenizer tokenizer = Tokenizer::characters_of("abba!");
  EXPECT_EQ(tokenizer.encode("ab!"), (Ids{1, 2, 0}));
  EXPECT_EQ(tokenizer.vocab_size(), 3u);
}

TEST(Tokenizer, SpecialTokensAreTextUnlessAllowed) {
  const Tokenizer tokenizer = Tokenizer::gpt2();
  EXPECT_EQ(tokenizer.encode("a<|endoftext|>"), (Ids{64, 27, 91, 437, 1659, 5239, 91, 29}));
  EXPECT_EQ(tokenizer.encode_with_special("a<|endoftext|>"), (Ids{64, 50256}));
  EXPECT_EQ(tokenizer.encode_with_special("<|endoftext|><|endoftext|"),
            (Ids{50256, 27, 91, 437, 1659, 5239, 91}));
  EXPECT_EQ(tokenizer.decode(Ids{50256}), "<|endoftext|>");
}

TEST(Tokenizer, InvalidToken) {
  const Tokenizer tokenizer = Tokenizer::gpt2();
  for (const TokenId id : {-1, 50257, INT32_MAX, INT32_MIN}) {
    const std::string place = "token id " + std::to_string(id);
    expect_error(ErrorCode::kInvalidToken, place, [&] { tokenizer.token_bytes(id); });
    expect_error(ErrorCode::kInvalidToken, place, [&] { tokenizer.decode(Ids{0, id}); });
  }
}

// One of each split.
std::vector<Tokenizer> byte_pair_tokenizers() {
  const std::filesystem::path oracle = DECANT_SOURCE_DIR "/tests/text/oracle";
  return {Tokenizer::gpt2(), Tokenizer::load(oracle / "gpt4.model"),
          Tokenizer::load(oracle / "basic.model")};
}

TEST(Tokenizer, AnyBytesComeBack) {
  const std::vector<Tokenizer> tokenizers = byte_pair_tokenizers();
  std::mt19937 random(3);
  // Uniform bytes, bytes that nearly form UTF-8, and text with a byte knocked out.
  const std::string kPieces[] = {
      "a",        " ",  "\xF0\x9F", "\x98\x80", "\xED\xA0\x80", "\xED\xB0\x80", "\xC3", "\xA9",
      "\xE3\x81", "\n", "'s",       "9",        "\xFF",         "\x80"};
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes;
    for (std::size_t size = random() % 40; bytes.size() < size;) {
      if (round % 2 == 0) {
        bytes += static_cast<char>(random());
      } else {
        bytes += kPieces[random() % std::size(kPieces)];
      }
    }
    for (const Tokenizer& tokenizer : tokenizers) {
      ASSERT_EQ(tokenizer.decode(tokenizer.encode(bytes)), bytes) << testing::PrintToString(bytes);
      ASSERT_EQ(tokenizer.decode(tokenizer.encode_with_special(bytes)), bytes);
    }
  }
}

TEST(Tokenizer, AMegabyteWithoutAWordBoundaryTakesNoTime) {
  std::mt19937 random(5);
  std::string letters;
  for (int i = 0; i < 1'000'000; ++i) letters += static_cast<char>('a' + random() % 26);
  std::string lines;
  while (lines.size() < 1'000'000) lines += "  \n    \t  ";
  for (const std::string& text :
       {std::string(1'000'000, 'a'), std::string(1'000'000, ' '), std::string(1'000'000, '\xFF'),
        std::string(1'000'000, ' ') + "a", letters, lines}) {
    for (const Tokenizer& tokenizer : byte_pair_tokenizers()) {
      const auto start = std::chrono::steady_clock::now();
      const Ids ids = tokenizer.encode(text);
      // Quadratic merging takes minutes; the limit leaves room for sanitizers and busy machines.
      EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(8));
      EXPECT_EQ(tokenizer.decode(ids), text);
    }
  }
}

TEST(Tokenizer, AnyNumberOfThreadsMayEncode) {
  const Tokenizer tokenizer = Tokenizer::gpt2();
  const std::string text = "Wherefore art thou ROMEO? \U0001f600 " + std::string(300, 'z');
  const Ids truth = tokenizer.encode(text);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 200; ++j) EXPECT_EQ(tokenizer.encode(text), truth);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(Tokenizer, ReadsTheEndOfATextWithinItsBounds) {  // for AddressSanitizer
  const Tokenizer tokenizer = Tokenizer::gpt2();
  for (std::size_t size = 1; size < 40; ++size) {
    const std::vector<char> exact(size, 'k');
    EXPECT_EQ(tokenizer.decode(tokenizer.encode({exact.data(), size})), std::string(size, 'k'));
  }
}

}  // namespace
}  // namespace decant
