#include "file.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "decant/error.h"
#include "mapped_file.h"

namespace decant {

std::string read_file(const std::filesystem::path& path, std::size_t limit) {
  const MappedFile file(path);
  const auto bytes = file.bytes();
  if (bytes.size() > limit) {
    throw Error(ErrorCode::kTooLarge, path.string() + ": has " + std::to_string(bytes.size()) +
                                          " bytes, more than the " + std::to_string(limit) +
                                          " that such a file may have");
  }
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

AtomicFile::AtomicFile(std::filesystem::path path)
    : path_(std::move(path)),
      aside_(path_.string() + ".tmp" + std::to_string(::getpid())),
      stream_(aside_, std::ios::binary | std::ios::trunc) {
  if (!stream_) fail();
}

AtomicFile::~AtomicFile() {
  if (committed_) return;
  stream_.close();
  std::error_code ignored;
  std::filesystem::remove(aside_, ignored);
}

void AtomicFile::write(std::string_view bytes) {
  if (!stream_.write(bytes.data(), static_cast<std::streamsize>(bytes.size()))) fail();
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  write(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

void AtomicFile::commit() {
  stream_.close();
  if (!stream_) fail();
  std::error_code error;
  std::filesystem::rename(aside_, path_, error);
  if (error) throw Error(ErrorCode::kIo, path_.string() + ": cannot write: " + error.message());
  committed_ = true;
}

void AtomicFile::fail() const {
  throw Error(ErrorCode::kIo, path_.string() + ": cannot write: " + std::strerror(errno));
}

}  // namespace decant
