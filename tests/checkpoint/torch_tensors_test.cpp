// Where the state_dict may stand in what was pickled, and what else is taken. What is wrong with
// tensors is in hostile/pickle_hostile_test.cpp.
#include "torch_tensors.h"

#include "hostile/builders.h"

namespace decant {
namespace {

using namespace hostile;

const std::string kFour = "\0\0\x80\x3f\0\0\0\x40\0\0\x40\x40\0\0\x80\x40"s;  // 1, 2, 3, 4
const std::string kTwo = tensor(storage("0", number(4)), number(2), number(2), number(1));

// Every storage is kFour.
TensorFile read(const std::string& pickle) {
  const FileBytes file = file_bytes(pickle);
  return read_torch_tensors(file, "PyTorch", read_pickle(file, file.bytes),
                            [](const PickleStorage&) { return file_bytes(kFour).bytes; });
}

TEST(TorchTensors, ElementSizes) {
  EXPECT_EQ(torch_element_size({"FloatStorage", "0", 0}), 4);
  EXPECT_EQ(torch_element_size({"BFloat16Storage", "0", 0}), 2);
  EXPECT_EQ(torch_element_size({"LongStorage", "0", 0}), 8);
}

TEST(TorchTensors, FindsTheStateDictBesideTrainingState) {
  for (const char* key : {"model", "model_state_dict", "state_dict"}) {
    const std::string root =
        kProto2 +
        dict(text("best_val_loss") + kTwo + text("optimizer") + dict(number(0) + kTwo) + text(key) +
             dict(text("w") + kTwo + text("v") + kTwo)) +
        ".";
    EXPECT_EQ(read(root).tensors.size(), 2u) << key;
  }
}

TEST(TorchTensors, TakesTheOnlyDictOfTensorsWhateverItIsCalled) {
  const std::string weights = dict(text("w") + kTwo + text("v") + kTwo);
  const std::string state = text("epoch") + number(3) + text("weights") + weights;
  EXPECT_EQ(read(kProto2 + dict(state) + ".").tensors.size(), 2u);
  const auto expect_refused = [](const std::string& root, const std::string& message) {
    const Error error = error_of([&] { read(kProto2 + root + "."); });
    EXPECT_EQ(error.code(), ErrorCode::kUnrecognized);
    EXPECT_NE(std::string(error.what()).find(message), std::string::npos) << error.what();
  };
  expect_refused(dict(state + text("ema") + weights), "has several dicts of tensors");
  expect_refused(dict(text("epoch") + number(3) + text("optimizer") + dict(number(0) + number(1))),
                 "holds no state_dict (its keys: 'epoch', 'optimizer')");
}

TEST(TorchTensors, TakesPlainSettings) {
  const std::string root =
      kProto2 +
      dict(text("model") + dict(text("w") + kTwo) + text("model_args") +
           dict(text("n_head") + number(3) + text("bias") + "\x89" + text("name") + text("tiny") +
                text("nothing") + "N" + text("list") + "]")) +
      ".";
  const TensorFile file = read(root);
  ASSERT_EQ(file.settings.size(), 2u);
  EXPECT_EQ(file.settings[1].name, "model_args");
  EXPECT_EQ(file.settings[1].where, "model.pt: 'model_args'");
  EXPECT_EQ(file.settings[1].values,
            nlohmann::json::parse(R"({"n_head": 3, "bias": false, "name": "tiny"})"));
}

TEST(TorchTensors, KeepsTensorsOfOtherTypesByName) {
  const std::string longs = tensor(storage("0", number(2), "LongStorage"), number(2), number(1));
  const TensorFile file = read(state_dict(longs));
  EXPECT_EQ(file.tensors[0].dtype, std::nullopt);
  EXPECT_EQ(file.tensors[0].type, "LongStorage");
}

TEST(TorchTensors, SkipsWhatIsNoTensor) {
  const std::string root =
      kProto2 + dict(text("epoch") + number(3) + text("w") + kTwo + text("extra") + "N") + ".";
  EXPECT_EQ(read(root).tensors.size(), 1u);
}

}  // namespace
}  // namespace decant
