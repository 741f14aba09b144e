// The messages of Protocol Buffers that an index holds, field by field. Fields that say nothing
// here are passed over, as that format wants it.
#include "tf_index.h"

#include <algorithm>
#include <cstdio>
#include <limits>
#include <utility>

#include "byte_reader.h"
#include "sorted_table.h"

namespace decant {
namespace {

struct TfType {
  std::uint64_t number;  // of DataType in tensorflow/core/framework/types.proto
  std::string_view name;
  std::int64_t size;
  std::optional<DType> dtype;
};

// A type that is not here is kept by name, and refused only where it is needed.
constexpr TfType kTypes[] = {
    {1, "DT_FLOAT", 4, DType::kF32}, {14, "DT_BFLOAT16", 2, DType::kBF16},
    {19, "DT_HALF", 2, DType::kF16}, {2, "DT_DOUBLE", 8, {}},
    {3, "DT_INT32", 4, {}},          {9, "DT_INT64", 8, {}},
    {10, "DT_BOOL", 1, {}},
};

// A key of Protocol Buffers: the field's number, and how its value is written.
constexpr std::uint64_t varint(std::uint64_t field) { return field << 3; }
constexpr std::uint64_t bytes(std::uint64_t field) { return field << 3 | 2; }

// One message's fields, one after the other.
class Message {
 public:
  explicit Message(std::string_view text) : reader_(text) {}

  /// Whether there was another field; false, too, where it makes no sense, which well_formed tells.
  bool next() {
    if (reader_.empty()) return false;
    const auto key = reader_.take_varint();
    if (!key) return fail();
    key_ = *key;
    switch (key_ & 7) {
      case 0:
        return take_number(reader_.take_varint());
      case 1:
        return take_number(reader_.take_little<std::uint64_t>());
      case 2: {
        const auto size = reader_.take_varint();
        const auto text = size ? reader_.take(*size) : std::nullopt;
        if (!text) return fail();
        text_ = *text;
        return true;
      }
      case 5:
        return take_number(reader_.take_little<std::uint32_t>());
      default:
        return fail();
    }
  }

  bool well_formed() const { return well_formed_; }
  std::uint64_t key() const { return key_; }
  std::uint64_t number() const { return number_; }
  std::string_view text() const { return text_; }

 private:
  bool fail() {
    well_formed_ = false;
    return false;
  }

  bool take_number(std::optional<std::uint64_t> number) {
    if (!number) return fail();
    number_ = *number;
    return true;
  }

  ByteReader reader_;
  bool well_formed_ = true;
  std::uint64_t key_ = 0;
  std::uint64_t number_ = 0;
  std::string_view text_;
};

class IndexReader {
 public:
  explicit IndexReader(const FileBytes& file) : file_(file) {}

  TfIndex read() {
    read_sorted_table(file_, [&](std::string_view key, std::string_view value) {
      if (!index_.shards) {
        if (!key.empty()) malformed("does not begin with a header");
        read_header(value);
      } else {
        read_entry(key, value);
      }
    });
    if (!index_.shards) malformed("has no header");
    return std::move(index_);
  }

 private:
  [[noreturn]] void malformed(const std::string& what) const {
    file_.fail(ErrorCode::kMalformed, what);
  }

  // Calls `each` for every field; protobuf's own errors are of the message named `what`.
  template <typename Each>
  void read_fields(std::string_view text, const std::string& what, Each each) const {
    Message message(text);
    while (message.next()) each(message);
    if (!message.well_formed()) malformed(what + " is damaged");
  }

  // BundleHeaderProto; or SavedTensorSlices, whose first field is a message
  void read_header(std::string_view text) {
    std::uint64_t shards = 0;
    bool big_endian = false;
    std::string_view version;
    read_fields(text, "its header", [&](const Message& field) {
      if (field.key() == bytes(1)) {
        file_.fail(ErrorCode::kUnsupported,
                   "is a checkpoint of TensorFlow's first version: restore it in TensorFlow and "
                   "save it again with tf.compat.v1.train.Saver, which writes the second");
      }
      if (field.key() == varint(1)) shards = field.number();
      if (field.key() == varint(2)) big_endian = field.number() != 0;
      if (field.key() == bytes(3)) version = field.text();
    });
    if (big_endian) {
      file_.fail(ErrorCode::kUnsupported,
                 "was saved on a big-endian machine: save it again on a common one");
    }
    read_fields(version, "its version", [&](const Message& field) {
      if (field.key() == varint(2) && field.number() > kFormat) {
        file_.fail(ErrorCode::kUnsupported, "needs version " + std::to_string(field.number()) +
                                                " of TensorFlow's checkpoints; Decant reads " +
                                                std::to_string(kFormat));
      }
    });
    if (shards < 1 || shards > kMaxShards) {
      malformed("announces " + std::to_string(shards) + " files of data");
    }
    index_.shards = static_cast<std::uint32_t>(shards);
  }

