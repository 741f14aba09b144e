// Good safetensors files.
#include "safetensors.h"

#include "hostile/builders.h"

namespace decant {
namespace {

using hostile::entry;
using std::string_literals::operator""s;

TEST(Safetensors, ReadsNamesTypesShapesAndPlaces) {
  const std::string data = "\0\0\x80\x3f\0\0\0\x40\x00\x3c\x80\x3f\1"s;
  const std::string bytes = hostile::safetensors(
      "{\"__metadata__\":{\"format\":\"pt\"}," + entry("half", "[1]", "[8,10]", "F16") + "," +
          entry("w", "[2,1]", "[0,8]") + "," + entry("brain", "[]", "[10,12]", "BF16") + "," +
          entry("mask", "[1]", "[12,13]", "BOOL") + "," + entry("none", "[0,7]", "[13,13]") +
          "}   ",
      data);
  const FileBytes file = hostile::file_bytes(bytes);
  const TensorFile read = read_safetensors(file);
  EXPECT_EQ(read.format, "safetensors");
  ASSERT_EQ(read.tensors.size(), 5u);
  EXPECT_EQ(read.tensors[0].name, "half");  // in the header's order
  EXPECT_EQ(read.tensors[0].dtype, DType::kF16);
  EXPECT_EQ(read.tensors[1].shape, (std::vector<std::int64_t>{2, 1}));
  EXPECT_EQ(read.tensors[1].strides, (std::vector<std::int64_t>{1, 1}));
  EXPECT_EQ(read.tensors[1].data, file.bytes.data() + (bytes.size() - data.size()));
  EXPECT_EQ(read.tensors[2].dtype, DType::kBF16);
  EXPECT_EQ(read.tensors[2].shape.size(), 0u);
  EXPECT_EQ(read.tensors[3].dtype, std::nullopt);  // there, and of no use to Decant
  EXPECT_EQ(read.tensors[3].type, "BOOL");
  EXPECT_EQ(read.tensors[4].shape, (std::vector<std::int64_t>{0, 7}));
}

TEST(Safetensors, KeepsTypesThatItDoesNotKnow) {
  const std::string bytes =
      hostile::safetensors("{" + entry("q", "[3]", "[0,2]", "F4_NEW") + "}", "ab");
  EXPECT_EQ(read_safetensors(hostile::file_bytes(bytes)).tensors[0].type, "F4_NEW");
}

}  // namespace
}  // namespace decant
