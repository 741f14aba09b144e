// The public face of a vocabulary.
#include "decant/tokenizer.h"

#include "gpt2.h"
#include "tokenizer_files.h"
#include "vocabulary.h"

namespace decant {

struct Tokenizer::Tables {
  Vocabulary vocabulary;

  const BpeVocabulary* bpe() const { return std::get_if<BpeVocabulary>(&vocabulary); }
  const TokenBytes& tokens() const {
    return std::visit([](const auto& kind) -> const TokenBytes& { return kind.tokens(); },
                      vocabulary);
  }
};

Tokenizer Tokenizer::gpt2() {
  static const auto tables = std::make_shared<const Tables>(Tables{gpt2_vocabulary()});
  return Tokenizer(tables);
}

Tokenizer Tokenizer::load(const std::filesystem::path& path) {
  return Tokenizer(std::make_shared<const Tables>(Tables{read_tokenizer(path)}));
}

Tokenizer Tokenizer::characters_of(std::string_view text) {
  return Tokenizer(
      std::make_shared<const Tables>(Tables{CharacterVocabulary(sorted_characters(text))}));
}

std::optional<std::filesystem::path> Tokenizer::find(const std::filesystem::path& folder) {
  return find_tokenizer(folder);
}

std::vector<TokenId> Tokenizer::encode(std::string_view text) const {
  std::vector<TokenId> ids;
  std::visit([&](const auto& kind) { kind.encode(text, ids); }, tables_->vocabulary);
  return ids;
}

std::vector<TokenId> Tokenizer::encode_with_special(std::string_view text) const {
  const BpeVocabulary* bpe = tables_->bpe();
  if (bpe == nullptr) return encode(text);
  std::vector<TokenId> ids;
  bpe->encode_with_special(text, ids);
  return ids;
}

bool Tokenizer::contains(TokenId id) const {
  const TokenBytes& tokens = tables_->tokens();
  return id >= 0 && static_cast<std::size_t>(id) < tokens.size() && !tokens[id].empty();
}

std::string_view Tokenizer::token_bytes(TokenId id) const {
  const TokenBytes& tokens = tables_->tokens();
  tokens.check(id);
  return tokens[id];
}

std::string Tokenizer::decode(std::span<const TokenId> ids) const {
  return tables_->tokens().join(ids);
}

std::size_t Tokenizer::vocab_size() const { return tables_->tokens().size(); }

std::optional<TokenId> Tokenizer::end_of_text() const {
  const BpeVocabulary* bpe = tables_->bpe();
  return bpe != nullptr ? bpe->find_special("<|endoftext|>") : std::nullopt;
}

std::span<const TokenId> Tokenizer::special_tokens() const {
  const BpeVocabulary* bpe = tables_->bpe();
  return bpe != nullptr ? std::span(bpe->specials()) : std::span<const TokenId>();
}

std::vector<std::filesystem::path> Tokenizer::save(const std::filesystem::path& folder) const {
  return write_tokenizer(tables_->vocabulary, folder);
}

}  // namespace decant
