#include "weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "decant/error.h"
#include "fixtures.h"
#include "temp_folder.h"

namespace decant {
namespace {

using testing::HasSubstr;

TEST(Model, AutoIsTheFastestThatLosesNextToNothing) {
  EXPECT_EQ(Model(load_fixtures().front().open()).weights(), WeightFormat::kQ8);
}

TEST(Model, Bf16HalvesTheWeights) {
  const Checkpoint checkpoint = load_fixtures().front().open();
  EXPECT_EQ(Model(checkpoint, {.weights = WeightFormat::kF32}).weight_bytes(),
            2 * Model(checkpoint, {.weights = WeightFormat::kBF16}).weight_bytes());
}

// A layer norm gives rows of length sqrt(C), so that weights of deviation 0.02 make logits of
// 0.02 sqrt(C).
TEST(Model, RandomWeightsMakeLogitsOfTheirSpread) {
  ModelConfig config = gpt2_config("gpt2");
  config.n_layer = 2;
  config.vocab_size = 5000;
  for (const DType dtype : {DType::kBF16, DType::kF32}) {
    const Model model(Checkpoint::random(config, 1, dtype));
    Session session(model);
    const std::vector<TokenId> tokens = {1, 2, 4999, 3};
    const Logits logits = session.prefill(tokens);
    double squares = 0;
    for (const float logit : logits) squares += static_cast<double>(logit) * logit;
    EXPECT_NEAR(std::sqrt(squares / 5000), 0.02 * std::sqrt(768), 0.05);
  }
}

// What convert rounded is what a model would have rounded itself.
TEST(Model, IntegersOfAFileChangeNoBit) {
  for (const Fixture& f : load_fixtures()) {
    const TempFolder folder;
    const Checkpoint before = f.open();
    before.save_pretrained(folder.path(), DType::kI8);
    const auto logits = [&](const Checkpoint& checkpoint) {
      const Model model(checkpoint, {.weights = WeightFormat::kQ8});
      Session session(model);
      const Logits last = session.prefill(f.tokens);
      return std::vector<float>(last.begin(), last.end());
    };
    EXPECT_EQ(logits(before), logits(Checkpoint::open(folder.path()))) << f.name;
  }
}

// A copy of a safetensors fixture with one weight, the last of the file, overwritten.
TEST(Model, NanWeightsAreNamedWithTheirPlace) {
  const TempFolder folder;
  for (const Fixture& f : load_fixtures()) {
    if (f.name != "hf_f32") continue;
    const auto file = folder.path() / "model.safetensors";
    std::filesystem::copy_file(f.checkpoint, file);
    std::filesystem::copy_file(f.checkpoint.parent_path() / "config.json",
                               folder.path() / "config.json");
    std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekp(-4, std::ios::end);
    bytes.write("\0\0\xC0\x7F", 4);  // NaN, little-endian
    bytes.close();
    try {
      const Model model(Checkpoint::open(file));
      FAIL() << "accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidWeights);
      EXPECT_THAT(error.what(), HasSubstr("model.safetensors: tensor '"));
      EXPECT_THAT(error.what(), HasSubstr("is NaN"));
    }
  }
}

}  // namespace
}  // namespace decant
