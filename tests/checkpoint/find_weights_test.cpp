// Which file of a folder is read, and what is said of the others.
#include "find_weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "decant/error.h"
#include "temp_folder.h"

namespace decant {
namespace {

namespace fs = std::filesystem;

class FindWeights : public testing::Test {
 protected:
  void put(const std::string& name) { std::ofstream(folder_.path() / name) << "{}"; }

  std::string found(const std::string& name = "") {
    return find_weights(folder_.path() / name).path.filename().string();
  }

  void expect_refused(const std::string& name, const std::string& message) {
    try {
      found(name);
      ADD_FAILURE() << name;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kIo);
      EXPECT_THAT(error.what(), testing::HasSubstr(message));
    }
  }

  TempFolder folder_;
};

TEST_F(FindWeights, TakesTheFirstOfTheNamesThatItKnows) {
  std::string before;
  for (const char* name : {"model_00000100.bin", "gpt2_124M.bin", "model.ckpt.index",
                           "pytorch_model.bin.index.json", "pytorch_model.bin", "ckpt.pt",
                           "model.pt", "model.safetensors.index.json", "model.safetensors"}) {
    put(name);
    EXPECT_EQ(found(), name);
  }
  EXPECT_THAT(find_weights(folder_.path()).notes,
              testing::ElementsAre("took model.safetensors; the folder also holds "
                                   "model.safetensors.index.json and 6 more"));
}

TEST_F(FindWeights, TakesTheLastStepOfLlmC) {
  for (const char* name :
       {"model_00000900.bin", "model_00001000.bin", "model_00000100.bin", "model_1.bin",
        "model_00002000.bin.old", "state_00003000_00000.bin", "model_0000x000.bin"}) {
    put(name);
  }
  const FoundWeights weights = find_weights(folder_.path());
  EXPECT_EQ(weights.path.filename(), "model_00001000.bin");
  EXPECT_THAT(weights.notes, testing::ElementsAre("took model_00001000.bin; the folder also holds "
                                                  "model_00000900.bin and 1 more"));
}

TEST_F(FindWeights, TakesAFileAsItIs) {
  put("anything");
  EXPECT_EQ(found("anything"), "anything");
  EXPECT_EQ(found("nothing"), "nothing");  // opening it says that it is not there
  EXPECT_TRUE(find_weights(folder_.path() / "anything").notes.empty());
}

TEST_F(FindWeights, TakesAPrefixOfTensorFlows) {
  put("model-5000.index");
  EXPECT_EQ(found("model-5000"), "model-5000.index");
  put("model-5000");
  EXPECT_EQ(found("model-5000"), "model-5000");
}

TEST_F(FindWeights, TakesTheIndexForEveryPartOfTensorFlows) {
  const std::string parts[] = {"model.ckpt.data-00000-of-00001", "model.ckpt.data-00002-of-00012",
                               "model.ckpt.meta"};
  for (const std::string& part : parts) {
    EXPECT_EQ(found(part), part);  // opening it says that it is not there
    put(part);
    expect_refused(part, part +
                             ": is the part of a TensorFlow checkpoint that has no names of "
                             "tensors: put 'model.ckpt.index' beside it");
    if (!part.ends_with("-00012")) expect_refused("model.ckpt", "put 'model.ckpt.index' beside it");
  }
  put("model.ckpt");  // of version 1, which is whole
  EXPECT_EQ(found("model.ckpt.meta"), "model.ckpt");
  put("model.ckpt.index");
  for (const std::string& part : parts) EXPECT_EQ(found(part), "model.ckpt.index");
  // Names that only look like it.
  for (const char* name : {"model.ckpt.data", "model.ckpt.data-0000-of-00001", ".meta",
                           "model.ckpt.data-00000-of-0000x", "meta"}) {
    put(name);
    EXPECT_EQ(found(name), name);
  }
}

// As tf.train.Saver writes it, a text of Protocol Buffers.
TEST_F(FindWeights, FollowsTheFileCheckpoint) {
  const auto state = [&](const std::string& prefix) {
    std::ofstream(folder_.path() / "checkpoint")
        << "model_checkpoint_path: \"" << prefix << "\"\nall_model_checkpoint_paths: \"old-1\"\n";
  };
  put("old-1.index");
  state("run-1000");
  expect_refused("checkpoint",
                 "checkpoint: names 'run-1000', but 'run-1000.index' is not beside it: name the "
                 ".index file that is there");
  put("run-1000");
  EXPECT_EQ(found("checkpoint"), "run-1000");
  put("run-1000.index");
  // Folders are those of the machine that it was saved on.
  for (const char* prefix : {"run-1000", "./run-1000", "/home/me/run1/run-1000", "../../run-1000",
                             "C:\\\\train\\\\run-1000"}) {
    state(prefix);
    EXPECT_EQ(found("checkpoint"), "run-1000.index") << prefix;
    EXPECT_EQ(find_weights(folder_.path()).path, folder_.path() / "run-1000.index");
  }
  put("ckpt.pt");
  EXPECT_EQ(found(), "ckpt.pt");
  for (const char* prefix : {"", "/", ".", "..", "run-1000/"}) {
    state(prefix);
    expect_refused("checkpoint", ".index' is not beside it");
  }
}

TEST_F(FindWeights, TakesAnotherFileNamedCheckpointAsItIs) {
  put("checkpoint");
  EXPECT_EQ(found("checkpoint"), "checkpoint");
  expect_refused("", ": holds no checkpoint");
}

TEST_F(FindWeights, SaysWhatItLookedFor) {
  try {
    find_weights(folder_.path());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kIo);
    EXPECT_THAT(
        error.what(),
        testing::EndsWith(": holds no checkpoint (looked for model.safetensors, "
                          "model.safetensors.index.json, model.pt, ckpt.pt, "
                          "pytorch_model.bin, pytorch_model.bin.index.json, "
                          "model.ckpt.index, gpt2_124M.bin, model_NNNNNNNN.bin, checkpoint, "
                          "*.pt, *.pth, *.safetensors)"));
  }
}

TEST_F(FindWeights, TakesTheOnlyOneOfAnotherName) {
  put("notes.txt");
  for (const char* name : {"epoch_3.pt", "gpt.pth", "weights.safetensors"}) {
    put(name);
    EXPECT_EQ(found(), name);
    std::filesystem::remove(folder_.path() / name);
  }
  put("model_00250.pt");
  put("model_00500.pt");
  expect_refused("", ": holds several checkpoints ('model_00250.pt', 'model_00500.pt'): name one");
  put("ckpt.pt");
  EXPECT_EQ(found(), "ckpt.pt");
}

TEST_F(FindWeights, FindsSettingsBesideThem) {
  EXPECT_FALSE(find_config(folder_.path() / "model.pt").has_value());
  std::ofstream(folder_.path() / "hparams.json") << "{\"n_head\": 12}";
  EXPECT_EQ(find_config(folder_.path() / "model.ckpt.index")->values["n_head"], 12);
  put("config.json");
  EXPECT_TRUE(find_config(folder_.path() / "model.pt")->values.empty());
}

}  // namespace
}  // namespace decant
