// Opening the fixtures that PyTorch wrote, with PyTorch's values as the oracle; files and folders.
#include "decant/checkpoint.h"

#include "cases.h"
#include "hostile/builders.h"
#include "temp_folder.h"

namespace decant {
namespace {

namespace fs = std::filesystem;
using hostile::error_of;
using testing::HasSubstr;

class CheckpointCase : public testing::TestWithParam<std::size_t> {
 protected:
  const nlohmann::json& expected() const { return cases()[GetParam()]; }
};

TEST_P(CheckpointCase, KnowsItsConfig) {
  const Checkpoint checkpoint = open_case(expected());
  const nlohmann::json& want = expected()["config"];
  const ModelConfig& config = checkpoint.config();
  EXPECT_EQ(config.vocab_size, want["vocab_size"]);
  EXPECT_EQ(config.block_size, want["block_size"]);
  EXPECT_EQ(config.n_layer, want["n_layer"]);
  EXPECT_EQ(config.n_head, want["n_head"]);
  EXPECT_EQ(config.n_embd, want["n_embd"]);
  EXPECT_EQ(config.n_inner, want["n_inner"]);
  EXPECT_EQ(activation_name(config.activation), want["activation"]);
  EXPECT_EQ(config.tied_head, want["tied_head"]);
  EXPECT_EQ(checkpoint.dialect(), expected()["dialect"]);
  EXPECT_FALSE(checkpoint.evidence().empty());
  EXPECT_EQ(checkpoint.format(), expected()["format"]);
}

TEST_P(CheckpointCase, HasTheBitsThatPyTorchHas) {
  const Checkpoint checkpoint = open_case(expected());
  const nlohmann::json& tensors = expected()["tensors"];
  const auto found = by_role(checkpoint.gpt());
  EXPECT_EQ(found.size(), tensors.size());
  for (const auto& [role, pieces] : found) {
    ASSERT_TRUE(tensors.contains(role)) << role;
    const nlohmann::json& want = tensors[role];
    EXPECT_EQ(nlohmann::json(shape_of(pieces)), want["shape"]) << role;
    const std::vector<float> values = values_of(pieces);
    for (std::size_t i = 0; i < want["first"].size(); ++i) {
      EXPECT_EQ(values[i], want["first"][i].get<float>()) << role;
    }
    EXPECT_EQ(crc32(std::as_bytes(std::span(values))), want["crc32"]) << role;
  }
}

INSTANTIATE_TEST_SUITE_P(Fixtures, CheckpointCase, testing::Range(std::size_t{0}, cases().size()),
                         [](const auto& one) {
                           return cases()[one.param]["name"].template get<std::string>();
                         });

TEST(Checkpoint, ListsTensorsInTheFilesOrder) {
  const Checkpoint checkpoint = Checkpoint::open(fixtures_folder() / "course_plain");
  ASSERT_EQ(checkpoint.tensors().size(), 29u);
  EXPECT_EQ(checkpoint.tensors()[0].name, "tok_emb.weight");
  EXPECT_EQ(checkpoint.tensors()[0].shape, (std::vector<std::int64_t>{97, 32}));
  EXPECT_EQ(checkpoint.tensors()[0].type, "F32");
  EXPECT_EQ(checkpoint.tensors().back().name, "lm_head.weight");
}

TEST(Checkpoint, OpensAFolderByItsWeights) {
  EXPECT_EQ(Checkpoint::open(fixtures_folder() / "hf_f32").file().filename(), "model.safetensors");
  EXPECT_EQ(Checkpoint::open(fixtures_folder() / "hf_bin_f16").file().filename(),
            "pytorch_model.bin");
  EXPECT_EQ(Checkpoint::open(fixtures_folder() / "nanogpt_bias").file().filename(), "ckpt.pt");
}

TEST(Checkpoint, OpensTensorFlowsByAnyOfTheirFiles) {
  const TempFolder folder;
  for (const char* suffix : {".index", ".data-00000-of-00001"}) {
    fs::copy_file(fixtures_folder() / ("openai_tf/model.ckpt" + std::string(suffix)),
                  folder.path() / ("run-50" + std::string(suffix)));
  }
  std::ofstream(folder.path() / "run-50.meta") << "a graph";
  std::ofstream(folder.path() / "checkpoint") << "model_checkpoint_path: \"/tmp/run-50\"\n";
  for (const char* name :
       {"", "checkpoint", "run-50", "run-50.meta", "run-50.index", "run-50.data-00000-of-00001"}) {
    const Checkpoint checkpoint = Checkpoint::open(folder.path() / name, {.n_head = 2});
    EXPECT_EQ(checkpoint.format(), "TensorFlow checkpoint");
    EXPECT_EQ(checkpoint.file(), folder.path() / "run-50.index");
  }
}

TEST(Checkpoint, OpensMislabelledFiles) {
  const TempFolder folder;
  fs::copy_file(fixtures_folder() / "hf_f32/model.safetensors", folder.path() / "model.pt");
  EXPECT_EQ(Checkpoint::open(folder.path(), {.n_head = 2}).format(), "safetensors");
  fs::copy_file(fixtures_folder() / "nanogpt_bias/ckpt.pt", folder.path() / "model.safetensors");
  EXPECT_EQ(Checkpoint::open(folder.path() / "model.safetensors").format(), "PyTorch zip");
}

TEST(Checkpoint, Io) {
  const Error missing = error_of([] { Checkpoint::open("/nonexistent/model.pt"); });
  EXPECT_EQ(missing.code(), ErrorCode::kIo);
  EXPECT_THAT(missing.what(), HasSubstr("/nonexistent/model.pt"));
  const TempFolder folder;
  const Error empty = error_of([&] { Checkpoint::open(folder.path()); });
  EXPECT_EQ(empty.code(), ErrorCode::kIo);
  EXPECT_THAT(empty.what(), HasSubstr("looked for model.safetensors, "));
  EXPECT_EQ(error_of([] { Checkpoint::open("/dev/null"); }).code(), ErrorCode::kIo);
}

TEST(Checkpoint, MissingShard) {
  const TempFolder folder;
  for (const auto& entry : fs::directory_iterator(fixtures_folder() / "hf_sharded_safetensors")) {
    fs::copy_file(entry.path(), folder.path() / entry.path().filename());
  }
  EXPECT_EQ(Checkpoint::open(folder.path()).format(), "safetensors in 3 files");
  fs::remove(folder.path() / "model-00002-of-00003.safetensors");
  const Error error = error_of([&] { Checkpoint::open(folder.path()); });
  EXPECT_EQ(error.code(), ErrorCode::kIo);
  EXPECT_THAT(error.what(), HasSubstr("model-00002-of-00003.safetensors: No such file"));
}

TEST(Checkpoint, ShardInPlaceOfAnother) {
  const TempFolder folder;
  for (const auto& entry : fs::directory_iterator(fixtures_folder() / "hf_sharded_safetensors")) {
    fs::copy_file(entry.path(), folder.path() / entry.path().filename());
  }
  fs::copy_file(folder.path() / "model-00001-of-00003.safetensors",
                folder.path() / "model-00002-of-00003.safetensors",
                fs::copy_options::overwrite_existing);
  const Error error = error_of([&] { Checkpoint::open(folder.path()); });
  EXPECT_EQ(error.code(), ErrorCode::kUnexpectedTensor);
  EXPECT_THAT(error.what(), HasSubstr("model-00002-of-00003.safetensors: holds tensor"));
}

TEST(Checkpoint, TellsWhatElseTheFolderHolds) {
  const TempFolder folder;
  fs::copy_file(fixtures_folder() / "nanogpt_bias/ckpt.pt", folder.path() / "ckpt.pt");
  const Checkpoint alone = Checkpoint::open(folder.path());
  fs::copy_file(fixtures_folder() / "nanogpt_bias/ckpt.pt", folder.path() / "model.pt");
  const Checkpoint checkpoint = Checkpoint::open(folder.path());
  ASSERT_EQ(checkpoint.notes().size(), alone.notes().size() + 1);
  EXPECT_EQ(checkpoint.notes()[0], "took model.pt; the folder also holds ckpt.pt");
}

TEST(Checkpoint, MalformedConfigBesideIt) {
  const TempFolder folder;
  fs::copy_file(fixtures_folder() / "hf_f32/model.safetensors",
                folder.path() / "model.safetensors");
  std::ofstream(folder.path() / "config.json") << "{\n  \"n_head\": 2\n  \"n_embd\": 8\n}";
  const Error error = error_of([&] { Checkpoint::open(folder.path()); });
  EXPECT_EQ(error.code(), ErrorCode::kMalformed);
  EXPECT_THAT(error.what(), HasSubstr("config.json: line 3 is not JSON"));
}

TEST(Checkpoint, MovesWithItsTensors) {
  Checkpoint first = Checkpoint::open(fixtures_folder() / "hf_f32");
  const std::vector<float> values = values_of({first.gpt().wte});
  Checkpoint second = std::move(first);
  EXPECT_EQ(values_of({second.gpt().wte}), values);
}

}  // namespace
}  // namespace decant
