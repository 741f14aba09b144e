#include "mapped_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <utility>

#include "decant/error.h"
#include "temp_folder.h"

namespace decant {
namespace {

using testing::HasSubstr;

TEST(MappedFile, ShowsTheBytesAndMoves) {
  const TempFolder folder;
  std::ofstream(folder.path() / "a") << "abc";
  MappedFile file(folder.path() / "a");
  const MappedFile moved = std::move(file);
  ASSERT_EQ(moved.bytes().size(), 3u);
  EXPECT_EQ(moved.bytes()[2], std::byte{'c'});
}

TEST(MappedFile, AnEmptyFileIsEmpty) {
  const TempFolder folder;
  std::ofstream(folder.path() / "a").flush();
  EXPECT_TRUE(MappedFile(folder.path() / "a").bytes().empty());
}

void expect_io_error(const std::filesystem::path& path, const char* what) {
  try {
    const MappedFile file(path);
    FAIL() << path << " was mapped";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kIo);
    EXPECT_THAT(error.what(), HasSubstr(path.string()));
    EXPECT_THAT(error.what(), HasSubstr(what));
  }
}

TEST(MappedFile, NamesWhatIsMissingOrNoFile) {
  const TempFolder folder;
  expect_io_error(folder.path() / "none", "No such file");
  expect_io_error(folder.path(), "not a regular file");
  const auto pipe = folder.path() / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  expect_io_error(pipe, "not a regular file");
}

}  // namespace
}  // namespace decant
