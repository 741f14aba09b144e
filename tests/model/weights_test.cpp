#include "weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>

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
