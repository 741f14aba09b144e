// The safetensors header is read as a stream of JSON events, not as a tree: duplicate names are
// seen, nesting has nowhere to go, and a header of n bytes needs little more than n bytes.
#include "safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <utility>

#include "json_tokens.h"

static_assert(std::endian::native == std::endian::little, "tensors are read where they lie");

namespace decant {
namespace {

using nlohmann::json;

// The limit that the reference implementation sets, too.
constexpr std::uint64_t kMaxHeader = 100'000'000;

struct KnownType {
  std::string_view name;
  std::int64_t size;
  std::optional<DType> dtype;
};

// Types outside this list may follow in later versions of the format: such a tensor is kept by name
// and refused only where it is needed.
constexpr KnownType kTypes[] = {
    {"F32", 4, DType::kF32}, {"F16", 2, DType::kF16}, {"BF16", 2, DType::kBF16},
    {"F64", 8, {}},          {"I64", 8, {}},          {"U64", 8, {}},
    {"I32", 4, {}},          {"U32", 4, {}},          {"I16", 2, {}},
    {"U16", 2, {}},          {"I8", 1, DType::kI8},   {"U8", 1, {}},
    {"BOOL", 1, {}},
};

struct Entry {
  StoredTensor tensor;
  std::uint64_t begin = 0;  // offsets into the data, which follows the header
  std::uint64_t end = 0;
};

/// Collects the entries of the header, and refuses whatever the format does not have.
class HeaderReader : public json::json_sax_t {
 public:
  explicit HeaderReader(const FileBytes& file) : file_(file) {}

  std::vector<Entry> take() { return std::move(entries_); }

  bool start_object(std::size_t) override {
    if (place_ == Place::kOutside) {
      place_ = Place::kNames;
    } else if (place_ == Place::kNames) {
      if (name_ == "__metadata__") {
        if (std::exchange(had_metadata_, true)) fail("is there twice");
        place_ = Place::kMetadata;
      } else {
        place_ = Place::kTensor;
        begin_tensor();
      }
    } else {
      refuse("an object");
    }
    return true;
  }

  bool end_object() override {
    if (place_ == Place::kTensor) end_tensor();
    place_ = place_ == Place::kNames ? Place::kOutside : Place::kNames;
    return true;
  }

  bool start_array(std::size_t) override {
    if (place_ == Place::kTensor && field_ == "shape") {
      place_ = Place::kShape;
    } else if (place_ == Place::kTensor && field_ == "data_offsets") {
      place_ = Place::kOffsets;
    } else {
      refuse("an array");
    }
    return true;
  }

  bool end_array() override {
    place_ = Place::kTensor;
    return true;
  }

  bool key(std::string& text) override {
    if (place_ == Place::kNames) {
      name_ = std::move(text);
    } else if (place_ == Place::kTensor) {
      if (std::find(fields_.begin(), fields_.end(), text) != fields_.end()) {
        fail(quote(text) + " is there twice");
      }
      if (fields_.size() == 3) fail("has the unknown field " + quote(text));
      fields_.push_back(text);
      field_ = text;
    }
    return true;
  }

  bool string(std::string& text) override {
    if (place_ == Place::kMetadata) return true;
    if (place_ != Place::kTensor || field_ != "dtype") refuse("a string");
    entries_.back().tensor.type = text;
    return true;
  }

  bool number_unsigned(std::uint64_t value) override {
    if (place_ == Place::kShape) {
      if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        file_.fail(ErrorCode::kTooLarge, "tensor " + quote(name_) + ": the shape overflows");
      }
      auto& shape = entries_.back().tensor.shape;
      if (shape.size() == kMaxRank) fail("has too many dimensions");
      shape.push_back(static_cast<std::int64_t>(value));
    } else if (place_ == Place::kOffsets && offsets_ < 2) {
      (offsets_ == 0 ? entries_.back().begin : entries_.back().end) = value;
      ++offsets_;
    } else {
      refuse("a number");
    }
    return true;
  }

  bool null() override { refuse("null"); }
  bool boolean(bool) override { refuse("a boolean"); }
  bool number_integer(std::int64_t) override { refuse("a negative number"); }
  bool number_float(double, const std::string&) override { refuse("a fraction"); }
  bool binary(json::binary_t&) override { refuse("binary data"); }

  bool parse_error(std::size_t position, const std::string&, const json::exception&) override {
    file_.fail(ErrorCode::kMalformed,
               "the header is not JSON: wrong at its byte " + std::to_string(position));
  }

 private:
  enum class Place { kOutside, kNames, kMetadata, kTensor, kShape, kOffsets };

  void begin_tensor() {
    if (entries_.size() == kMaxTensors) {
      file_.fail(ErrorCode::kTooLarge,
                 "announces more than " + std::to_string(kMaxTensors) + " tensors");
    }
    entries_.emplace_back();
    entries_.back().tensor.name = name_;
    fields_.clear();
    offsets_ = 0;
  }

  void end_tensor() const {
    for (const std::string_view field : {"dtype", "shape", "data_offsets"}) {
      if (std::find(fields_.begin(), fields_.end(), field) == fields_.end()) {
        fail("has no " + quote(field));
      }
    }
    if (offsets_ != 2) fail("'data_offsets' needs two numbers");
  }

