// Finds out which format a path is in.
#include "tokenizer_files.h"

#include <array>
#include <fstream>
#include <set>

#include "decant/error.h"

namespace decant {
namespace {

namespace fs = std::filesystem;

fs::path require_in_folder(const fs::path& folder) {
  if (const auto found = find_tokenizer(folder)) return *found;
  throw Error(ErrorCode::kUnrecognized,
              folder.string() +
                  ": has no tokenizer file: tokenizer.json, vocab.json, encoder.json, "
                  "*.tiktoken, *.model, meta.pkl or chars.json");
}

constexpr std::string_view kMinbpeEnding = ".model";

// Others name their weights so, or a tokenizer of another kind.
bool starts_like_minbpe(const fs::path& path) {
  std::array<char, kMinbpeSignature.size()> start{};
  std::ifstream(path, std::ios::binary).read(start.data(), start.size());
  return std::string_view(start.data(), start.size()) == kMinbpeSignature;
}

// The one file of this ending.
std::optional<fs::path> find_by_ending(const fs::path& folder, std::string_view ending) {
  std::error_code unreadable;  // nothing to be found there
  std::set<fs::path> candidates;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, unreadable)) {
    if (entry.path().extension() != ending) continue;
    if (ending == kMinbpeEnding && !starts_like_minbpe(entry.path())) continue;
    candidates.insert(entry.path());
  }
  if (candidates.size() > 1) {
    throw Error(ErrorCode::kUnrecognized, folder.string() + ": has more than one " +
                                              std::string(ending) + " file; name the one to read");
  }
  return candidates.empty() ? std::nullopt : std::optional(*candidates.begin());
}

Vocabulary read_tokenizer_file(const fs::path& file) {
  const fs::path name = file.filename();
  const fs::path folder = file.parent_path();
  if (name == "tokenizer.json") return read_tokenizer_json(file);
  if (name == "vocab.json" || name == "merges.txt") {
    return read_vocab_and_merges(folder / "vocab.json", folder / "merges.txt");
  }
  if (name == "encoder.json" || name == "vocab.bpe") {
    return read_vocab_and_merges(folder / "encoder.json", folder / "vocab.bpe");
  }
  if (name.extension() == ".tiktoken") return read_tiktoken(file);
  if (name.extension() == kMinbpeEnding) return read_minbpe(file);
  if (name.extension() == ".pkl") return read_meta_pickle(file);
  if (name.extension() == ".json") return read_characters_json(file);
  throw Error(fs::exists(file) ? ErrorCode::kUnrecognized : ErrorCode::kIo,
              file.string() +
                  (fs::exists(file)
                       ? ": is not named like a tokenizer file: tokenizer.json, vocab.json, "
                         "merges.txt, encoder.json, vocab.bpe, *.tiktoken, *.model, meta.pkl or "
                         "chars.json; --chars takes a text's characters"
                       : ": No such file or directory"));
}

}  // namespace

std::optional<fs::path> find_tokenizer(const fs::path& folder) {
  const auto named = [&folder](const char* name) -> std::optional<fs::path> {
    std::error_code unreadable;
    return fs::exists(folder / name, unreadable) ? std::optional(folder / name) : std::nullopt;
  };
  for (const char* name : {"tokenizer.json", "vocab.json", "encoder.json"}) {
    if (auto found = named(name)) return found;
  }
  for (const std::string_view ending : {std::string_view(".tiktoken"), kMinbpeEnding}) {
    if (auto found = find_by_ending(folder, ending)) return found;
  }
  for (const char* name : {"meta.pkl", "chars.json"}) {
    if (auto found = named(name)) return found;
  }
  return std::nullopt;
}

Vocabulary read_tokenizer(const fs::path& path) {
  try {
    return read_tokenizer_file(fs::is_directory(path) ? require_in_folder(path) : path);
  } catch (const fs::filesystem_error& error) {
    throw Error(ErrorCode::kIo, path.string() + ": " + error.code().message());
  }
}

}  // namespace decant
