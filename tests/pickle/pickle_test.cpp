// Good pickles: every value that can be built, in every protocol's way of writing it.
#include "pickle.h"

#include "hostile/builders.h"

namespace decant {
namespace {

using std::string_literals::operator""s;

struct Read {
  explicit Read(std::string pickle)
      : bytes(std::move(pickle)),
        file(hostile::file_bytes(bytes)),
        document(read_pickle(file, file.bytes)) {}

  std::string bytes;
  FileBytes file;
  PickleDocument document;
};

template <typename T>
void expect_value(const std::string& opcodes, const T& value) {
  const Read read(hostile::kProto2 + opcodes + ".");
  const T* found = std::get_if<T>(&read.document.root);
  ASSERT_NE(found, nullptr) << read.document.root.index();
  EXPECT_EQ(*found, value);
}

TEST(Pickle, BuildsScalars) {
  expect_value("\x88", true);
  expect_value("\x89", false);
  expect_value("K\xff"s, std::int64_t{255});
  expect_value("M\1\2"s, std::int64_t{513});
  expect_value("J\xfe\xff\xff\xff"s, std::int64_t{-2});
  expect_value("\x8a\0"s, std::int64_t{0});
  expect_value("\x8a\1\xff"s, std::int64_t{-1});
  expect_value("\x8a\2\xff\0"s, std::int64_t{255});
  expect_value("\x8b\3\0\0\0\0\0\x80"s, std::int64_t{-8388608});
  expect_value("\x8a\x08\0\0\0\0\0\0\0\x80"s, std::numeric_limits<std::int64_t>::min());
  expect_value("G\x3f\xf8\0\0\0\0\0\0"s, 1.5);
  EXPECT_TRUE(std::holds_alternative<PickleNone>(Read("\x80\2N.").document.root));
  const Read big("\x80\2\x8a\x09\0\0\0\0\0\0\0\0\1."s);  // 2^64
  EXPECT_TRUE(std::holds_alternative<PickleOpaque>(big.document.root));
}

TEST(Pickle, BuildsText) {
  using View = std::string_view;
  expect_value("X\2\0\0\0ab"s, View("ab"));
  expect_value("\x8c\2ab"s, View("ab"));
  expect_value("\x8d\2\0\0\0\0\0\0\0ab"s, View("ab"));
  expect_value("U\2ab"s, View("ab"));  // Python 2
  expect_value("T\2\0\0\0ab"s, View("ab"));
  for (const std::string& opcodes :
       {"C\2ab"s, "B\2\0\0\0ab"s, "\x8e\2\0\0\0\0\0\0\0ab"s, "\x96\2\0\0\0\0\0\0\0ab"s}) {
    const Read read(hostile::kProto2 + opcodes + ".");
    EXPECT_EQ(std::get<PickleBytes>(read.document.root).bytes, "ab");
  }
}

std::vector<std::int64_t> integers(const PickleDocument& document,
                                   std::span<const PickleValue> items) {
  std::vector<std::int64_t> numbers;
  for (const PickleValue& item : items) numbers.push_back(std::get<std::int64_t>(item));
  (void)document;
  return numbers;
}

TEST(Pickle, BuildsContainers) {
  using testing::ElementsAre;
  const auto tuple = [](const std::string& opcodes) {
    const Read read(hostile::kProto2 + opcodes + ".");
    return integers(read.document, read.document.items(std::get<PickleTuple>(read.document.root)));
  };
  EXPECT_THAT(tuple(")"), ElementsAre());
  EXPECT_THAT(tuple("K\1\x85"), ElementsAre(1));
  EXPECT_THAT(tuple("K\1K\2\x86"), ElementsAre(1, 2));
  EXPECT_THAT(tuple("K\1K\2K\3\x87"), ElementsAre(1, 2, 3));
  EXPECT_THAT(tuple("(K\1K\2K\3K\4t"), ElementsAre(1, 2, 3, 4));

  const Read list("\x80\2]K\1a(K\2K\3e.");
  EXPECT_THAT(
      integers(list.document, list.document.items(std::get<PickleList>(list.document.root))),
      ElementsAre(1, 2, 3));
  for (const std::string& opcodes :
       {"}K\1K\2s(K\3K\4u"s, "ccollections\nOrderedDict\n)R(K\1K\2K\3K\4u"s,
        "ccollections\nOrderedDict\n(](K\1K\2\x86K\3K\4\x86"
        "etR"s}) {
    const Read dict(hostile::kProto2 + opcodes + ".");
    EXPECT_THAT(
        integers(dict.document, dict.document.items(std::get<PickleDict>(dict.document.root))),
        ElementsAre(1, 2, 3, 4));
  }
}

TEST(Pickle, RemembersAndForgets) {
  expect_value(
      "K\7q\5"
      "0h\5"s,
      std::int64_t{7});
  expect_value(
      "K\7r\5\1\0\0"
      "0j\5\1\0\0"s,
      std::int64_t{7});
  expect_value(
      "K\7\x94"
      "0K\x08\x94"
      "0h\0"s,
      std::int64_t{7});
  expect_value(
      "K\7(K\1K\2"
      "1"s,
      std::int64_t{7});
  expect_value("K\7(0"s, std::int64_t{7});
  expect_value(
      "K\7"
      "20"s,
      std::int64_t{7});
  expect_value("\x95\1\0\0\0\0\0\0\0K\7"s, std::int64_t{7});
}

TEST(Pickle, DescribesTensors) {
  using namespace hostile;
  const std::string described = tensor(storage("12", number(100), "HalfStorage"),
                                       number(3) + number(4), number(4) + number(1), number(8));
  for (const std::string& whole : {described, global("torch._utils", "_rebuild_parameter") +
                                                  tuple(described + "\x88}") + "R"}) {
    const Read read(kProto2 + whole + ".");
    const PickleTensor& found =
        read.document.tensors[std::get<PickleTensorRef>(read.document.root).index];
    EXPECT_EQ(found.offset, 8);
    EXPECT_EQ(found.shape, (std::vector<std::int64_t>{3, 4}));
    EXPECT_EQ(found.strides, (std::vector<std::int64_t>{4, 1}));
    EXPECT_EQ(read.document.storages[found.storage].type, "HalfStorage");
    EXPECT_EQ(read.document.storages[found.storage].key, "12");
    EXPECT_EQ(read.document.storages[found.storage].count, 100);
  }
}

// What Python 3.11's pickle.dumps({"config": GPTConfig()}, 2) has for a dataclass with n_head = 4.
TEST(Pickle, ReadsThePlainAttributesOfAnObject) {
  using namespace hostile;
  const Read read(kProto2 +
                  dict(text("config") + global("__main__", "GPTConfig") + "q\1)\x81q\2" +
                       dict(text("n_head") + number(4)) + "b") +
                  ".");
  const auto root = read.document.items(std::get<PickleDict>(read.document.root));
  const auto attributes = read.document.items(std::get<PickleObject>(root[1]));
  ASSERT_EQ(attributes.size(), 2u);
  EXPECT_EQ(std::get<std::string_view>(attributes[0]), "n_head");
  EXPECT_EQ(std::get<std::int64_t>(attributes[1]), 4);
}

// What pickle.dumps gives for {"dtype": torch.bfloat16, "device": torch.device("cuda", 0),
// "shape": torch.Size([2]), "out_dir": PosixPath("out"), "n_head": 4}: the last can still be read.
TEST(Pickle, PassesOverTypesDevicesSizesAndPaths) {
  using namespace hostile;
  const Read read(
      kProto2 +
      dict(text("dtype") + global("torch", "bfloat16") +                                         //
           text("device") + global("torch", "device") + tuple(text("cuda") + number(0)) + "R" +  //
           text("shape") + global("torch", "Size") + tuple(tuple(number(2))) + "R" +             //
           text("out_dir") + global("pathlib", "PosixPath") + tuple(text("out")) + "R" +         //
           text("n_head") + number(4)) +
      ".");
  const auto root = read.document.items(std::get<PickleDict>(read.document.root));
  ASSERT_EQ(root.size(), 10u);
  EXPECT_EQ(std::get<std::int64_t>(root[9]), 4);
}

TEST(Pickle, EndsAtItsStop) { EXPECT_EQ(Read("\x80\2N.and more").document.size, 4u); }

TEST(Pickle, IgnoresTheMetadataOfAnOrderedDict) {
  const Read read(
      "\x80\2"
      "ccollections\nOrderedDict\n)R}X\t\0\0\0_metadataNsb."s);
  EXPECT_TRUE(std::holds_alternative<PickleDict>(read.document.root));
}

}  // namespace
}  // namespace decant
