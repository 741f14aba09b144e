// What a checkpoint's readers take of memory, whatever a file announces.
#include "hostile/memory.h"

#include <functional>

#include "hostile/builders.h"
#include "hostile/table_builder.h"
#include "shard_index.h"
#include "tensor_file.h"
#include "tf_index.h"

namespace decant {
namespace {

using namespace hostile;

using Read = std::function<void(const FileBytes& file)>;

void expect_bounded(const std::string& bytes, const Read& read = read_tensor_file) {
  hostile::expect_bounded(bytes.size(), [&] { read(file_bytes(bytes)); });
}

std::string repeated(const std::string& part, int times) {
  std::string all;
  all.reserve(part.size() * static_cast<std::size_t>(times));
  for (int i = 0; i < times; ++i) all += part;
  return all;
}

TEST(Memory, OfPickles) {
  constexpr int kMany = 1 << 19;
  const auto pickle = [](const std::string& opcodes) {
    return torch_zip(kProto2 + opcodes + ".", std::string(1 << 20, '\0'));
  };
  for (const char* part : {"]", "}", ")", "(", "K\1", "N", "N0"}) {
    SCOPED_TRACE(part);
    expect_bounded(pickle(repeated(part, 8 * kMany)));
  }
  expect_bounded(pickle("](" + repeated("K\1", 4 * kMany) + "e"));
  expect_bounded(pickle("}(" + repeated("K\1", 4 * kMany) + "u"));
  expect_bounded(pickle("]" + repeated("2a", 4 * kMany)));
  expect_bounded(pickle("N" + repeated("\x94", 8 * kMany)));
  expect_bounded(pickle(repeated("](K\1K\1e0", kMany)));
  expect_bounded(pickle(global("collections", "OrderedDict") + "q\1" + repeated("0h\1)R", kMany)));
  // One tensor's arguments, used again and again.
  expect_bounded(
      pickle(global("torch._utils", "_rebuild_tensor_v2") + "q\1" +
             tuple(storage("0", number(4)) + number(0) + tuple(number(4)) + tuple(number(1))) +
             "q\2" + repeated("h\1h\2R", kMany)));
}

TEST(Memory, OfSettingsThatShareText) {
  const std::string word(200'000, 'w');
  std::string inner = "}q\1(";
  for (int i = 0; i < 900; ++i) inner += text("k" + std::to_string(i)) + "h\0"s;
  std::string root = kProto2 + text(word) + "q\0"s + inner + "u0" + "}(";
  for (int i = 0; i < 5000; ++i) root += text("d" + std::to_string(i)) + "h\1";
  expect_bounded(torch_zip(root + "u."));
}

TEST(Memory, OfZipDirectories) {
  std::vector<ZipItem> items;
  for (int i = 0; i < 65'000; ++i) items.push_back({.name = std::to_string(i)});
  expect_bounded(zip(items));
}

TEST(Memory, OfSafetensorsHeaders) {
  std::string many = "{";
  for (int i = 0; i < 65'000; ++i) many += entry(std::to_string(i), "[0]", "[0,0]") + ",";
  many.back() = '}';
  expect_bounded(safetensors(many, ""));
  expect_bounded(safetensors("{\"" + std::string(68 << 20, 'n') + "\":5}", ""));
  expect_bounded(
      safetensors("{" + entry("w", '[' + std::string(68 << 20, '1') + ']', "[0,0]") + '}', ""));
  std::string long_names = "{";
  for (int i = 0; i < 64; ++i) {
    long_names += entry(std::string(1 << 20, 'n') + std::to_string(i), "[0]", "[0,0]") + ",";
  }
  long_names.back() = '}';
  expect_bounded(safetensors(long_names, ""));
  expect_bounded(safetensors("{\"__metadata__\":{" + repeated("\"a\":\"b\",", 1 << 20) + "}}", ""));
  expect_bounded(safetensors(std::string(8 << 20, '['), ""));
}

TEST(Memory, OfOldPyTorchFiles) {
  const std::string before = "\x80\2\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."s +
                             "\x80\2M\xe9\3."s + kProto2 + "}." + kProto2;
  constexpr int kMany = 1 << 19;
  // As much as the object may take, and then as much as the list of keys may.
  for (const char* part : {"]", ")", "N"}) {
    SCOPED_TRACE(part);
    expect_bounded(before + repeated(part, kMany) + "}." + kProto2 + repeated(part, kMany) + "].");
  }
  std::string object = "}(";
  std::string keys = "](";
  for (int i = 0; i < 20'000; ++i) {
    const std::string key = text(std::to_string(i));
    object += key + storage(std::to_string(i), number(0));
    keys += key;
  }
  expect_bounded(before + object + "u." + kProto2 + keys + "e." + std::string(160'000, '\0'));
}

TEST(Memory, OfTensorFlowIndexes) {
  // Names that share all they can with the one before: three bytes for 250.
  std::string entries = kTfHeader + table_entry(std::string(248, 'a') + "000", "");
  const std::string message = tf_tensor({1, 1, 1, 1, 1, 1, 1, 1}, 0, 4);
  for (int i = 1; i < 65'000; ++i) {
    std::string digits = {static_cast<char>(i >> 14), static_cast<char>(i >> 7 & 0x7f),
                          static_cast<char>(i & 0x7f)};
    entries += table_entry('b' + digits, message, 248);
  }
  const auto read = [](const FileBytes& file) {
    TfIndex index = read_tf_index(file);
    join_tf_shards(std::move(index), std::array{file});
  };
  expect_bounded(table({entries}), read);
}

TEST(Memory, OfShardIndexes) {
  std::string map = R"({"weight_map": {)";
  for (int i = 0; i < 40'000; ++i) map += '"' + std::to_string(i) + "\":\"m\",";
  map.back() = '}';
  const auto read = [](const FileBytes& file) { read_shard_index(file); };
  expect_bounded(map + "}", read);
  expect_bounded(R"({"weight_map": )" + repeated("[],", 170'000), read);
  expect_bounded(R"({"weight_map": )" + repeated("[", 500'000), read);
}

TEST(Memory, OfLlmCHeaders) {
  std::string bytes = little(20240326) + little(3);
  for (const std::int32_t size : {1, 1, 1 << 30, 1, 1, 1}) bytes += little(size);
  bytes.resize(1024);
  expect_bounded(bytes);
}

}  // namespace
}  // namespace decant
