// A set of tokens, one bit for each.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "decant/types.h"

namespace decant {

/// Some of the tokens of a vocabulary. A token beyond its size is not in it.
///
///     TokenMask digits(tokenizer.vocab_size());
///     for (const TokenId id : tokenizer.encode("0 1 2")) digits.insert(id);
class TokenMask {
 public:
  static constexpr std::size_t kWordBits = 64;

  TokenMask() = default;
  /// None of so many.
  explicit TokenMask(std::size_t vocab_size)
      : size_(vocab_size), words_((vocab_size + kWordBits - 1) / kWordBits) {}

  /// Of the vocabulary, not of the set.
  std::size_t vocab_size() const { return size_; }

  bool contains(TokenId token) const {
    const auto at = static_cast<std::size_t>(token);
    return token >= 0 && at < size_ && (words_[at / kWordBits] >> at % kWordBits & 1) != 0;
  }

  /// 0 <= token < vocab_size().
  void insert(TokenId token) {
    const auto at = static_cast<std::size_t>(token);
    words_[at / kWordBits] |= std::uint64_t{1} << at % kWordBits;
  }

  /// A token that is not in it may be erased.
  void erase(TokenId token) {
    if (!contains(token)) return;
    const auto at = static_cast<std::size_t>(token);
    words_[at / kWordBits] &= ~(std::uint64_t{1} << at % kWordBits);
  }

  /// How many are in it.
  std::size_t count() const {
    std::size_t sum = 0;
    for (const std::uint64_t word : words_) sum += static_cast<std::size_t>(std::popcount(word));
    return sum;
  }

  /// Token i is bit i % 64 of word i / 64; bits beyond the vocabulary are 0.
  std::span<const std::uint64_t> words() const { return words_; }

  friend bool operator==(const TokenMask&, const TokenMask&) = default;

 private:
  std::size_t size_ = 0;
  std::vector<std::uint64_t> words_ = {};
};

}  // namespace decant
