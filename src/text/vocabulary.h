// What a tokenizer knows, checked and ready to use: tokens, merges, special tokens.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bpe.h"
#include "decant/types.h"

namespace decant {

/// The bytes of every token by id, in one block. An id without bytes is a hole: no token has it.
class TokenBytes {
 public:
  /// Gives the next id these bytes; none make a hole.
  void append(std::string_view bytes);

  std::size_t size() const { return ends_.size() - 1; }  ///< one more than the largest id

  /// Bytes of token `id`, 0 <= id < size().
  std::string_view operator[](TokenId id) const {
    const auto at = static_cast<std::size_t>(id);
    return {block_.data() + ends_[at], ends_[at + 1] - ends_[at]};
  }

  /// The bytes of all `ids`, one after the other. Throws Error (kInvalidToken) for an id out of
  /// range and for a hole.
  std::string join(std::span<const TokenId> ids) const;

  /// Throws Error (kInvalidToken) unless `id` is a token.
  void check(TokenId id) const;

 private:
  // join() copies this many bytes whatever a token's size, which is faster than to copy exactly;
  // the block has as many to spare at its end.
  static constexpr std::size_t kChunk = 16;

  std::string block_ = std::string(kChunk, '\0');
  std::vector<std::uint32_t> ends_ = {0};  // token i is [ends_[i], ends_[i + 1]) of the block
};

/// An immutable vocabulary. Invariants, checked by whoever makes one (VocabularyBuilder): every
/// byte is a token, no two tokens have the same bytes, and each token is one of three: a single
/// byte, what a merge makes, or special.
class Vocabulary {
 public:
  /// Whether merging a token's own bytes always gives back the token. Where merges come in an order
  /// in which no training would find them it does not, and the vocabulary has to try each.
  enum class EveryTokenReachable { kNo, kYes };

  Vocabulary(TokenBytes tokens, Bpe bpe, std::vector<TokenId> specials,
             EveryTokenReachable reachable);

  /// Appends the tokens of `text`, special tokens being ordinary text.
  void encode(std::string_view text, std::vector<TokenId>& ids) const;

  /// As encode(), but special tokens are found: leftmost first, the longest where two start
  /// together.
  void encode_with_special(std::string_view text, std::vector<TokenId>& ids) const;

  const TokenBytes& tokens() const { return tokens_; }
  const std::vector<Merge>& merges() const { return bpe_.merges(); }  ///< in order of rank
  const std::vector<TokenId>& specials() const { return specials_; }  ///< longest first

  /// The special token with these bytes.
  std::optional<TokenId> find_special(std::string_view bytes) const;

 private:
  // The special token that starts at text[begin].
  std::optional<TokenId> special_at(std::string_view text, std::size_t begin) const;

  TokenBytes tokens_;
  Bpe bpe_;
  std::vector<TokenId> specials_;
  std::array<bool, 256> starts_special_{};  // by first byte: rules out nearly every position
};

}  // namespace decant
