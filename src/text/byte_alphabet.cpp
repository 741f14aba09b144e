// The alphabet as two tables, made when the program is compiled.
#include "byte_alphabet.h"

namespace decant {
namespace {

constexpr bool stands_for_itself(unsigned byte) {
  return (byte > 0x20 && byte < 0x7F) || (byte > 0xA0 && byte != 0xAD);
}

constexpr unsigned kFirstStandIn = 0x100;
constexpr unsigned kSymbolEnd = kFirstStandIn + 68;  // 188 bytes print, 68 need a stand-in
constexpr std::int16_t kNoByte = -1;

struct Alphabet {
  std::array<std::uint8_t, 256> order{};
  std::array<std::uint16_t, 256> symbol_of{};
  std::array<std::int16_t, kSymbolEnd> byte_of{};
};

constexpr Alphabet kAlphabet = [] {
  Alphabet alphabet;
  alphabet.byte_of.fill(kNoByte);
  std::size_t id = 0;
  unsigned stand_in = kFirstStandIn;
  for (const bool printing : {true, false}) {
    for (unsigned byte = 0; byte < 256; ++byte) {
      if (stands_for_itself(byte) != printing) continue;
      const unsigned symbol = printing ? byte : stand_in++;
      alphabet.order[id++] = static_cast<std::uint8_t>(byte);
      alphabet.symbol_of[byte] = static_cast<std::uint16_t>(symbol);
      alphabet.byte_of[symbol] = static_cast<std::int16_t>(byte);
    }
  }
  return alphabet;
}();

}  // namespace

std::array<std::uint8_t, 256> bytes_in_alphabet_order() { return kAlphabet.order; }

std::string to_symbols(std::string_view bytes) {
  std::string symbols;
  for (const char c : bytes) {
    const unsigned symbol = kAlphabet.symbol_of[static_cast<unsigned char>(c)];
    if (symbol < 0x80) {
      symbols += static_cast<char>(symbol);
    } else {
      symbols += static_cast<char>(0xC0 | symbol >> 6);
      symbols += static_cast<char>(0x80 | (symbol & 0x3F));
    }
  }
  return symbols;
}

std::optional<std::string> from_symbols(std::string_view symbols) {
  std::string bytes;
  for (std::size_t i = 0; i < symbols.size(); ++i) {
    unsigned symbol = static_cast<unsigned char>(symbols[i]);
    if (symbol >= 0x80) {  // the alphabet ends below U+0800: two bytes, or not in it
      if (symbol < 0xC2 || symbol > 0xDF || i + 1 == symbols.size()) return std::nullopt;
      const unsigned next = static_cast<unsigned char>(symbols[++i]);
      if ((next & 0xC0) != 0x80) return std::nullopt;
      symbol = (symbol & 0x1F) << 6 | (next & 0x3F);
    }
    if (symbol >= kSymbolEnd || kAlphabet.byte_of[symbol] == kNoByte) return std::nullopt;
    bytes += static_cast<char>(kAlphabet.byte_of[symbol]);
  }
  return bytes;
}

}  // namespace decant
