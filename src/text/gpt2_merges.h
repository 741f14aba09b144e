// GPT-2's merges as data, so that a program needs no file to speak GPT-2's language.
#pragma once

#include <cstdint>

namespace decant {

inline constexpr int kGpt2MergeCount = 50000;

/// The pairs of token ids that GPT-2 merges, in order of rank: merge r makes token 256 + r. Tokens
/// 0 to 255 are the bytes in the order of byte_alphabet.h. Generated; see data/NOTICE.
extern const std::uint16_t kGpt2Merges[kGpt2MergeCount][2];

}  // namespace decant
