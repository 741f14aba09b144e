// From the claims of a tokenizer file to a vocabulary that keeps its invariants, or a clear
// refusal.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "bpe_vocabulary.h"
#include "decant/error.h"

namespace decant {

/// Collects tokens, then merges, then builds. Each step checks what it is given; every Error names
/// the file.
///
///     BpeBuilder builder("vocab.json");
///     builder.add_token("a", 64);
///     ...
///     builder.add_merge("a", "b", "merges.txt: line 2");
///     return std::move(builder).build(Split::kGpt2, reachable);
class BpeBuilder {
 public:
  /// As many as the largest published vocabularies of byte pairs have; one that claims more is not
  /// worth the memory, which is some 200 bytes a token.
  static constexpr std::int64_t kMaxTokens = 1 << 18;
  /// Far more special tokens than anybody uses: tokens that no merge makes are special, and a file
  /// of merges that was cut short must not pass for a vocabulary of special tokens.
  static constexpr std::size_t kMaxSpecials = 4096;
  /// To merge a token takes 40 times its bytes.
  static constexpr std::size_t kMaxTokenBytes = std::size_t{1} << 16;

  /// `file` names the source of the tokens in messages.
  explicit BpeBuilder(std::string file) : file_(std::move(file)) {}

  /// Adds an ordinary token. Throws Error (kMalformed) for a negative or repeated id and for empty
  /// or repeated bytes, (kTooLarge) for an id beyond kMaxTokens and for more than kMaxTokenBytes.
  void add_token(const std::string& bytes, std::int64_t id);

  /// Adds a token that no merge may make. Throws as add_token() does, and (kTooLarge) beyond
  /// kMaxSpecials.
  void add_special(const std::string& bytes, std::int64_t id);

  /// Whether these bytes are token `id`.
  bool has(const std::string& bytes, std::int64_t id) const;

  /// Adds the merge of the next rank. `place` (file and line) opens the message. Throws Error
  /// (kMalformed) where a byte, a part or the result is not a token or the pair was there before,
  /// and (kTooLarge) beyond Bpe::kMaxMerges.
  void add_merge(std::string_view left, std::string_view right, const std::string& place);

  /// What is left of `bytes` when all merges added so far are done.
  std::vector<std::string_view> merge(std::string_view bytes);

  /// Tokens that are neither bytes nor made by a merge become special. Throws Error (kMalformed)
  /// where a byte is missing or too many tokens are unmade, (kUnsupported) where a merge makes a
  /// special token.
  BpeVocabulary build(Split split, BpeVocabulary::EveryTokenReachable reachable) &&;

 private:
  [[noreturn]] void fail(ErrorCode code, const std::string& message) const;
  TokenId part(std::string_view bytes, const std::string& place) const;
  Bpe& bpe();  // from the first use on, no tokens may be added

  std::string file_;
  std::unordered_map<std::string, TokenId> id_of_;
  std::vector<const std::string*> bytes_of_;  // by id, into the keys of id_of_; nullptr is a hole
  std::vector<TokenId> declared_special_;
  std::optional<Bpe> bpe_;
};

}  // namespace decant
