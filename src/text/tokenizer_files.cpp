// Finds out which format a path is in, reads JSON within bounds, and writes Decant's own files.
#include "tokenizer_files.h"

#include <algorithm>
#include <set>
#include <unordered_set>
#include <vector>

#include "byte_alphabet.h"
#include "decant/error.h"
#include "file.h"
#include "vocabulary_builder.h"

namespace decant {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

Vocabulary read_json_tokenizer(const fs::path& path) {
  const json document = read_json(path);
  if (!document.is_object()) {
    throw Error(ErrorCode::kMalformed, path.string() + ": is not a JSON object");
  }
  const auto model = document.find("model");  // a vocabulary too may have the token "model"
  if (model != document.end() && !model->is_number()) return read_tokenizer_json(path, document);
  return read_vocab_and_merges(path, document, path.parent_path() / "merges.txt");
}

std::string escaped(std::string_view symbols) {  // the alphabet has no other characters to escape
  std::string out;
  for (const char c : symbols) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

fs::path require_in_folder(const fs::path& folder) {
  if (const auto found = find_tokenizer(folder)) return *found;
  throw Error(ErrorCode::kUnrecognized,
              folder.string() + ": has no tokenizer.json, vocab.json or .tiktoken file");
}

}  // namespace

std::optional<fs::path> find_tokenizer(const fs::path& folder) {
  std::error_code unreadable;  // nothing to be found there
  for (const char* name : {"tokenizer.json", "vocab.json"}) {
    if (fs::exists(folder / name, unreadable)) return folder / name;
  }
  std::set<fs::path> candidates;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, unreadable)) {
    if (entry.path().extension() == ".tiktoken") candidates.insert(entry.path());
  }
  if (candidates.size() > 1) {
    throw Error(ErrorCode::kUnrecognized,
                folder.string() + ": has more than one .tiktoken file; name the one to read");
  }
  return candidates.empty() ? std::nullopt : std::optional(*candidates.begin());
}

Vocabulary read_tokenizer(const fs::path& path) {
  try {
    const fs::path file = fs::is_directory(path) ? require_in_folder(path) : path;
    const fs::path extension = file.extension();
    if (extension == ".tiktoken") return read_tiktoken(file);
    if (extension == ".json") return read_json_tokenizer(file);
    if (file.filename() == "merges.txt")
      return read_json_tokenizer(file.parent_path() / "vocab.json");
    throw Error(
        fs::exists(file) ? ErrorCode::kUnrecognized : ErrorCode::kIo,
        file.string() + (fs::exists(file) ? ": is not named like a tokenizer file: tokenizer.json, "
                                            "vocab.json, merges.txt or *.tiktoken"
                                          : ": No such file or directory"));
  } catch (const fs::filesystem_error& error) {
    throw Error(ErrorCode::kIo, path.string() + ": " + error.code().message());
  }
}

json read_json(const fs::path& path) {
  constexpr int kMaxDepth = 32;
  constexpr std::size_t kMaxValues = std::size_t{1} << 21;  // some 200 MB when all are arrays
  const std::string text = read_file(path, kMaxTokenizerFile);
  const auto fail = [&path](ErrorCode code, const std::string& message) {
    throw Error(code, path.string() + ": " + message);
  };
  if (text.empty()) fail(ErrorCode::kTruncated, "is empty");

  std::size_t values = 0;
  std::vector<std::unordered_set<std::string>> keys;  // of the objects that are open
  const auto watch = [&](int depth, json::parse_event_t event, json& parsed) {
    if (depth > kMaxDepth) fail(ErrorCode::kTooLarge, "nests deeper than a tokenizer does");
    if (++values > kMaxValues) fail(ErrorCode::kTooLarge, "has more values than a tokenizer has");
    if (event == json::parse_event_t::object_start) keys.emplace_back();
    if (event == json::parse_event_t::object_end) keys.pop_back();
    if (event == json::parse_event_t::key &&
        !keys.back().insert(parsed.get_ref<const std::string&>()).second) {
      fail(ErrorCode::kMalformed,
           "has " + in_quotes(parsed.get_ref<const std::string&>()) + " twice in one object");
    }
    return true;
  };
  try {
    return json::parse(text, watch);
  } catch (const json::parse_error& error) {
    if (error.byte > text.size()) fail(ErrorCode::kTruncated, "ends in the middle of its JSON");
    fail(ErrorCode::kMalformed, "is not JSON at byte " + std::to_string(error.byte));
  } catch (const json::out_of_range&) {
    fail(ErrorCode::kMalformed, "has a number that is out of range");
  }
  return {};
}

void write_tokenizer(const Vocabulary& vocabulary, const fs::path& folder) {
  const TokenBytes& tokens = vocabulary.tokens();
  std::string vocab;
  for (std::size_t at = 0; at < tokens.size(); ++at) {
    const std::string_view bytes = tokens[static_cast<TokenId>(at)];
    if (bytes.empty()) continue;
    vocab += vocab.empty() ? "{\"" : ",\n\"";
    vocab += escaped(to_symbols(bytes)) + "\": " + std::to_string(at);
  }
  vocab += "}\n";
  std::string merges = "#version: 0.2\n";
  for (const Merge& merge : vocabulary.merges()) {
    merges += to_symbols(tokens[merge.left]) + " " + to_symbols(tokens[merge.right]) + "\n";
  }
  AtomicFile vocab_file(folder / "vocab.json");
  vocab_file.write(vocab);
  AtomicFile merges_file(folder / "merges.txt");
  merges_file.write(merges);
  vocab_file.commit();
  merges_file.commit();
}

}  // namespace decant
