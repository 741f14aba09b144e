#include "logits_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "decant/error.h"

namespace decant::cli {
namespace {

[[noreturn]] void fail(const std::string& name, ErrorCode code, const std::string& message) {
  throw Error(code, name + ": " + message);
}

// Takes the numbers as they are parsed: no document is built of a file that nobody vouches for.
class NumberArray : public nlohmann::json::json_sax_t {
 public:
  explicit NumberArray(const std::string& name) : name_(name) {}

  std::vector<float> logits;

  bool null() override {
    return add(-std::numeric_limits<float>::infinity());  // JSON has no word for it
  }
  bool boolean(bool value) override { return refuse(value ? "true" : "false"); }
  bool number_integer(std::int64_t value) override { return number(static_cast<double>(value)); }
  bool number_unsigned(std::uint64_t value) override { return number(static_cast<double>(value)); }
  bool number_float(double value, const std::string&) override { return number(value); }
  bool string(std::string&) override { return refuse("a string"); }
  bool binary(binary_t&) override { return refuse("binary"); }
  bool start_object(std::size_t) override { return refuse("an object"); }
  bool key(std::string&) override { return false; }
  bool end_object() override { return false; }
  bool start_array(std::size_t) override {
    if (open_) return refuse("an array");
    return open_ = true;
  }
  bool end_array() override { return true; }
  bool parse_error(std::size_t byte, const std::string&,
                   const nlohmann::json::exception& error) override {
    constexpr int kOutOfRange = 406;  // nlohmann's number for a number that is
    if (error.id == kOutOfRange) return refuse_size();
    fail(name_, ErrorCode::kMalformed,
         fmt::format("is neither JSON (at byte {}) nor a .npy file; in JSON, null stands for -inf",
                     byte));
  }

 private:
  bool add(float logit) {
    if (!open_) return refuse("null");
    logits.push_back(logit);
    return true;
  }
  bool number(double value) {
    if (!open_) return refuse("a number");
    if (std::abs(value) > std::numeric_limits<float>::max()) return refuse_size();
    return add(static_cast<float>(value));
  }
  [[noreturn]] bool refuse(const char* what) const {
    if (!open_) {
      fail(name_, ErrorCode::kMalformed,
           fmt::format("is {}: it must be an array of numbers", what));
    }
    fail(name_, ErrorCode::kMalformed,
         fmt::format("element {} is {}: it must be a number, or null for -inf", logits.size(),
                     what));
  }
  [[noreturn]] bool refuse_size() const {
    fail(name_, ErrorCode::kMalformed,
         fmt::format("element {} is beyond what a float32 holds", logits.size()));
  }

  const std::string& name_;
  bool open_ = false;
};

constexpr std::string_view kNpyMagic = "\x93NUMPY";

// The header of a .npy file, which is a Python dict:
//     {'descr': '<f4', 'fortran_order': False, 'shape': (50257,), }
class NpyHeader {
 public:
  NpyHeader(std::string_view text, const std::string& name) : rest_(text), name_(name) {
    expect('{');
    while (!take('}')) {
      const std::string key(quoted());
      expect(':');
      if (key == "descr") {
        if (next() == '[') unsupported_dtype("records");
        descr = quoted();
        if (!is_dtype(*descr)) malformed();
      } else if (key == "fortran_order") {
        fortran_order = word() == "True";
      } else if (key == "shape") {
        read_shape();
      } else {
        malformed();
      }
      if (!take(',') && next() != '}') malformed();
    }
    if (next() != '\0' || !descr || !fortran_order || !shape) malformed();
    if (descr != "<f4") unsupported_dtype(fmt::format("'{}'", *descr));
  }

  std::optional<std::string> descr;
  std::optional<bool> fortran_order;
  std::optional<std::vector<std::uint64_t>> shape;

 private:
  [[noreturn]] void malformed() const {
    fail(name_, ErrorCode::kMalformed, "the header of the .npy file is not one that NumPy writes");
  }
  [[noreturn]] void unsupported_dtype(const std::string& dtype) const {
    fail(name_, ErrorCode::kUnsupported,
         fmt::format("holds {}, not float32 ('<f4'): save it with .astype('<f4')", dtype));
  }

