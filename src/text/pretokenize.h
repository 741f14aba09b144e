// Cuts a text into the words that byte-pair merges never cross.
#pragma once

#include <cstddef>
#include <string_view>

namespace decant {

/// Where the word that starts at `begin` ends, begin < text.size(). The words of a text, one after
/// the other from its first byte, are the matches of GPT-2's split pattern (Radford et al. 2019,
/// encoder.py), and they cover the text:
///
///     's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
///
///     "It's  12 o'clock"  ->  "It" "'s" " " " 12" " o" "'" "clock"
///
/// Linear in the length of the word: the whole of a text costs O(its bytes), whatever they are.
std::size_t word_end(std::string_view text, std::size_t begin);

}  // namespace decant
