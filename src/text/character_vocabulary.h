// A vocabulary in which every token is one character.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "decant/types.h"
#include "flat_map.h"
#include "token_bytes.h"

namespace decant {

/// A character and its id.
struct CharacterSlot {
  static std::uint64_t hash(char32_t character, std::uint64_t multiplier) {
    return character * multiplier;
  }

  bool empty() const { return id < 0; }
  char32_t key() const { return character; }

  char32_t character = 0;
  TokenId id = -1;
};

/// An immutable vocabulary of single code points, as the first models of most courses have it.
class CharacterVocabulary {
 public:
  /// `characters` by id: Unicode scalar values, each once.
  explicit CharacterVocabulary(const std::u32string& characters);

  /// Appends the id of each character of `text`. Throws Error (kInvalidPrompt) where it holds a
  /// character that is not in the vocabulary, or a byte that is not UTF-8.
  void encode(std::string_view text, std::vector<TokenId>& ids) const;

  const TokenBytes& tokens() const { return tokens_; }

 private:
  TokenBytes tokens_;
  FlatMap<CharacterSlot> ids_;
};

/// Every character of `text` once, in order of code point: Python's sorted(set(text)). Throws Error
/// (kMalformed) where it is not UTF-8, (kTruncated) where it is empty.
std::u32string sorted_characters(std::string_view text);

}  // namespace decant
