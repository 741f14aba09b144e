// Whole files: read at once, or written aside and renamed into place.
#pragma once

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>

namespace decant {

/// The bytes of a text file of at most `limit` bytes. Throws Error (kIo, kTooLarge).
std::string read_file(const std::filesystem::path& path, std::size_t limit);

/// Writes next to `path` and renames on commit(): a reader sees the old file or the whole new one,
/// and a full disk leaves neither a torn file nor a stray one.
///
///     AtomicFile file(folder / "config.json");
///     file.write(json);
///     file.commit();
class AtomicFile {
 public:
  /// Throws Error (kIo).
  explicit AtomicFile(std::filesystem::path path);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();  ///< removes the temporary file unless commit() was reached

  void write(std::string_view bytes);            ///< throws Error (kIo)
  void write(std::span<const std::byte> bytes);  ///< throws Error (kIo)
  void commit();                                 ///< throws Error (kIo)

 private:
  [[noreturn]] void fail() const;

  std::filesystem::path path_;
  std::filesystem::path aside_;
  std::ofstream stream_;
  bool committed_ = false;
};

}  // namespace decant
