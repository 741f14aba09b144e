// Good zip archives.
#include "zip.h"

#include "hostile/builders.h"

namespace decant {
namespace {

std::string_view text_of(const ZipEntry* entry) {
  return {reinterpret_cast<const char*>(entry->data.data()), entry->data.size()};
}

void expect_two_entries(const std::string& bytes) {
  const ZipArchive archive(hostile::file_bytes(bytes));
  ASSERT_EQ(archive.entries().size(), 2u);
  EXPECT_EQ(archive.entries()[0].name, "a/data.pkl");  // by name
  EXPECT_EQ(text_of(archive.find("a/data/0")), "0123");
  EXPECT_EQ(text_of(archive.find("a/data.pkl")), "");
  EXPECT_EQ(archive.find("a/data/1"), nullptr);
}

const std::vector<hostile::ZipItem> kItems = {{"a/data.pkl", ""}, {"a/data/0", "0123"}};

TEST(ZipArchive, FindsEntries) { expect_two_entries(hostile::zip(kItems)); }

TEST(ZipArchive, ReadsZip64) { expect_two_entries(hostile::zip(kItems, /*with_zip64=*/true)); }

TEST(ZipArchive, ReadsPastAComment) {
  std::string bytes = hostile::zip(kItems);
  bytes[bytes.size() - 2] = 5;
  expect_two_entries(bytes + "hello");
}

}  // namespace
}  // namespace decant
