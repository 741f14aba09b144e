// Finds a zip's entries from its central directory and proves their places.
#include "zip.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace decant {
namespace {

// Sizes of the fixed parts of each record, and where their fields stand (APPNOTE 4.3).
constexpr std::uint64_t kLocalHeader = 30;
constexpr std::uint64_t kDirectoryEntry = 46;
constexpr std::uint64_t kEnd = 22;
constexpr std::uint64_t kEnd64Locator = 20;
constexpr std::uint64_t kEnd64 = 56;

constexpr std::uint32_t kLocalSignature = 0x04034b50;
constexpr std::uint32_t kDirectorySignature = 0x02014b50;
constexpr std::uint32_t kEndSignature = 0x06054b50;
constexpr std::uint32_t kEnd64LocatorSignature = 0x07064b50;
constexpr std::uint32_t kEnd64Signature = 0x06064b50;
constexpr std::uint16_t kZip64Extra = 1;

// A 16- or 32-bit field with all bits set: the value stands in the zip64 record.
constexpr std::uint64_t kIn64 = 0xffffffff;
constexpr std::uint64_t kIn64Short = 0xffff;

struct Directory {
  std::uint64_t entries = 0;
  std::uint64_t size = 0;
  std::uint64_t offset = 0;
};

struct Placed {
  ZipEntry entry;
  std::uint64_t begin = 0;  // of the local header
};

class DirectoryReader {
 public:
  explicit DirectoryReader(const FileBytes& file) : file_(file) {}

  std::vector<ZipEntry> read() {
    const Directory directory = find_directory();
    end_ = directory.offset;
    // Proves the count before it sizes anything.
    if (directory.entries > directory.size / kDirectoryEntry) {
      file_.fail(ErrorCode::kMalformed, "announces more entries than its directory can hold");
    }
    std::vector<Placed> placed;
    placed.reserve(directory.entries);
    std::uint64_t at = directory.offset;
    const std::uint64_t stop = directory.offset + directory.size;
    for (std::uint64_t i = 0; i < directory.entries; ++i) placed.push_back(read_entry(at, stop));
    if (at != stop) file_.fail(ErrorCode::kMalformed, "has a directory longer than its entries");
    check_overlaps(placed);

    std::vector<ZipEntry> entries;
    entries.reserve(placed.size());
    for (const Placed& one : placed) entries.push_back(one.entry);
    std::sort(entries.begin(), entries.end(),
              [](const ZipEntry& a, const ZipEntry& b) { return a.name < b.name; });
    const auto twin =
        std::adjacent_find(entries.begin(), entries.end(),
                           [](const ZipEntry& a, const ZipEntry& b) { return a.name == b.name; });
    if (twin != entries.end()) {
      file_.fail(ErrorCode::kMalformed, "entry " + quote(twin->name) + " is there twice");
    }
    return entries;
  }

 private:
  template <typename T>
  T read_at(std::uint64_t offset) const {  // the caller has proven the range
    T value;
    std::memcpy(&value, file_.bytes.data() + offset, sizeof(T));
    return value;
  }
  std::uint16_t u16(std::uint64_t offset) const { return read_at<std::uint16_t>(offset); }
  std::uint32_t u32(std::uint64_t offset) const { return read_at<std::uint32_t>(offset); }
  std::uint64_t u64(std::uint64_t offset) const { return read_at<std::uint64_t>(offset); }

  // The end record stands last, before a comment of at most 65535 bytes that fills the file.
  std::uint64_t find_end() const {
    const std::uint64_t size = file_.bytes.size();
    if (size >= kEnd) {
      const std::uint64_t last = size - kEnd;
      const std::uint64_t first = last > 0xffff ? last - 0xffff : 0;
      for (std::uint64_t at = last + 1; at-- > first;) {
        if (u32(at) == kEndSignature && u16(at + 20) == last - at) return at;
      }
    }
    file_.fail(ErrorCode::kTruncated,
               "is a zip archive without its end: is the download or the copy complete?");
  }

  Directory find_directory() const {
    const std::uint64_t end = find_end();
    Directory directory{u16(end + 10), u32(end + 12), u32(end + 16)};
    std::uint64_t limit = end;
    bool one_disk = u16(end + 4) == 0 && u16(end + 6) == 0;
    if (end >= kEnd64Locator && u32(end - kEnd64Locator) == kEnd64LocatorSignature) {
      const std::uint64_t at = u64(end - kEnd64Locator + 8);
      limit = end - kEnd64Locator;
      if (limit < kEnd64 || at > limit - kEnd64 || u32(at) != kEnd64Signature) {
        file_.fail(ErrorCode::kMalformed, "points to a zip64 record where there is none");
      }
      limit = at;
      if (directory.entries == kIn64Short) directory.entries = u64(at + 32);
      if (directory.size == kIn64) directory.size = u64(at + 40);
      if (directory.offset == kIn64) directory.offset = u64(at + 48);
      one_disk = one_disk && u32(at + 16) == 0 && u32(at + 20) == 0;
    }
    if (!one_disk) file_.fail(ErrorCode::kUnsupported, "is a zip archive split over several files");
    if (directory.size > limit || directory.offset > limit - directory.size) {
      file_.fail(ErrorCode::kMalformed, "has a directory that reaches past its own end");
    }
    return directory;
  }

