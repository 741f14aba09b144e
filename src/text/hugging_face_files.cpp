// vocab.json with merges.txt, and tokenizer.json.
#include <algorithm>
#include <optional>

#include "bounded_json.h"
#include "bpe_builder.h"
#include "byte_alphabet.h"
#include "character_list.h"
#include "decant/error.h"
#include "file.h"
#include "quote.h"
#include "tokenizer_files.h"

namespace decant {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// A file's name with what it says, for messages.
class Reader {
 public:
  explicit Reader(std::string file) : file_(std::move(file)) {}

  const std::string& file() const { return file_; }

  [[noreturn]] void fail(ErrorCode code, const std::string& message) const {
    throw Error(code, file_ + ": " + message);
  }

  // A member that must be there and of this type.
  const json& member(const json& object, const char* name, json::value_t type,
                     const char* type_name) const {
    const auto found = object.find(name);
    if (found == object.end()) fail(ErrorCode::kMalformed, in_quotes(name) + " is missing");
    if (found->type() != type) {
      fail(ErrorCode::kMalformed, in_quotes(name) + " is not " + type_name);
    }
    return *found;
  }

  // A member that, where it is there at all, is null or one of the plain values of `harmless`.
  void require_harmless(const json& object, const char* name,
                        std::initializer_list<json> harmless) const {
    const auto found = object.find(name);
    if (found == object.end() || found->is_null()) return;
    if (std::find(harmless.begin(), harmless.end(), *found) != harmless.end()) return;
    fail(ErrorCode::kUnsupported,
         in_quotes(name) + " is " + shown(*found) + ", which Decant does not read");
  }

  // The `type` of a component such as the pre-tokenizer; "null" for null or absent.
  std::string component_type(const json& object, const char* name) const {
    const auto found = object.find(name);
    if (found == object.end() || found->is_null()) return "null";
    if (!found->is_object()) fail(ErrorCode::kMalformed, in_quotes(name) + " is not an object");
    return member(*found, "type", json::value_t::string, "a string").get<std::string>();
  }

 private:
  std::string file_;
};

// A member, by reference; null where there is none.
const json& at(const json& value, const char* name) {
  static const json kNull;
  const auto found = value.find(name);  // in what is no object there is nothing
  return found != value.end() ? *found : kNull;
}

// The id that a token has in a file. Ids beyond the range of int64 are too large all the same.
std::int64_t checked_id(const Reader& reader, const std::string& token, const json& value) {
  if (!value.is_number_integer()) {
    reader.fail(ErrorCode::kMalformed, "token " + in_quotes(token) + " has id " + shown(value) +
                                           ", which is not an integer");
  }
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX) return INT64_MAX;
  return value.get<std::int64_t>();
}

// A token that is not spelt in the alphabet is one that was added, as it reads: "<|im start|>".
std::string token_bytes(const std::string& spelling) {
  return from_symbols(spelling).value_or(spelling);
}

// vocab.json is one flat object of tokens and ids. Reading it as events keeps the order of the
// file, which is mostly that of ids, and makes no copy: three times as fast as a document.
class VocabEvents final : public json::json_sax_t {
 public:
  VocabEvents(const Reader& reader, BpeBuilder& builder) : reader_(reader), builder_(builder) {}

  bool key(std::string& spelling) override {
    token_ = spelling;
    return true;
  }
  bool start_object(std::size_t) override { return depth_++ == 0 || add(json::object()); }
  bool start_array(std::size_t) override { return add(json::array()); }
  bool number_integer(std::int64_t value) override { return add(value); }
  bool number_unsigned(std::uint64_t value) override { return add(value); }
  bool number_float(double value, const std::string&) override { return add(value); }
  bool string(std::string& value) override { return add(value); }
  bool boolean(bool value) override { return add(value); }
  bool null() override { return add(nullptr); }
  bool binary(json::binary_t&) override { return false; }  // JSON text has none
  bool end_object() override { return true; }
  bool end_array() override { return true; }
  bool parse_error(std::size_t, const std::string&, const json::exception& error) override {
    if (const auto* parse = dynamic_cast<const json::parse_error*>(&error)) throw *parse;
    reader_.fail(ErrorCode::kMalformed, "has a number that is out of range");
  }

 private:
  bool add(const json& id) {
    if (depth_ == 0) reader_.fail(ErrorCode::kMalformed, "is not a JSON object");
    builder_.add_token(token_bytes(token_), checked_id(reader_, token_, id));
    return true;
  }

  const Reader& reader_;
  BpeBuilder& builder_;
  std::string token_;
  int depth_ = 0;
};

void add_merge(BpeBuilder& builder, std::string_view left, std::string_view right,
               const std::string& place) {
  const std::optional<std::string> left_bytes = from_symbols(left);
  const std::optional<std::string> right_bytes = from_symbols(right);
  if (!left_bytes || !right_bytes) {
    throw Error(ErrorCode::kMalformed, place + ": " + in_quotes(left_bytes ? right : left) +
                                           " is not spelt in GPT-2's byte alphabet");
  }
  builder.add_merge(*left_bytes, *right_bytes, place);
}