  // BundleEntryProto
  void read_entry(std::string_view name, std::string_view text) {
    if (index_.entries.size() == kMaxTensors) {
      file_.fail(ErrorCode::kTooLarge,
                 "announces more than " + std::to_string(kMaxTensors) + " tensors");
    }
    const std::string what = "tensor " + quote(name);
    TfEntry entry;
    entry.tensor.name = name;
    std::uint64_t type = 0;
    std::uint64_t shard = 0;
    read_fields(text, what, [&](const Message& field) {
      if (field.key() == varint(1)) type = field.number();
      if (field.key() == bytes(2)) read_shape(field.text(), what, entry.tensor.shape);
      if (field.key() == varint(3)) shard = field.number();
      if (field.key() == varint(4)) entry.offset = field.number();
      if (field.key() == varint(5)) entry.size = field.number();
      if (field.key() == bytes(7)) {
        file_.fail(ErrorCode::kUnsupported,
                   what + " is cut into slices: save it without a partitioner");
      }
    });
    if (shard >= index_.shards) {
      malformed(what + " is in file " + std::to_string(shard) + " of " +
                std::to_string(index_.shards));
    }
    entry.shard = static_cast<std::uint32_t>(shard);
    check_type(type, what, entry);
    index_.entries.push_back(std::move(entry));
  }

  // TensorShapeProto
  void read_shape(std::string_view text, const std::string& what,
                  std::vector<std::int64_t>& shape) const {
    read_fields(text, what, [&](const Message& field) {
      if (field.key() == varint(3) && field.number() != 0) malformed(what + " has no shape");
      if (field.key() != bytes(2)) return;
      if (shape.size() == kMaxRank) malformed(what + " has too many dimensions");
      shape.push_back(read_dimension(field.text(), what));
    });
  }

  std::int64_t read_dimension(std::string_view text, const std::string& what) const {
    std::uint64_t size = 0;
    read_fields(text, what, [&](const Message& field) {
      if (field.key() == varint(1)) size = field.number();
    });
    if (size > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      malformed(what + " has a negative dimension");
    }
    return static_cast<std::int64_t>(size);
  }

  void check_type(std::uint64_t number, const std::string& what, TfEntry& entry) const {
    StoredTensor& tensor = entry.tensor;
    const std::string shape = "the shape " + shape_text(tensor.shape);
    const auto count = element_count(tensor.shape);
    if (!count) file_.fail(ErrorCode::kTooLarge, what + ": " + shape + " overflows");
    if (*count > 0) tensor.strides = row_major_strides(tensor.shape);
    tensor.strides.resize(tensor.shape.size());
    const auto* known = std::find_if(std::begin(kTypes), std::end(kTypes),
                                     [&](const TfType& type) { return type.number == number; });
    if (known == std::end(kTypes)) {
      tensor.type = "DataType " + std::to_string(number);
      return;
    }
    tensor.type = known->name;
    tensor.dtype = known->dtype;
    std::int64_t size = 0;
    if (__builtin_mul_overflow(*count, known->size, &size) ||
        static_cast<std::uint64_t>(size) != entry.size) {
      malformed(what + ": " + std::to_string(entry.size) + " bytes do not hold " +
                shape_text(tensor.shape) + " of " + tensor.type);
    }
  }

  static constexpr std::uint64_t kFormat = 1;
  static constexpr std::uint64_t kMaxShards = 99'999;  // their names have five digits

  const FileBytes& file_;
  TfIndex index_;
};

}  // namespace

TfIndex read_tf_index(const FileBytes& file) { return IndexReader(file).read(); }

std::string tf_shard_name(const std::string& prefix, std::uint32_t shard, std::uint32_t shards) {
  char numbers[40];
  std::snprintf(numbers, sizeof(numbers), ".data-%05u-of-%05u", shard, shards);
  return prefix + numbers;
}

TensorFile join_tf_shards(TfIndex index, std::span<const FileBytes> shards) {
  TensorFile result;
  result.format = "TensorFlow checkpoint";
  result.tensors.reserve(index.entries.size());
  for (TfEntry& entry : index.entries) {
    const FileBytes& shard = shards[entry.shard];
    if (entry.offset > shard.bytes.size() || entry.size > shard.bytes.size() - entry.offset) {
      shard.fail(ErrorCode::kTruncated, "ends before its tensor " + quote(entry.tensor.name) +
                                            " does: is the download complete?");
    }
    entry.tensor.data = shard.bytes.data() + entry.offset;
    result.tensors.push_back(std::move(entry.tensor));
  }
  for (const FileBytes& shard : shards) result.total_bytes += shard.bytes.size();
  return result;
}

}  // namespace decant