  // Reads the directory entry at `at` and moves `at` behind it.
  Placed read_entry(std::uint64_t& at, std::uint64_t stop) const {
    if (stop - at < kDirectoryEntry || u32(at) != kDirectorySignature) {
      file_.fail(ErrorCode::kMalformed, "has a broken directory");
    }
    const std::uint16_t flags = u16(at + 8);
    const std::uint16_t method = u16(at + 10);
    std::uint64_t packed = u32(at + 20);
    std::uint64_t size = u32(at + 24);
    const std::uint64_t name_size = u16(at + 28);
    const std::uint64_t extra_size = u16(at + 30);
    const std::uint64_t comment_size = u16(at + 32);
    std::uint64_t local = u32(at + 42);
    const std::uint64_t length = kDirectoryEntry + name_size + extra_size + comment_size;
    if (stop - at < length) file_.fail(ErrorCode::kMalformed, "has a broken directory");
    const std::string_view name = file_.text(at + kDirectoryEntry, name_size);
    read_zip64(at + kDirectoryEntry + name_size, extra_size, {&size, &packed, &local});
    at += length;

    const auto fail = [&](ErrorCode code, const std::string& what) {
      file_.fail(code, "entry " + quote(name) + " " + what);
    };
    if ((flags & 1u) != 0) fail(ErrorCode::kUnsupported, "is encrypted");
    if (method != 0) {
      fail(ErrorCode::kUnsupported,
           "is compressed; PyTorch stores its entries as they are: torch.save it again");
    }
    if (packed != size) fail(ErrorCode::kMalformed, "has two sizes, though it is not compressed");
    if (end_ < kLocalHeader || local > end_ - kLocalHeader || u32(local) != kLocalSignature) {
      fail(ErrorCode::kMalformed, "points to a header where there is none");
    }
    const std::uint64_t data = local + kLocalHeader + u16(local + 26) + u16(local + 28);
    if (data > end_ || size > end_ - data) {
      fail(ErrorCode::kMalformed, "of " + std::to_string(size) + " bytes reaches past the entries");
    }
    if (u16(local + 8) != 0 || u16(local + 26) != name_size ||
        file_.text(local + kLocalHeader, name_size) != name) {
      fail(ErrorCode::kMalformed, "disagrees with its own header");
    }
    return {{name, file_.bytes.subspan(data, size)}, local};
  }

  // Replaces those of the three fields whose 32 bits were too narrow, in the order of
  // APPNOTE 4.5.3.
  void read_zip64(std::uint64_t at, std::uint64_t size,
                  std::initializer_list<std::uint64_t*> fields) const {
    const std::uint64_t stop = at + size;
    while (stop - at >= 4) {
      const std::uint16_t id = u16(at);
      std::uint64_t left = u16(at + 2);
      at += 4;
      if (left > stop - at) file_.fail(ErrorCode::kMalformed, "has a broken directory");
      const std::uint64_t next = at + left;
      for (std::uint64_t* field : fields) {
        if (id != kZip64Extra || *field != kIn64 || left < 8) continue;
        *field = u64(at);
        at += 8;
        left -= 8;
      }
      at = next;
    }
  }

  void check_overlaps(std::vector<Placed>& placed) const {
    std::sort(placed.begin(), placed.end(),
              [](const Placed& a, const Placed& b) { return a.begin < b.begin; });
    const std::byte* reached = file_.bytes.data();
    for (const Placed& one : placed) {
      if (file_.bytes.data() + one.begin < reached) {
        file_.fail(ErrorCode::kMalformed,
                   "entry " + quote(one.entry.name) + " overlaps the one before it");
      }
      reached = one.entry.data.data() + one.entry.data.size();
    }
  }

  const FileBytes& file_;
  std::uint64_t end_ = 0;  // where the entries end and the directory begins
};

}  // namespace

ZipArchive::ZipArchive(const FileBytes& file) : entries_(DirectoryReader(file).read()) {}

const ZipEntry* ZipArchive::find(std::string_view name) const {
  const auto found =
      std::lower_bound(entries_.begin(), entries_.end(), name,
                       [](const ZipEntry& entry, std::string_view n) { return entry.name < n; });
  return found != entries_.end() && found->name == name ? &*found : nullptr;
}

}  // namespace decant
