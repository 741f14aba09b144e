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

/// One of two kinds of vocabulary, and decode(encode(text)) == text for both:
///
/// - A byte-level byte-pair encoding: GPT-2's (Radford et al. 2019), or any other that splits text
///   as GPT-2 does, as GPT-4 does, or not at all. Text is bytes, which need not be valid UTF-8.
/// - Single characters, that is Unicode code points: those that the model was trained on. Text is
///   UTF-8 of these characters, and encode() refuses any other.
///
///     Tokenizer tokenizer = Tokenizer::gpt2();
///     std::vector<TokenId> ids = tokenizer.encode("ROMEO:");  // {33676, 4720, 25}
///
/// Immutable: copies share one table, and any number of threads may use it at once.
class Tokenizer {
 public:
  /// GPT-2's own 50,257 tokens, built in.
  static Tokenizer gpt2();

  /// Reads a file that is named as its format has it; for a folder, the first of these that it
  /// has:
  ///
  ///     tokenizer.json              Hugging Face
  ///     vocab.json, merges.txt      Hugging Face, side by side
  ///     encoder.json, vocab.bpe     OpenAI's release of GPT-2, side by side
  ///     *.tiktoken                  OpenAI
  ///     *.model                     minbpe
  ///     meta.pkl                    nanoGPT's characters (for a file, any name in .pkl)
  ///     chars.json                  a list of characters (for a file, any other name in .json)
  ///
  /// Throws Error (kIo, kMalformed, kUnsupported, ...) that names the file.
  static Tokenizer load(const std::filesystem::path& path);

  /// The characters of `text`, each once, numbered in order of code point, as from-scratch courses
  /// number those of the text that they train on: `sorted(set(text))`.
  ///
  ///     Tokenizer::characters_of("abba!").encode("ab!")  // {1, 2, 0}
  ///
  /// Throws Error (kMalformed) where `text` is not UTF-8, saying where, (kTruncated) where it is
  /// empty.
  static Tokenizer characters_of(std::string_view text);

  /// The tokenizer file in `folder` that load(folder) would read, if there is one.
  static std::optional<std::filesystem::path> find(const std::filesystem::path& folder);

  /// Token ids of `text`. Special tokens such as "<|endoftext|>" are ordinary text (tiktoken's
  /// `encode_ordinary`). Byte pairs encode every text; a vocabulary of characters throws Error
  /// (kInvalidPrompt) at the first that it does not have, and where `text` is not UTF-8.
  std::vector<TokenId> encode(std::string_view text) const;

  /// As encode(), but every special token written out in `text` becomes its one id. Characters
  /// have no special tokens.
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

  /// The tokens that stand for no text, "<|endoftext|>" among them: encode() never gives one. The
  /// view lives as long as any copy of this tokenizer. Characters have none.
  std::span<const TokenId> special_tokens() const;

  /// Writes Hugging Face's files into `folder`, from which load() makes the same tokenizer, and
  /// returns their paths: vocab.json and merges.txt for a tokenizer that splits text as GPT-2 does
  /// and has no special token but "<|endoftext|>", tokenizer.json for all others. Throws Error
  /// (kIo).
  std::vector<std::filesystem::path> save(const std::filesystem::path& folder) const;

 private:
  struct Tables;
  explicit Tokenizer(std::shared_ptr<const Tables> tables) : tables_(std::move(tables)) {}
  std::shared_ptr<const Tables> tables_;
};

}  // namespace decant
