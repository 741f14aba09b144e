// Decodes UTF-8 strictly (Unicode 16.0, table 3-7) and looks classes up.
#include "unicode.h"

namespace decant {
namespace {

constexpr Character kInvalidByte = {CharClass::kOther, 1};

// The bits that the continuation bytes text[begin + 1 ... begin + count] add to `lead`; the first
// of them must lie in [low, high]. Any failure is an invalid byte at `begin`.
Character decode(std::string_view text, std::size_t begin, char32_t lead, std::uint8_t count,
                 unsigned low = 0x80, unsigned high = 0xBF) {
  if (text.size() - begin <= count) return kInvalidByte;
  char32_t code_point = lead;
  for (std::size_t i = 1; i <= count; ++i) {
    const unsigned byte = static_cast<unsigned char>(text[begin + i]);
    if (byte < low || byte > high) return kInvalidByte;
    code_point = code_point << 6 | (byte & 0x3F);
    low = 0x80;
    high = 0xBF;
  }
  return {classify(code_point), static_cast<std::uint8_t>(count + 1)};
}

}  // namespace

CharClass classify(char32_t code_point) {
  if (code_point >= kClassifiedCodePoints) return CharClass::kOther;
  const std::uint8_t* block = kUnicodeBlocks[kUnicodeBlockOf[code_point / kUnicodeBlockSize]];
  const std::size_t at = code_point % kUnicodeBlockSize;
  return static_cast<CharClass>(block[at / 4] >> at % 4 * 2 & 3);
}

Character character_at(std::string_view text, std::size_t begin) {
  const unsigned lead = static_cast<unsigned char>(text[begin]);
  if (lead < 0x80) return {classify(lead), 1};
  if (lead < 0xC2) return kInvalidByte;  // a continuation, or an overlong form of ASCII
  if (lead < 0xE0) return decode(text, begin, lead & 0x1F, 1);
  if (lead == 0xE0) return decode(text, begin, lead & 0x0F, 2, 0xA0, 0xBF);
  if (lead == 0xED) return decode(text, begin, lead & 0x0F, 2, 0x80, 0x9F);  // no surrogates
  if (lead < 0xF0) return decode(text, begin, lead & 0x0F, 2);
  if (lead == 0xF0) return decode(text, begin, lead & 0x07, 3, 0x90, 0xBF);
  if (lead < 0xF4) return decode(text, begin, lead & 0x07, 3);
  if (lead == 0xF4) return decode(text, begin, lead & 0x07, 3, 0x80, 0x8F);  // up to U+10FFFF
  return kInvalidByte;
}

}  // namespace decant