  // One of NumPy's: '<f4', '|S5', '>M8[ns]'. Nothing else gets into a message.
  static bool is_dtype(std::string_view text) {
    constexpr std::string_view kSigns = "<>=|[]";
    return text.size() <= 16 && std::ranges::all_of(text, [kSigns](char c) {
             return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
                    kSigns.find(c) != kSigns.npos;
           });
  }

  char next() {  // '\0' at the end
    const std::size_t spaces = std::min(rest_.find_first_not_of(" \n"), rest_.size());
    rest_.remove_prefix(spaces);
    return rest_.empty() ? '\0' : rest_.front();
  }
  bool take(char wanted) {
    if (next() != wanted) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void expect(char wanted) {
    if (!take(wanted)) malformed();
  }
  std::string_view take_while(std::string_view characters) {
    next();
    const std::size_t end = std::min(rest_.find_first_not_of(characters), rest_.size());
    const std::string_view taken = rest_.substr(0, end);
    rest_.remove_prefix(end);
    return taken;
  }
  std::string_view quoted() {
    const char quote = next();
    if (quote != '\'' && quote != '"') malformed();
    const std::size_t end = rest_.find(quote, 1);
    if (end == std::string_view::npos) malformed();
    const std::string_view taken = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    return taken;
  }
  std::string_view word() {
    const std::string_view taken = take_while("TrueFals");
    if (taken != "True" && taken != "False") malformed();
    return taken;
  }
  void read_shape() {
    shape.emplace();
    expect('(');
    while (!take(')')) {
      const std::string_view digits = take_while("0123456789");
      const auto [end, error] =
          std::from_chars(digits.data(), digits.data() + digits.size(), shape->emplace_back());
      if (error != std::errc{}) malformed();
      if (!take(',') && next() != ')') malformed();
    }
  }

  std::string_view rest_;
  const std::string& name_;
};

std::vector<float> parse_npy(std::string_view bytes, const std::string& name) {
  static_assert(std::endian::native == std::endian::little);
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); };
  const auto truncated = [&] { fail(name, ErrorCode::kTruncated, "ends within its .npy header"); };

  std::size_t at = kNpyMagic.size();
  if (bytes.size() < at + 2) truncated();
  const int version = byte(at);
  if (version != 1 && version != 2) {
    fail(name, ErrorCode::kUnsupported,
         fmt::format("is .npy version {}: only 1 and 2 are read", version));
  }
  at += 2;
  const std::size_t width = version == 1 ? 2 : 4;  // bytes of the header's length
  if (bytes.size() < at + width) truncated();
  std::size_t length = 0;
  for (std::size_t i = 0; i < width; ++i) length |= std::size_t{byte(at + i)} << (8 * i);
  at += width;
  if (bytes.size() - at < length) truncated();
  const NpyHeader header(bytes.substr(at, length), name);
  at += length;

  if (header.shape->size() != 1) {
    fail(name, ErrorCode::kUnsupported,
         fmt::format("has {} dimensions: save one row of logits, which has 1",
                     header.shape->size()));
  }
  if (*header.fortran_order) {
    fail(name, ErrorCode::kUnsupported, "is in Fortran order: save it in C order");
  }
  const std::uint64_t count = header.shape->front();
  if (count == 0) return {};
  const std::string_view data = bytes.substr(at);
  if (count > data.size() / sizeof(float)) {
    fail(name, ErrorCode::kTruncated,
         fmt::format("has {} bytes of data, where {} logits need more", data.size(), count));
  }
  if (data.size() != count * sizeof(float)) {
    fail(name, ErrorCode::kMalformed,
         fmt::format("has {} bytes of data, where {} logits need {}", data.size(), count,
                     count * sizeof(float)));
  }
  std::vector<float> logits(count);
  std::memcpy(logits.data(), data.data(), data.size());
  return logits;
}

}  // namespace

std::vector<float> parse_logits(std::string_view bytes, const std::string& name) {
  if (bytes.empty()) fail(name, ErrorCode::kTruncated, "is empty");
  std::vector<float> logits;
  if (bytes.starts_with(kNpyMagic)) {
    logits = parse_npy(bytes, name);
  } else {
    NumberArray numbers(name);
    nlohmann::json::sax_parse(bytes, &numbers);
    logits = std::move(numbers.logits);
  }
  if (logits.empty())
    fail(name, ErrorCode::kMalformed, "has no logits: there must be at least one");
  return logits;
}

}  // namespace decant::cli
