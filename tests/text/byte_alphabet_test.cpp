// The alphabet is a bijection between 256 bytes and 256 characters.
#include "byte_alphabet.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace decant {
namespace {

TEST(ByteAlphabet, IsGpt2s) {
  EXPECT_EQ(to_symbols(" a\n\xFF\xAD"), "\u0120a\u010a\u00ff\u0143");
  const auto order = bytes_in_alphabet_order();
  EXPECT_EQ(order[0], '!');
  EXPECT_EQ(order[94], 0xA1);
  EXPECT_EQ(order[188], 0);
  EXPECT_EQ(order[220], ' ');
  EXPECT_EQ(order[255], 0xAD);
}

TEST(ByteAlphabet, EveryByteComesBack) {
  std::set<std::string> symbols;
  for (int byte = 0; byte < 256; ++byte) {
    const std::string bytes(1, static_cast<char>(byte));
    EXPECT_EQ(from_symbols(to_symbols(bytes)), bytes);
    symbols.insert(to_symbols(bytes));
  }
  EXPECT_EQ(symbols.size(), 256u);
}

TEST(ByteAlphabet, RefusesWhatIsNotInIt) {
  for (const char* symbols : {" ", "a b", "\n", "\u00ad", "\u0144", "\u4f60", "\xC4",
                              "\xC4"
                              "a",
                              "\xFF", "\x80", "\xC1\xA1"}) {
    EXPECT_FALSE(from_symbols(symbols)) << testing::PrintToString(symbols);
  }
}

}  // namespace
}  // namespace decant
