// A vocabulary as vocab.json and merges.txt, or as tokenizer.json.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "byte_alphabet.h"
#include "decant/error.h"
#include "file.h"
#include "tokenizer_files.h"
#include "unicode.h"

namespace decant {
namespace {

namespace fs = std::filesystem;

std::string quoted(const std::string& utf8) { return nlohmann::json(utf8).dump(); }

bool is_utf8(std::string_view bytes) {
  for (std::size_t at = 0; at < bytes.size();) {
    const CodePoint next = code_point_at(bytes, at);
    if (next.value == kNotUtf8) return false;
    at += next.size;
  }
  return true;
}

// The members of a JSON object {spelling: id}.
class VocabWriter {
 public:
  void add(const std::string& spelling, std::size_t id) {
    members_ += members_.empty() ? "{" : ",\n";
    members_ += quoted(spelling) + ": " + std::to_string(id);
  }
  std::string object() && { return members_ + "}"; }

 private:
  std::string members_;
};

std::string merge_line(const TokenBytes& tokens, const Merge& merge) {
  return to_symbols(tokens[merge.left]) + " " + to_symbols(tokens[merge.right]);
}

std::vector<fs::path> write_vocab_and_merges(const BpeVocabulary& vocabulary,
                                             const fs::path& folder) {
  const TokenBytes& tokens = vocabulary.tokens();
  VocabWriter vocab;
  for (std::size_t at = 0; at < tokens.size(); ++at) {
    const std::string_view bytes = tokens[static_cast<TokenId>(at)];
    if (!bytes.empty()) vocab.add(to_symbols(bytes), at);
  }
  std::string merges = "#version: 0.2\n";
  for (const Merge& merge : vocabulary.merges()) merges += merge_line(tokens, merge) + "\n";
  std::vector<fs::path> written = {folder / "vocab.json", folder / "merges.txt"};
  AtomicFile vocab_file(written[0]);
  vocab_file.write(std::move(vocab).object() + "\n");
  AtomicFile merges_file(written[1]);
  merges_file.write(merges);
  vocab_file.commit();
  merges_file.commit();
  return written;
}

// The pair splits as GPT-2 does and cannot say which tokens are special: other readers know of
// "<|endoftext|>" alone.
bool fits_vocab_and_merges(const BpeVocabulary& vocabulary) {
  return vocabulary.split() == Split::kGpt2 &&
         std::ranges::all_of(vocabulary.specials(), [&](TokenId id) {
           return vocabulary.tokens()[id] == "<|endoftext|>";
         });
}

// What of tokenizer.json differs from one vocabulary to another, as JSON.
struct Parts {
  std::string added_tokens = "[]";
  std::string pre_tokenizer = "null";
  std::string decoder;
  std::string unk_token = "null";
  std::string vocab;
  std::string merges = "[]";
};

Parts parts_of(const BpeVocabulary& vocabulary) {
  Parts parts;
  const Split split = vocabulary.split();
  const std::string byte_level =
      R"({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": )" +
      std::string(split == Split::kGpt2 ? "true}" : "false}");  // its own regex is GPT-2's
  parts.decoder = byte_level;
  parts.pre_tokenizer = byte_level;
  if (split == Split::kGpt4) {
    parts.pre_tokenizer =
        R"({"type": "Sequence", "pretokenizers": [{"type": "Split", "pattern": {"Regex": )" +
        quoted(std::string(pattern_of_split(split))) +
        R"(}, "behavior": "Isolated", "invert": false}, )" + byte_level + "]}";
  }

  const TokenBytes& tokens = vocabulary.tokens();
  std::vector<bool> special(tokens.size(), false);
  for (const TokenId id : vocabulary.specials()) special[static_cast<std::size_t>(id)] = true;
  VocabWriter vocab;
  std::string added;
  for (std::size_t at = 0; at < tokens.size(); ++at) {
    const std::string bytes(tokens[static_cast<TokenId>(at)]);
    if (bytes.empty()) continue;
    if (!special[at] || !is_utf8(bytes)) {  // one that no text can spell out stays unmade
      vocab.add(to_symbols(bytes), at);
      continue;
    }
    added += (added.empty() ? "" : ",\n") + (R"({"id": )" + std::to_string(at)) +
             R"(, "content": )" + quoted(bytes) +
             R"(, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, )"
             R"("special": true})";
    // Other readers number added tokens anew unless the vocabulary has them, as they read. Where
    // that is how the alphabet spells other bytes, it would say something else.
    const std::optional<std::string> spelt = from_symbols(bytes);
    if (!spelt || *spelt == bytes) vocab.add(bytes, at);
  }
  parts.added_tokens = "[" + added + "]";
  parts.vocab = std::move(vocab).object();
  std::string merges;
  for (const Merge& merge : vocabulary.merges()) {
    merges += (merges.empty() ? "" : ",\n") + quoted(merge_line(tokens, merge));
  }
  parts.merges = "[" + merges + "]";
  return parts;
}

Parts parts_of(const CharacterVocabulary& vocabulary) {
  Parts parts;
  parts.decoder = R"({"type": "Fuse"})";
  // A BPE model leaves out a character that it does not have, without a word, unless it is told of
  // a token to put there; when that one is missing, too, it refuses the text, as Decant does.
  parts.unk_token = R"("a character that the model never saw")";
  VocabWriter vocab;
  const TokenBytes& tokens = vocabulary.tokens();
  for (std::size_t at = 0; at < tokens.size(); ++at) {
    vocab.add(std::string(tokens[static_cast<TokenId>(at)]), at);
  }
  parts.vocab = std::move(vocab).object();
  return parts;
}

std::vector<fs::path> write_tokenizer_json(const Parts& parts, const fs::path& folder) {
  const fs::path path = folder / "tokenizer.json";
  AtomicFile file(path);
  file.write(R"({"version": "1.0", "truncation": null, "padding": null,
"added_tokens": )" +
             parts.added_tokens + R"(,
"normalizer": null,
"pre_tokenizer": )" +
             parts.pre_tokenizer + R"(,
"post_processor": null,
"decoder": )" +
             parts.decoder + R"(,
"model": {"type": "BPE", "dropout": null, "unk_token": )" +
             parts.unk_token + R"(, "continuing_subword_prefix": null,
"end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
"vocab": )" + parts.vocab +
             R"(,
"merges": )" +
             parts.merges + "}}\n");
  file.commit();
  return {path};
}

}  // namespace

std::vector<fs::path> write_tokenizer(const Vocabulary& vocabulary, const fs::path& folder) {
  const auto* bpe = std::get_if<BpeVocabulary>(&vocabulary);
  if (bpe != nullptr && fits_vocab_and_merges(*bpe)) return write_vocab_and_merges(*bpe, folder);
  return write_tokenizer_json(
      std::visit([](const auto& kind) { return parts_of(kind); }, vocabulary), folder);
}

}  // namespace decant