  [[noreturn]] void fail(const std::string& what) const {
    file_.fail(ErrorCode::kMalformed, "tensor " + quote(name_) + ": " + what);
  }

  [[noreturn]] void refuse(const std::string& what) const {
    const bool inside = place_ != Place::kOutside && !name_.empty();
    const std::string where = inside ? "at " + quote(name_) : "at its start";
    file_.fail(ErrorCode::kMalformed,
               "the header holds " + what + " " + where + ", where the format has none");
  }

  const FileBytes& file_;
  Place place_ = Place::kOutside;
  std::string name_;
  std::string field_;
  std::vector<std::string> fields_;
  int offsets_ = 0;
  bool had_metadata_ = false;
  std::vector<Entry> entries_;
};

void check_names(const FileBytes& file, const std::vector<Entry>& entries) {
  std::vector<std::string_view> names;
  names.reserve(entries.size());
  for (const Entry& entry : entries) names.push_back(entry.tensor.name);
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice == names.end()) return;
  file.fail(ErrorCode::kMalformed, "tensor " + quote(*twice) + " is there twice");
}

// Checks one entry on its own and points it at its data.
void place_tensor(const FileBytes& file, std::span<const std::byte> data, Entry& entry) {
  StoredTensor& tensor = entry.tensor;
  const auto fail = [&](ErrorCode code, const std::string& what) {
    file.fail(code, "tensor " + quote(tensor.name) + ": " + what);
  };
  const std::string offsets =
      "offsets [" + std::to_string(entry.begin) + ", " + std::to_string(entry.end) + ")";
  if (entry.begin > entry.end) fail(ErrorCode::kMalformed, offsets + " run backwards");
  if (entry.end > data.size()) {
    fail(ErrorCode::kTruncated, offsets + " end after the file's last byte, " +
                                    std::to_string(data.size()) + ": is the download complete?");
  }
  const std::optional<std::int64_t> count = element_count(tensor.shape);
  if (!count) fail(ErrorCode::kTooLarge, "the shape " + shape_text(tensor.shape) + " overflows");
  const auto* known = std::find_if(std::begin(kTypes), std::end(kTypes),
                                   [&](const KnownType& type) { return type.name == tensor.type; });
  if (known != std::end(kTypes)) {
    std::int64_t size = 0;
    if (__builtin_mul_overflow(*count, known->size, &size) ||
        static_cast<std::uint64_t>(size) != entry.end - entry.begin) {
      fail(ErrorCode::kMalformed,
           offsets + " do not hold " + shape_text(tensor.shape) + " of " + tensor.type);
    }
    tensor.dtype = known->dtype;
  }
  if (*count > 0) tensor.strides = row_major_strides(tensor.shape);
  tensor.strides.resize(tensor.shape.size());
  tensor.data = data.data() + entry.begin;
}

// The format allows neither overlaps nor holes: a file has one reading, and hides nothing.
void check_tiling(const FileBytes& file, const std::vector<Entry>& entries, std::size_t size) {
  std::vector<const Entry*> order;
  order.reserve(entries.size());
  for (const Entry& entry : entries) order.push_back(&entry);
  std::sort(order.begin(), order.end(), [](const Entry* a, const Entry* b) {
    return std::pair(a->begin, a->end) < std::pair(b->begin, b->end);
  });
  std::uint64_t reached = 0;
  for (const Entry* entry : order) {
    if (entry->begin != reached) {
      file.fail(ErrorCode::kMalformed,
                "tensor " + quote(entry->tensor.name) + ": offset " + std::to_string(entry->begin) +
                    (entry->begin < reached ? " overlaps the tensor before it, which ends at "
                                            : " leaves a hole after ") +
                    std::to_string(reached));
    }
    reached = entry->end;
  }
  if (reached != size) {
    file.fail(ErrorCode::kMalformed,
              std::to_string(size - reached) + " bytes follow the last tensor and belong to none");
  }
}

}  // namespace

TensorFile read_safetensors(const FileBytes& file) {
  std::uint64_t header_size = 0;
  if (file.bytes.size() < sizeof(header_size)) file.fail(ErrorCode::kTruncated, "is cut short");
  std::memcpy(&header_size, file.bytes.data(), sizeof(header_size));
  if (header_size > kMaxHeader) {
    file.fail(ErrorCode::kTooLarge, "announces a header of " + std::to_string(header_size) +
                                        " bytes, more than the format's " +
                                        std::to_string(kMaxHeader));
  }
  if (header_size > file.bytes.size() - sizeof(header_size)) {
    file.fail(ErrorCode::kTruncated, "ends inside its header: is the download complete?");
  }
  const std::string_view header = file.text(sizeof(header_size), header_size);
  require_short_json_tokens(file, header);
  HeaderReader reader(file);
  json::sax_parse(header.begin(), header.end(), &reader);
  std::vector<Entry> entries = reader.take();
  check_names(file, entries);

  const std::span<const std::byte> data = file.bytes.subspan(sizeof(header_size) + header_size);
  for (Entry& entry : entries) place_tensor(file, data, entry);
  check_tiling(file, entries, data.size());

  TensorFile result;
  result.format = "safetensors";
  result.total_bytes = file.bytes.size();
  result.tensors.reserve(entries.size());
  for (Entry& entry : entries) result.tensors.push_back(std::move(entry.tensor));
  return result;
}

}  // namespace decant
