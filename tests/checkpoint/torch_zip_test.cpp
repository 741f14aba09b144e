// Good PyTorch files: where the state_dict may stand, how tensors view storages, what else is
// taken.
#include "torch_zip.h"

#include "hostile/builders.h"

namespace decant {
namespace {

using namespace hostile;

TensorFile read(const std::string& bytes) { return read_torch_zip(file_bytes(bytes)); }

const std::string kFour = "\0\0\x80\x3f\0\0\0\x40\0\0\x40\x40\0\0\x80\x40"s;  // 1, 2, 3, 4
const std::string kTwo = tensor(storage("0", number(4)), number(2), number(2), number(1));

TEST(TorchZip, PointsTensorsIntoTheirStorages) {
  const std::string bytes = torch_zip(state_dict(kTwo), kFour);
  const TensorFile file = read(bytes);
  EXPECT_EQ(file.format, "PyTorch zip");
  ASSERT_EQ(file.tensors.size(), 1u);
  EXPECT_EQ(file.tensors[0].name, "w");
  EXPECT_EQ(file.tensors[0].dtype, DType::kF32);
  EXPECT_EQ(file.tensors[0].strides, std::vector<std::int64_t>{2});
  float values[3];
  std::memcpy(values, file.tensors[0].data, sizeof(values));
  EXPECT_EQ(values[0], 2.0f);
  EXPECT_EQ(values[2], 4.0f);
}

TEST(TorchZip, FindsTheStateDictBesideTrainingState) {
  for (const char* key : {"model", "model_state_dict", "state_dict"}) {
    const std::string root =
        kProto2 +
        dict(text("best_val_loss") + kTwo + text("optimizer") + dict(number(0) + kTwo) + text(key) +
             dict(text("w") + kTwo + text("v") + kTwo)) +
        ".";
    EXPECT_EQ(read(torch_zip(root, kFour)).tensors.size(), 2u) << key;
  }
}

TEST(TorchZip, TakesPlainSettings) {
  const std::string root =
      kProto2 +
      dict(text("model") + dict(text("w") + kTwo) + text("model_args") +
           dict(text("n_head") + number(3) + text("bias") + "\x89" + text("name") + text("tiny") +
                text("nothing") + "N" + text("list") + "]")) +
      ".";
  const TensorFile file = read(torch_zip(root, kFour));
  ASSERT_EQ(file.settings.size(), 2u);
  EXPECT_EQ(file.settings[1].name, "model_args");
  EXPECT_EQ(file.settings[1].where, "model.pt: 'model_args'");
  EXPECT_EQ(file.settings[1].values,
            nlohmann::json::parse(R"({"n_head": 3, "bias": false, "name": "tiny"})"));
}

TEST(TorchZip, KeepsTensorsOfOtherTypesByName) {
  const std::string longs = tensor(storage("0", number(2), "LongStorage"), number(2), number(1));
  const TensorFile file = read(torch_zip(state_dict(longs), kFour));
  EXPECT_EQ(file.tensors[0].dtype, std::nullopt);
  EXPECT_EQ(file.tensors[0].type, "LongStorage");
}

TEST(TorchZip, ReadsLittleByteorder) {
  EXPECT_EQ(
      read(zip({{"m/data.pkl", state_dict(kTwo)}, {"m/byteorder", "little"}, {"m/data/0", kFour}}))
          .tensors.size(),
      1u);
}

TEST(TorchZip, SkipsWhatIsNoTensor) {
  const std::string root =
      kProto2 + dict(text("epoch") + number(3) + text("w") + kTwo + text("extra") + "N") + ".";
  EXPECT_EQ(read(torch_zip(root, kFour)).tensors.size(), 1u);
}

}  // namespace
}  // namespace decant
