// Reader of zip archives whose entries are stored, not compressed, as PyTorch writes them: an entry
// is a span of the file, and a zip bomb has nothing to go off with.
// Format: PKWARE's APPNOTE.TXT 6.3.10, sections 4.3 and 4.5.3 (zip64).
#pragma once

#include <vector>

#include "tensor_file.h"

namespace decant {

struct ZipEntry {
  std::string_view name;            ///< inside the file
  std::span<const std::byte> data;  ///< inside the file, before the central directory
};

class ZipArchive {
 public:
  /// Reads the central directory. Refuses entries that are compressed or encrypted, that overlap,
  /// that have the same name, or whose own header disagrees with the directory.
  /// Throws Error (kTruncated, kMalformed, kUnsupported).
  explicit ZipArchive(const FileBytes& file);

  const std::vector<ZipEntry>& entries() const { return entries_; }  ///< by name
  const ZipEntry* find(std::string_view name) const;                 ///< null where there is none

 private:
  std::vector<ZipEntry> entries_;
};

}  // namespace decant
