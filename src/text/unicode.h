// Which class a character has, as far as GPT-2's split pattern asks: letter, number, space, other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace decant {

/// The classes of the split pattern: \p{L}, \p{N}, \s and everything else. They exclude each other.
/// The numbers are those of the generated table.
enum class CharClass : std::uint8_t { kOther, kLetter, kNumber, kSpace };

/// One character of a text: its class, and how many bytes it takes there.
struct Character {
  CharClass char_class;
  std::uint8_t size;
};

/// The class of a code point in Unicode 16.0 (\s is the property White_Space: U+0085 and U+00A0
/// belong, U+180E and U+200B do not). Unassigned code points are kOther. O(1), two loads.
CharClass classify(char32_t code_point);

/// The character that starts at `text[begin]`; begin < text.size(). A byte that starts no valid
/// UTF-8 sequence (a stray continuation, an overlong or truncated form, an encoded surrogate) is a
/// character of its own, of size 1 and class kOther: no byte of any text is skipped or replaced.
Character character_at(std::string_view text, std::size_t begin);

// The generated two-stage table (data/unicode_classes.cpp): a block number for every 128 code
// points, and in the block two bits for each of them, lowest bits first. 8 KB in all.
inline constexpr std::size_t kUnicodeBlockSize = 128;
inline constexpr std::size_t kClassifiedCodePoints = 0x32400;  // all beyond are kOther
extern const std::uint8_t kUnicodeBlockOf[kClassifiedCodePoints / kUnicodeBlockSize];
extern const std::uint8_t kUnicodeBlocks[][kUnicodeBlockSize / 4];

}  // namespace decant
