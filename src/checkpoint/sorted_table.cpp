// Blocks are read in the file's order and never twice, so that time is linear in its size.
#include "sorted_table.h"

#include <string>

#include "byte_reader.h"
#include "crc32c.h"

namespace decant {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kMagic = "\x57\xfb\x80\x8b\x24\x75\x47\xdb"sv;
constexpr std::size_t kFooterSize = 48;
constexpr std::size_t kTrailerSize = 5;  // the type of a block, and its checksum

// A checksum of bytes that hold checksums would be weak, so that the format turns them.
constexpr std::uint32_t mask(std::uint32_t crc) { return (crc >> 15 | crc << 17) + 0xa282ead8u; }

class TableReader {
 public:
  using Each = std::function<void(std::string_view, std::string_view)>;

  explicit TableReader(const FileBytes& file) : file_(file) {}

  void read(const Each& each) {
    if (file_.bytes.size() < kFooterSize) file_.fail(ErrorCode::kTruncated, "is cut short");
    blocks_end_ = file_.bytes.size() - kFooterSize;
    ByteReader footer(file_.text(blocks_end_, kFooterSize));
    block(take_handle(footer));  // the metaindex, which TensorFlow leaves empty
    const std::string_view index = block(take_handle(footer));

    std::string last;
    bool first = true;
    std::uint64_t reached = 0;
    each_entry(index, [&](std::string_view, std::string_view value) {
      ByteReader reader(value);
      const Handle handle = take_handle(reader);
      if (handle.offset < reached) malformed("its blocks overlap");
      const std::string_view data = block(handle);
      reached = handle.offset + handle.size;
      each_entry(data, [&](std::string_view key, std::string_view entry) {
        if (!first && key <= last) malformed("its keys are out of order at " + quote(key));
        first = false;
        last = key;
        each(key, entry);
      });
    });
  }

 private:
  struct Handle {
    std::uint64_t offset;
    std::uint64_t size;
  };

  [[noreturn]] void malformed(const std::string& what) const {
    file_.fail(ErrorCode::kMalformed, what);
  }

  Handle take_handle(ByteReader& reader) const {
    const auto offset = reader.take_varint();
    const auto size = reader.take_varint();
    if (!offset || !size) malformed("says wrongly where a block of it is");
    return {*offset, *size};
  }

  std::string_view block(const Handle& handle) const {
    if (handle.offset > blocks_end_ || handle.size > blocks_end_ - handle.offset ||
        blocks_end_ - handle.offset - handle.size < kTrailerSize) {
      malformed("a block at byte " + std::to_string(handle.offset) + " reaches past its end");
    }
    // The checksum covers the type, too.
    ByteReader reader(file_.text(handle.offset, handle.size + kTrailerSize));
    const std::string_view covered = *reader.take(handle.size + 1);
    if (mask(crc32c(covered)) != reader.take_little<std::uint32_t>()) {
      malformed("the checksum of its block at byte " + std::to_string(handle.offset) +
                " is wrong: the file is damaged");
    }
    switch (covered.back()) {
      case 0:
        return covered.substr(0, handle.size);
      case 1:
        file_.fail(ErrorCode::kUnsupported,
                   "is compressed with Snappy: restore it in TensorFlow and save it again with "
                   "tf.compat.v1.train.Saver, which does not compress");
      default:
        malformed("its block at byte " + std::to_string(handle.offset) + " is of an unknown type");
    }
  }

  // Entries, then the places where a key stands whole, for a search, and how many of them.
  void each_entry(std::string_view block, const Each& each) const {
    std::uint32_t restarts = 0;
    if (block.size() < sizeof(restarts)) malformed("a block of it is cut short");
    block.copy(reinterpret_cast<char*>(&restarts), sizeof(restarts),
               block.size() - sizeof(restarts));
    const std::uint64_t tail = (std::uint64_t{restarts} + 1) * sizeof(restarts);
    if (tail > block.size()) malformed("a block of it is cut short");
    ByteReader reader(block.substr(0, block.size() - tail));
    std::string key;
    while (!reader.empty()) {
      const auto shared = reader.take_varint();
      const auto unshared = reader.take_varint();
      const auto value_size = reader.take_varint();
      if (!shared || !unshared || !value_size || *shared > key.size()) {
        malformed("an entry of it makes no sense");
      }
      if (*unshared > kMaxTableKey - *shared) {
        file_.fail(ErrorCode::kTooLarge, "a name in it is longer than any tensor's");
      }
      const auto rest = reader.take(*unshared);
      const auto value = rest ? reader.take(*value_size) : std::nullopt;
      if (!value) malformed("an entry of it is cut short");
      key.resize(*shared);
      key += *rest;
      each(key, *value);
    }
  }

  const FileBytes& file_;
  std::size_t blocks_end_ = 0;
};

}  // namespace

bool is_sorted_table(const FileBytes& file) {
  return file.bytes.size() >= kFooterSize && file.text().ends_with(kMagic);
}

void read_sorted_table(
    const FileBytes& file,
    const std::function<void(std::string_view key, std::string_view value)>& each) {
  TableReader(file).read(each);
}

}  // namespace decant
