// Encoding a text word by word, and joining tokens back to bytes.
#include "vocabulary.h"

#include <algorithm>
#include <cstring>

#include "decant/error.h"
#include "pretokenize.h"

namespace decant {
void TokenBytes::append(std::string_view bytes) {
  block_.insert(block_.size() - kChunk, bytes);
  ends_.push_back(static_cast<std::uint32_t>(block_.size() - kChunk));
}

void TokenBytes::check(TokenId id) const {
  if (id < 0 || static_cast<std::size_t>(id) >= size()) {
    throw Error(ErrorCode::kInvalidToken, "token id " + std::to_string(id) +
                                              ": the vocabulary ends at " +
                                              std::to_string(size() - 1));
  }
  if ((*this)[id].empty()) {
    throw Error(ErrorCode::kInvalidToken,
                "token id " + std::to_string(id) + ": the vocabulary has no token of this id");
  }
}

std::string TokenBytes::join(std::span<const TokenId> ids) const {
  std::size_t total = 0;
  for (const TokenId id : ids) {
    check(id);
    total += (*this)[id].size();
  }
  std::string bytes(total + kChunk, '\0');
  char* out = bytes.data();
  for (const TokenId id : ids) {
    const std::string_view token = (*this)[id];
    if (token.size() <= kChunk) {
      std::memcpy(out, token.data(), kChunk);
    } else {
      std::memcpy(out, token.data(), token.size());
    }
    out += token.size();
  }
  bytes.resize(total);
  return bytes;
}

Vocabulary::Vocabulary(TokenBytes tokens, Bpe bpe, std::vector<TokenId> specials,
                       EveryTokenReachable reachable)
    : tokens_(std::move(tokens)), bpe_(std::move(bpe)), specials_(std::move(specials)) {
  for (const TokenId id : bpe_.byte_ids()) bpe_.add_word(tokens_[id], id);
  std::vector<TokenId> alone;
  for (const Merge& merge : bpe_.merges()) {
    const std::string_view word = tokens_[merge.result];
    if (reachable == EveryTokenReachable::kNo) {
      alone.clear();
      bpe_.merge(word, alone);
      if (alone.size() > 1) continue;
    }
    bpe_.add_word(word, merge.result);
  }
  std::sort(specials_.begin(), specials_.end(), [this](TokenId a, TokenId b) {
    return tokens_[a].size() != tokens_[b].size() ? tokens_[a].size() > tokens_[b].size() : a < b;
  });
  for (const TokenId id : specials_) {
    starts_special_[static_cast<unsigned char>(tokens_[id].front())] = true;
  }
}

void Vocabulary::encode(std::string_view text, std::vector<TokenId>& ids) const {
  Memo memo(text.size());
  std::array<std::size_t, Bpe::kBatch + 1> cuts;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t words = 0;
    for (cuts[0] = at; words < Bpe::kBatch && at < text.size();) {
      at = word_end(text, at);
      cuts[++words] = at;
    }
    bpe_.encode(text, std::span(cuts).first(words + 1), ids, memo);
  }
}

void Vocabulary::encode_with_special(std::string_view text, std::vector<TokenId>& ids) const {
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::optional<TokenId> special = special_at(text, at);
    if (!special) {
      ++at;
      continue;
    }
    encode(text.substr(begin, at - begin), ids);
    ids.push_back(*special);
    at += tokens_[*special].size();
    begin = at;
  }
  encode(text.substr(begin), ids);
}

std::optional<TokenId> Vocabulary::special_at(std::string_view text, std::size_t begin) const {
  if (!starts_special_[static_cast<unsigned char>(text[begin])]) return std::nullopt;
  for (const TokenId id : specials_) {
    if (text.substr(begin).starts_with(tokens_[id])) return id;
  }
  return std::nullopt;
}

std::optional<TokenId> Vocabulary::find_special(std::string_view bytes) const {
  for (const TokenId id : specials_) {
    if (tokens_[id] == bytes) return id;
  }
  return std::nullopt;
}

}  // namespace decant