// "a b", as both merges.txt and the older tokenizer.json have it.
void add_merge(BpeBuilder& builder, std::string_view pair, const std::string& place) {
  const std::size_t space = pair.find(' ');
  if (space == pair.npos || space == 0 || space + 1 >= pair.size() ||
      pair.find(' ', space + 1) != pair.npos) {
    throw Error(ErrorCode::kMalformed,
                place + ": " + in_quotes(pair) + " is not two tokens with a space between");
  }
  add_merge(builder, pair.substr(0, space), pair.substr(space + 1), place);
}

// Adds the tokens of `vocab` that are not among `added`, and frees each on the way: the tree and
// what is built of it never stand in memory together.
void add_tokens(BpeBuilder& builder, const Reader& reader, json vocab,
                const std::vector<std::string>& added) {
  for (auto token = vocab.begin(); token != vocab.end(); token = vocab.erase(token)) {
    const std::string& spelling = token.key();
    const std::int64_t id = checked_id(reader, spelling, *token);
    const bool again = std::binary_search(added.begin(), added.end(), spelling);
    if (again && builder.has(spelling, id)) continue;  // most files list added tokens here too
    builder.add_token(token_bytes(spelling), id);
  }
}

// Likewise.
void add_merges(BpeBuilder& builder, const Reader& reader, json merges) {
  for (std::size_t rank = 0; rank < merges.size(); ++rank) {
    const json merge = std::move(merges[rank]);
    const std::string place = reader.file() + ": merge " + std::to_string(rank);
    if (merge.is_string()) {
      add_merge(builder, merge.get_ref<const std::string&>(), place);
    } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() &&
               merge[1].is_string()) {
      add_merge(builder, merge[0].get_ref<const std::string&>(),
                merge[1].get_ref<const std::string&>(), place);
    } else {
      throw Error(ErrorCode::kMalformed, place + ": is neither \"a b\" nor [\"a\", \"b\"]");
    }
  }
}

// Adds the added tokens, and returns their contents.
std::vector<std::string> add_added_tokens(BpeBuilder& builder, const Reader& reader,
                                          const json& document) {
  std::vector<std::string> contents;
  if (!document.contains("added_tokens")) return contents;
  for (const json& token :
       reader.member(document, "added_tokens", json::value_t::array, "an array")) {
    if (!token.is_object()) reader.fail(ErrorCode::kMalformed, "an added token is not an object");
    const std::string content =
        reader.member(token, "content", json::value_t::string, "a string").get<std::string>();
    for (const char* option : {"lstrip", "rstrip", "single_word"}) {
      const auto value = token.find(option);
      if (value == token.end() || *value == false) continue;
      reader.fail(ErrorCode::kUnsupported, "added token " + in_quotes(content) + " has " + option +
                                               " = " + shown(*value) +
                                               "; Decant finds added tokens exactly as written");
    }
    builder.add_special(content, checked_id(reader, content, at(token, "id")));
    contents.push_back(content);
  }
  std::sort(contents.begin(), contents.end());
  return contents;
}

// The pattern of a 'Split' that keeps all of a text and cuts it where the pattern's matches end.
Split read_pattern(const Reader& reader, const json& split) {
  const json& pattern = at(at(split, "pattern"), "Regex");
  const json& behavior = at(split, "behavior");
  const bool inverted = at(split, "invert") == true;
  if (!(behavior == "Isolated" && !inverted) && !(behavior == "Removed" && inverted)) {
    reader.fail(ErrorCode::kUnsupported, "the pre_tokenizer's 'Split' is " + shown(behavior) +
                                             (inverted ? ", inverted" : "") +
                                             "; Decant reads 'Isolated'");
  }
  const auto known =
      pattern.is_string() ? split_of_pattern(pattern.get_ref<const std::string&>()) : std::nullopt;
  if (known) return *known;
  reader.fail(ErrorCode::kUnsupported,
              "the pre_tokenizer splits by " +
                  (pattern.is_string() ? in_quotes(pattern.get_ref<const std::string&>(), 160)
                                       : "something other than a Regex") +
                  "; Decant knows GPT-2's and GPT-4's patterns");
}

// The split of the pre-tokenizer: ByteLevel's own, which is GPT-2's, or one that stands before it.
Split read_split(const Reader& reader, const json& document) {
  const std::string type = reader.component_type(document, "pre_tokenizer");
  std::vector<const json*> steps;
  if (type == "Sequence") {
    for (const json& step : reader.member(document["pre_tokenizer"], "pretokenizers",
                                          json::value_t::array, "an array")) {
      steps.push_back(&step);
      if (steps.size() > 2) break;  // already too many
    }
  } else if (type != "null") {
    steps.push_back(&document["pre_tokenizer"]);
  }
  const auto step_is = [&](std::size_t i, const char* name) {
    return steps[i]->is_object() && at(*steps[i], "type") == name;
  };
  const bool split_first = steps.size() == 2 && step_is(0, "Split");
  if (steps.empty() || steps.size() != (split_first ? 2 : 1) ||
      !step_is(steps.size() - 1, "ByteLevel")) {
    reader.fail(ErrorCode::kUnsupported,
                "the pre_tokenizer is " + in_quotes(type) +
                    "; Decant reads 'ByteLevel', alone or after a 'Split' by GPT-4's pattern");
  }
  const json& byte_level = *steps.back();
  if (at(byte_level, "add_prefix_space") != false) {
    reader.fail(ErrorCode::kUnsupported,
                "the pre_tokenizer has add_prefix_space = true; Decant adds no space to a text");
  }
  const bool splits = at(byte_level, "use_regex") != false;
  if (!split_first) return splits ? Split::kGpt2 : Split::kNone;
  if (splits) {
    reader.fail(ErrorCode::kUnsupported,
                "the pre_tokenizer splits twice: 'Split' and 'ByteLevel' with use_regex = true");
  }
  return read_pattern(reader, *steps[0]);
}

