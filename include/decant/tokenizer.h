// Text to token ids, and token ids back to bytes.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "decant/types.h"

namespace decant {

/// A byte-level byte-pair encoding: GPT-2's (Radford et al. 2019), or any other with GPT-2's split
/// pattern. Text is bytes: they need not be valid UTF-8, and decode(encode(bytes)) == bytes always.
///
///     Tokenizer tokenizer = Tokenizer::gpt2();
///     std::vector<TokenId> ids = tokenizer.encode("ROMEO:");  // {33676, 4720, 25}
///
/// Immutable: copies share one table, and any number of threads may use it at once.
class Tokenizer {
 public:
  /// GPT-2's own 50,257 tokens, built in.
  static Tokenizer gpt2();

  /// Reads `tokenizer.json`, `vocab.json` (with `merges.txt` beside it) or a `.tiktoken` file; for
  /// a folder, the first of these that it has. Throws Error (kIo, kMalformed, kUnsupported, ...)
  /// that names the file.
  static Tokenizer load(const std::filesystem::path& path);

  /// The tokenizer file in `folder` that load(folder) would read, if there is one.
  static std::optional<std::filesystem::path> find(const std::filesystem::path& folder);

  /// Token ids of `text`. Special tokens such as "<|endoftext|>" are ordinary text (tiktoken's
  /// `encode_ordinary`).
  std::vector<TokenId> encode(std::string_view text) const;

  /// As encode(), but every special token written out in `text` becomes its one id.
  std::vector<TokenId> encode_with_special(std::string_view text) const;

  /// Whether `id` is a token: ids may have holes, and a model more rows than there are tokens.
  bool contains(TokenId id) const;

  /// The bytes that one token stands for, which need not be whole UTF-8 characters. The view lives
  /// as long as any copy of this tokenizer. Throws Error (kInvalidToken).
  std::string_view token_bytes(TokenId id) const;

  /// The bytes of all `ids`, one after the other. Throws Error (kInvalidToken).
  std::string decode(std::span<const TokenId> ids) const;

  /// One more than the largest id.
  std::size_t vocab_size() const;

  /// The token that ends a document ("<|endoftext|>"), where the vocabulary has one.
  std::optional<TokenId> end_of_text() const;

  /// Writes vocab.json and merges.txt, as Hugging Face names them, into `folder`. Throws Error
  /// (kIo).
  void save(const std::filesystem::path& folder) const;

 private:
  struct Tables;
  explicit Tokenizer(std::shared_ptr<const Tables> tables) : tables_(std::move(tables)) {}
  std::shared_ptr<const Tables> tables_;
};

}  // namespace decant
