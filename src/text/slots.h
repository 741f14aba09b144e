// What the encoder's two tables hold: merges by their pair of tokens, and tokens by their bytes.
#pragma once

#include <bit>
#include <cstdint>

#include "decant/types.h"
#include "flat_map.h"

namespace decant {

/// A pair of neighbours and the rank of their merge, in 8 bytes: 20 bits each for the tokens and
/// the rank, and one more that tells the pair (0, 0) from an empty slot.
struct PairSlot {
  static constexpr int kRankBits = 20;

  static std::uint64_t pack(TokenId left, TokenId right) {
    return (static_cast<std::uint64_t>(left) + 1) << 20 | static_cast<std::uint64_t>(right);
  }
  static std::uint64_t hash(std::uint64_t pair, std::uint64_t multiplier) {
    return pair * multiplier;
  }

  bool empty() const { return packed == 0; }
  std::uint64_t key() const { return packed >> kRankBits; }
  std::uint32_t rank() const { return packed & ((1u << kRankBits) - 1); }

  std::uint64_t packed = 0;
};

/// A word of 1 to 15 bytes: its bytes, zeros after them, and its size in the last byte, which tells
/// "a" from "a\0".
struct WordKey {
  bool operator==(const WordKey&) const = default;

  std::uint64_t low = 0;
  std::uint64_t high = 0;
};

/// A word that is one token.
struct WordSlot {
  static std::uint64_t hash(const WordKey& key, std::uint64_t multiplier) {
    return (key.low ^ std::rotl(key.high * multiplier, 32)) * multiplier;
  }

  bool empty() const { return word.high == 0; }
  const WordKey& key() const { return word; }

  WordKey word;
  TokenId id = 0;
};

}  // namespace decant
