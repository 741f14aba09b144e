#include "file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "decant/error.h"
#include "temp_folder.h"

namespace decant {
namespace {

TEST(ReadFile, ReturnsTheBytes) {
  const TempFolder folder;
  AtomicFile file(folder.path() / "a");
  file.write(std::string_view("one\0two", 7));
  file.commit();
  EXPECT_EQ(read_file(folder.path() / "a", 7), std::string("one\0two", 7));
}

TEST(ReadFile, RefusesMoreThanTheLimit) {
  const TempFolder folder;
  AtomicFile file(folder.path() / "a");
  file.write("12345678");
  file.commit();
  try {
    read_file(folder.path() / "a", 7);
    FAIL() << "8 bytes passed a limit of 7";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kTooLarge);
  }
}

TEST(AtomicFile, LeavesTheOldFileUntilCommit) {
  const TempFolder folder;
  const auto path = folder.path() / "a";
  {
    AtomicFile file(path);
    file.write("old");
    file.commit();
  }
  {
    AtomicFile file(path);
    file.write("half of the new o");
  }
  EXPECT_EQ(read_file(path, 100), "old");
  EXPECT_EQ(folder.files(), 1) << "a temporary file stayed behind";
}

TEST(AtomicFile, FailsInAFolderThatIsNotThere) {
  const TempFolder folder;
  EXPECT_THROW(AtomicFile(folder.path() / "none" / "a"), Error);
}

}  // namespace
}  // namespace decant
