// The tokenizer files of others, each to a vocabulary; and a vocabulary to files that others read.
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vocabulary.h"

namespace decant {

/// The largest tokenizer file that is read; the largest published ones have half of it.
inline constexpr std::size_t kMaxTokenizerFile = std::size_t{64} << 20;

/// How a minbpe file starts: its first line.
inline constexpr std::string_view kMinbpeSignature = "minbpe v1";

/// The tokenizer file of a folder, if there is one; the first of: tokenizer.json, vocab.json (with
/// merges.txt), encoder.json (with vocab.bpe), *.tiktoken, *.model (that starts as minbpe's),
/// meta.pkl, chars.json. Throws Error (kUnrecognized) where several files of one ending leave it
/// open.
std::optional<std::filesystem::path> find_tokenizer(const std::filesystem::path& folder);

/// Reads a file of any of the formats, or what find_tokenizer() finds in a folder. Throws Error,
/// naming the file: kIo, kUnrecognized (no such file in the folder, an unknown name), kTruncated,
/// kMalformed, kUnsupported, kTooLarge.
Vocabulary read_tokenizer(const std::filesystem::path& path);

/// Writes a vocabulary as Hugging Face has it into `folder`, which exists, and returns what it
/// wrote: vocab.json and merges.txt where text is split as GPT-2 does and no token but
/// "<|endoftext|>" is special, and otherwise tokenizer.json, which names both. Throws Error (kIo).
std::vector<std::filesystem::path> write_tokenizer(const Vocabulary& vocabulary,
                                                   const std::filesystem::path& folder);

/// Hugging Face's pair of files, and OpenAI's encoder.json and vocab.bpe, which are the same: ids
/// in any order, with holes; GPT-2's split.
BpeVocabulary read_vocab_and_merges(const std::filesystem::path& vocab_path,
                                    const std::filesystem::path& merges_path);

/// Hugging Face's tokenizer.json: byte-level BPE with one of the splits, or single characters, and
/// nothing around it that would change ids. Truncation and padding, which do not, are ignored.
Vocabulary read_tokenizer_json(const std::filesystem::path& path);

/// OpenAI's list of tokens: base64 and rank a line. The file has no special tokens, so the
/// vocabulary has none. Nor does it name its split: with as many tokens as cl100k_base it is
/// GPT-4's, else GPT-2's.
BpeVocabulary read_tiktoken(const std::filesystem::path& path);

/// minbpe's .model: a split pattern, special tokens, and merges as pairs of ids.
BpeVocabulary read_minbpe(const std::filesystem::path& path);

/// nanoGPT's meta.pkl: a pickle with 'stoi' or 'itos', or both. Nothing in it is run.
CharacterVocabulary read_meta_pickle(const std::filesystem::path& path);

/// A JSON list of characters: each one's index is its id.
CharacterVocabulary read_characters_json(const std::filesystem::path& path);

/// "FILE: line N", which opens messages.
inline std::string place_of_line(const std::string& file, std::size_t number) {
  return file + ": line " + std::to_string(number);
}

/// Calls line(text, number) for every line of `text`, without its end; the first is 1. Empty lines
/// are passed over.
template <typename Line>
void for_each_line(std::string_view text, const Line& line) {
  for (std::size_t begin = 0, number = 1; begin < text.size(); ++number) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    std::string_view content = text.substr(begin, end - begin);
    if (content.ends_with('\r')) content.remove_suffix(1);
    if (!content.empty()) line(content, number);
    begin = end + 1;
  }
}

}  // namespace decant