// Refuses all that would make other ids than a split and plain byte-pair encoding.
void require_plain_scheme(const Reader& reader, const json& document, const json& model,
                          const char* decoder) {
  reader.require_harmless(document, "normalizer", {});
  const auto require_type = [&](const char* name, const std::string& wanted) {
    const std::string type = reader.component_type(document, name);
    if (type == "null" || type == wanted) return;
    reader.fail(ErrorCode::kUnsupported, std::string("the ") + name + " is " + in_quotes(type) +
                                             "; Decant reads " + in_quotes(wanted) + " here");
  };
  require_type("post_processor", "ByteLevel");
  require_type("decoder", decoder);
  reader.require_harmless(model, "dropout", {0.0});
  reader.require_harmless(model, "continuing_subword_prefix", {""});
  reader.require_harmless(model, "end_of_word_suffix", {""});
  reader.require_harmless(model, "byte_fallback", {false});
  reader.require_harmless(model, "ignore_merges", {false});
}

// Without a pre-tokenizer and without a merge, every character is a token.
bool is_character_level(const Reader& reader, const json& document, const json& model) {
  return reader.component_type(document, "pre_tokenizer") == "null" &&
         at(model, "merges") == json::array();
}

CharacterVocabulary read_character_level(const Reader& reader, const json& document,
                                         const json& model) {
  require_plain_scheme(reader, document, model, "Fuse");
  if (document.contains("added_tokens") && !document["added_tokens"].empty()) {
    reader.fail(ErrorCode::kUnsupported,
                "has added tokens in a vocabulary of characters, where Decant reads none");
  }
  CharacterList list(reader.file());
  for (const auto& [character, id] :
       reader.member(model, "vocab", json::value_t::object, "an object").items()) {
    list.add(character, checked_id(reader, character, id));
  }
  return CharacterVocabulary(std::move(list).build());
}

}  // namespace

BpeVocabulary read_vocab_and_merges(const fs::path& vocab_path, const fs::path& merges_path) {
  const Reader reader(vocab_path.string());
  BpeBuilder builder(reader.file());
  VocabEvents events(reader, builder);
  read_json(vocab_path, events);
  const std::string merges = read_file(merges_path, kMaxTokenizerFile);
  if (merges.empty()) throw Error(ErrorCode::kTruncated, merges_path.string() + ": is empty");
  const std::string merges_file = merges_path.string();
  for_each_line(merges, [&](std::string_view line, std::size_t number) {
    // The first line alone may be a comment: further down "#" is a token like any other.
    if (number == 1 && line.starts_with("#version")) return;
    add_merge(builder, line, place_of_line(merges_file, number));
  });
  return std::move(builder).build(Split::kGpt2, BpeVocabulary::EveryTokenReachable::kNo);
}

Vocabulary read_tokenizer_json(const fs::path& path) {
  const Reader reader(path.string());
  json document = read_json(path);
  if (!document.is_object()) reader.fail(ErrorCode::kMalformed, "is not a JSON object");
  reader.member(document, "model", json::value_t::object, "an object");
  json& model = document["model"];
  // The first files of this format, GPT-2's among them, do not name the type of their model.
  const bool named = model.contains("type");
  if (named ? model["type"] != "BPE" : !model.contains("merges")) {
    reader.fail(
        ErrorCode::kUnsupported,
        "the model is " + (named ? shown(model["type"]) : "unnamed") + "; Decant reads 'BPE'");
  }
  if (is_character_level(reader, document, model)) {
    return read_character_level(reader, document, model);
  }
  const Split split = read_split(reader, document);
  require_plain_scheme(reader, document, model, "ByteLevel");

  BpeBuilder builder(reader.file());
  const std::vector<std::string> added = add_added_tokens(builder, reader, document);
  reader.member(model, "vocab", json::value_t::object, "an object");
  reader.member(model, "merges", json::value_t::array, "an array");
  json vocab = std::move(model["vocab"]);
  json merges = std::move(model["merges"]);
  document = nullptr;
  add_tokens(builder, reader, std::move(vocab), added);
  add_merges(builder, reader, std::move(merges));
  return std::move(builder).build(split, BpeVocabulary::EveryTokenReachable::kNo);
}

}  // namespace decant
