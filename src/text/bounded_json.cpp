// Building a tree from nlohmann's events within bounds, and turning its complaints into one line.
#include "bounded_json.h"

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "decant/error.h"
#include "file.h"
#include "json_tokens.h"
#include "quote.h"
#include "tokenizer_files.h"

namespace decant {
namespace {

using nlohmann::json;

[[noreturn]] void fail(const std::filesystem::path& path, ErrorCode code,
                       const std::string& message) {
  throw Error(code, path.string() + ": " + message);
}

// Builds the tree. nlohmann's own parser can also be watched, but each object that ends then makes
// it look at all that stand before it: a file of a million would take hours.
class Document final : public json::json_sax_t {
 public:
  Document(const std::filesystem::path& path, std::size_t file_size)
      : path_(path), budget_(3 * file_size + kSpare) {}

  json take() && { return std::move(root_); }

  bool start_object(std::size_t) override { return open(json::object()); }
  bool start_array(std::size_t) override { return open(json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(std::int64_t value) override { return add(value); }
  bool number_unsigned(std::uint64_t value) override { return add(value); }
  bool number_float(double value, const std::string&) override { return add(value); }
  bool binary(json::binary_t&) override { return false; }  // JSON text has none
  bool string(std::string& value) override {
    charge(kNode + value.size());
    return add(std::move(value));
  }
  bool key(std::string& name) override {
    charge(kMember + name.size());
    const auto [member, added] = open_.back()->emplace(name, nullptr);
    if (!added)
      fail(path_, ErrorCode::kMalformed, "has " + in_quotes(name) + " twice in one object");
    member_ = &*member;
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const json::exception& error) override {
    if (const auto* parse = dynamic_cast<const json::parse_error*>(&error)) throw *parse;
    fail(path_, ErrorCode::kMalformed, "has a number that is out of range");
  }

 private:
  static constexpr std::size_t kMaxDepth = 32;
  // With the text itself and what the lexer holds, 4 bytes a byte and 64 MB.
  static constexpr std::size_t kSpare = std::size_t{48} << 20;
  // What the tree takes, bytes of text aside: an element of an array whose storage is growing; a
  // member of an object, with its node; an object, an array or a string on the heap.
  static constexpr std::size_t kElement = 3 * sizeof(json);
  static constexpr std::size_t kMember = 112;
  static constexpr std::size_t kNode = 64;

  void charge(std::size_t bytes) {
    if (bytes > budget_) fail(path_, ErrorCode::kTooLarge, "has more values than a tokenizer has");
    budget_ -= bytes;
  }

  bool open(json&& empty) {
    if (open_.size() == kMaxDepth) {
      fail(path_, ErrorCode::kTooLarge, "nests deeper than a tokenizer does");
    }
    charge(kNode);
    open_.push_back(&place(std::move(empty)));
    return true;
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  bool add(json&& value) {
    place(std::move(value));
    return true;
  }

  // While a value is open, nothing is added to what it lies in: pointers to both stay good.
  json& place(json&& value) {
    if (open_.empty()) return root_ = std::move(value);
    if (open_.back()->is_object()) return *member_ = std::move(value);
    charge(kElement);
    open_.back()->push_back(std::move(value));
    return open_.back()->back();
  }

  const std::filesystem::path& path_;
  std::size_t budget_;  // bytes that the tree may still take
  json root_;
  std::vector<json*> open_;  // the objects and arrays that have not ended, outermost first
  json* member_ = nullptr;   // of the innermost object: the one whose key came last
};

// Calls parse(text), and makes Decant's errors of nlohmann's.
template <typename Parse>
auto parse_file(const std::filesystem::path& path, const Parse& parse) {
  const std::string text = read_file(path, kMaxTokenizerFile);
  if (text.empty()) fail(path, ErrorCode::kTruncated, "is empty");
  require_short_json_tokens({path.string(), std::as_bytes(std::span(text))}, text);
  try {
    return parse(text);
  } catch (const json::parse_error& error) {
    if (error.byte > text.size()) {
      fail(path, ErrorCode::kTruncated, "ends in the middle of its JSON");
    }
    fail(path, ErrorCode::kMalformed, "is not JSON at byte " + std::to_string(error.byte));
  } catch (const json::out_of_range&) {
    fail(path, ErrorCode::kMalformed, "has a number that is out of range");
  }
}

}  // namespace

json read_json(const std::filesystem::path& path) {
  return parse_file(path, [&](const std::string& text) {
    Document document(path, text.size());
    json::sax_parse(text, &document);
    return std::move(document).take();
  });
}

void read_json(const std::filesystem::path& path, json::json_sax_t& events) {
  parse_file(path, [&](const std::string& text) { json::sax_parse(text, &events); });
}

std::string shown(const json& value) {
  if (value.is_object()) return "an object";
  if (value.is_array()) return "an array";
  if (value.is_string()) return in_quotes(value.get_ref<const std::string&>());
  return value.dump();
}

}  // namespace decant
