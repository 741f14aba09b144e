// The index of a TensorFlow checkpoint: the one that the fixture's independent writer made, and
// others that lie.
#include "tf_index.h"

#include "cases.h"
#include "file_set.h"
#include "hostile/table_builder.h"

namespace decant {
namespace {

using namespace hostile;

std::string load(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

TfIndex read(const std::string& bytes) { return read_tf_index(file_bytes(bytes, "m.index")); }

void expect_refused(const std::string& bytes, ErrorCode code, const std::string& message) {
  const Error error = error_of([&] { read(bytes); });
  EXPECT_EQ(error.code(), code) << error.what();
  EXPECT_THAT(error.what(), testing::HasSubstr(message));
}

TEST(TfIndex, ReadsOpenAisNamesAndShapes) {
  FileSet files;
  const auto folder = fixtures_folder() / "openai_tf";
  TfIndex index = read_tf_index(files.map(folder / "model.ckpt.index"));
  EXPECT_EQ(index.shards, 1u);
  ASSERT_EQ(index.entries.size(), 2u + 2 * 12 + 2);
  const FileBytes data = files.map(folder / tf_shard_name("model.ckpt", 0, 1));
  const TensorFile file = join_tf_shards(std::move(index), std::array{data});
  EXPECT_EQ(file.format, "TensorFlow checkpoint");
  EXPECT_EQ(file.total_bytes, data.bytes.size());
  const StoredTensor& first = file.tensors.front();
  EXPECT_EQ(first.name, "model/h0/attn/c_attn/b");
  EXPECT_EQ(first.data, data.bytes.data());
  const StoredTensor& second = file.tensors[1];
  EXPECT_EQ(second.name, "model/h0/attn/c_attn/w");
  EXPECT_EQ(second.shape, (std::vector<std::int64_t>{1, 16, 48}));
  EXPECT_EQ(second.strides, (std::vector<std::int64_t>{768, 48, 1}));
  EXPECT_EQ(second.dtype, DType::kF32);
  EXPECT_EQ(second.data, data.bytes.data() + 48 * 4);
  const StoredTensor& last = file.tensors.back();
  EXPECT_EQ(last.name, "model/wte");
  EXPECT_EQ(last.data + 97 * 16 * 4, data.bytes.data() + data.bytes.size());
}

TEST(TfIndex, NoticesAllDamage) {
  const std::string good = load(fixtures_folder() / "openai_tf/model.ckpt.index");
  const std::size_t entries = read(good).entries.size();
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_THROW(read(good.substr(0, size)), Error) << size;
  }
  const std::size_t handles = good.size() - 48;
  for (std::size_t i = 0; i < handles; ++i) {  // all of it is under a checksum
    for (const int flip : {1, 0x80, 0xff}) {
      std::string bytes = good;
      bytes[i] = static_cast<char>(bytes[i] ^ flip);
      EXPECT_THROW(read(bytes), Error) << i;
    }
  }
  for (std::size_t i = handles; i < good.size(); ++i) {  // some of it is padding
    for (int flip = 1; flip < 256; ++flip) {
      std::string bytes = good;
      bytes[i] = static_cast<char>(bytes[i] ^ flip);
      try {
        EXPECT_EQ(read(bytes).entries.size(), entries) << i;
      } catch (const Error&) {
      }
    }
  }
}

TEST(TfIndex, ReadsEveryType) {
  const TfIndex index = read(tf_index(
      table_entry("a", tf_tensor({2}, 0, 8)) + table_entry("b", tf_tensor({2}, 8, 4, 14)) +
      table_entry("c", tf_tensor({2}, 12, 4, 19)) + table_entry("d", tf_tensor({}, 16, 8, 9)) +
      table_entry("e", tf_tensor({3}, 24, 11, 7)) + table_entry("f", tf_tensor({0, 5}, 0, 0))));
  ASSERT_EQ(index.entries.size(), 6u);
  const auto dtype = [&](std::size_t i) { return index.entries[i].tensor.dtype; };
  EXPECT_EQ(dtype(0), DType::kF32);
  EXPECT_EQ(dtype(1), DType::kBF16);
  EXPECT_EQ(dtype(2), DType::kF16);
  EXPECT_EQ(dtype(3), std::nullopt);
  EXPECT_EQ(index.entries[3].tensor.type, "DT_INT64");
  EXPECT_EQ(index.entries[4].tensor.type, "DataType 7");  // strings
  EXPECT_EQ(index.entries[5].tensor.shape, (std::vector<std::int64_t>{0, 5}));
  EXPECT_EQ(index.entries[2].offset, 12u);
}

TEST(TfIndex, PassesOverWhatItDoesNotKnow) {
  const std::string more = field(90, 5) + field(91, "text") + varint(92 << 3 | 5) + "abcd" +
                           varint(93 << 3 | 1) + "abcdefgh";
  EXPECT_EQ(read(tf_index(table_entry("a", more + tf_tensor({2}, 0, 8) + more))).entries.size(),
            1u);
}

TEST(TfIndex, RefusesOtherHeaders) {
  const auto header = [](const std::string& message) { return table({table_entry("", message)}); };
  expect_refused(header(field(1, 1) + field(2, 1)), ErrorCode::kUnsupported, "big-endian");
  expect_refused(header(field(1, 1) + field(3, field(2, 2))), ErrorCode::kUnsupported,
                 "needs version 2 of TensorFlow's checkpoints; Decant reads 1");
  // SavedTensorSlices { meta { tensor { name: "w" } } }, with which files of version 1 begin.
  expect_refused(header(field(1, field(1, field(1, "w")))), ErrorCode::kUnsupported,
                 "is a checkpoint of TensorFlow's first version: restore it in TensorFlow and save "
                 "it again with tf.compat.v1.train.Saver");
  expect_refused(header(""), ErrorCode::kMalformed, "announces 0 files");
  expect_refused(header(field(1, 1ull << 40)), ErrorCode::kMalformed, "announces 1099511627776");
  expect_refused(header("\x08"), ErrorCode::kMalformed, "its header is damaged");
  expect_refused(table({}), ErrorCode::kMalformed, "has no header");
  expect_refused(table({table_entry("a", tf_tensor({2}, 0, 8))}), ErrorCode::kMalformed,
                 "does not begin with a header");
}

TEST(TfIndex, RefusesTensorsThatMakeNoSense) {
  const auto entry = [](const std::string& message) { return tf_index(table_entry("w", message)); };
  const auto malformed = ErrorCode::kMalformed;
  const std::uint64_t max = std::numeric_limits<std::int64_t>::max();
  expect_refused(entry(tf_tensor({2, 3}, 0, 20)), malformed,
                 "m.index: tensor 'w': 20 bytes do not hold (2, 3) of DT_FLOAT");
  expect_refused(entry(tf_tensor({max, 2}, 0, 0)), ErrorCode::kTooLarge, "overflows");
  expect_refused(entry(tf_tensor({max}, 0, 0)), malformed, "0 bytes do not hold");
  expect_refused(entry(tf_tensor({max + 1}, 0, 0)), malformed, "has a negative dimension");
  expect_refused(entry(tf_tensor({1, 1, 1, 1, 1, 1, 1, 1, 1}, 0, 4)), malformed,
                 "too many dimensions");
  expect_refused(entry(field(1, 1) + field(2, field(3, 1))), malformed, "has no shape");
  expect_refused(entry(tf_tensor({2}, 0, 8) + field(3, 1)), malformed, "is in file 1 of 1");
  expect_refused(entry(tf_tensor({2}, 0, 8) + field(7, "")), ErrorCode::kUnsupported,
                 "tensor 'w' is cut into slices");
  expect_refused(entry(field(1, 1) + "\x12\x7f"), malformed, "tensor 'w' is damaged");
  expect_refused(entry(field(1, 1) + "\x0b"), malformed, "tensor 'w' is damaged");  // a group
}

TEST(TfIndex, JoinsShards) {
  const std::string header = table_entry("", field(1, 2));
  const auto index = [&](std::uint64_t offset) {
    return read(table({header + table_entry("a", tf_tensor({2}, 0, 8)) +
                       table_entry("b", tf_tensor({1}, offset, 4) + field(3, 1))}));
  };
  const std::string one(8, '\1');
  const std::string two(12, '\2');
  const std::array shards = {file_bytes(one, "m.data-00000-of-00002"),
                             file_bytes(two, "m.data-00001-of-00002")};
  const TensorFile file = join_tf_shards(index(8), shards);
  EXPECT_EQ(file.tensors[0].data, shards[0].bytes.data());
  EXPECT_EQ(file.tensors[1].data, shards[1].bytes.data() + 8);
  EXPECT_EQ(file.total_bytes, 20u);
  for (const std::uint64_t offset : {9ull, 13ull, ~0ull}) {
    const Error error = error_of([&] { join_tf_shards(index(offset), shards); });
    EXPECT_EQ(error.code(), ErrorCode::kTruncated);
    EXPECT_THAT(error.what(), testing::HasSubstr("m.data-00001-of-00002: ends before its tensor "
                                                 "'b' does: is the download complete?"));
  }
}

TEST(TfShardName, HasFiveDigits) {
  EXPECT_EQ(tf_shard_name("models/124M/model.ckpt", 0, 1),
            "models/124M/model.ckpt.data-00000-of-00001");
  EXPECT_EQ(tf_shard_name("m", 12, 345), "m.data-00012-of-00345");
}

}  // namespace
}  // namespace decant
