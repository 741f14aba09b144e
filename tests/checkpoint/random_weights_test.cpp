// Models without a file: their sizes are OpenAI's, their weights normal, their memory small.
#include "random_weights.h"

#include <cmath>
#include <set>

#include "bind.h"
#include "cases.h"
#include "hostile/builders.h"
#include "temp_folder.h"

namespace decant {
namespace {

using hostile::error_of;
using testing::HasSubstr;

constexpr ModelConfig kSmall = {.vocab_size = 101,
                                .block_size = 24,
                                .n_layer = 3,
                                .n_head = 4,
                                .n_embd = 32,
                                .n_inner = 80,
                                .activation = Activation::kRelu,
                                .layer_norm_epsilon = 1e-3f,
                                .tied_head = false};

std::map<std::string, std::vector<float>> all_values(const Checkpoint& checkpoint) {
  std::map<std::string, std::vector<float>> values;
  for (const auto& [role, pieces] : by_role(checkpoint.gpt())) values[role] = values_of(pieces);
  return values;
}

TEST(RandomWeights, KeepTheConfig) {
  for (const Activation activation :
       {Activation::kGelu, Activation::kGeluTanh, Activation::kRelu}) {
    for (const bool tied : {false, true}) {
      ModelConfig config = kSmall;
      config.activation = activation;
      config.tied_head = tied;
      const Checkpoint checkpoint = Checkpoint::random(config);
      expect_same_config(checkpoint.config(), config);
      EXPECT_TRUE(checkpoint.notes().empty());
      EXPECT_TRUE(checkpoint.file().empty());
    }
  }
  ModelConfig least = {1, 1, 1, 1, 1, 1};
  expect_same_config(Checkpoint::random(least).config(), least);
}

// "Language Models are Unsupervised Multitask Learners", table 2, and the models that were
// published with it: the sums of their tensors' sizes.
TEST(RandomWeights, HaveThePublishedModelsSizes) {
  for (const auto& [name, parameters] :
       {std::pair("gpt2", 124439808), std::pair("gpt2-medium", 354823168),
        std::pair("gpt2-large", 774030080), std::pair("gpt2-xl", 1557611200)}) {
    const Checkpoint checkpoint = Checkpoint::random(gpt2_config(name));
    std::int64_t sum = 0;
    for (const TensorInfo& tensor : checkpoint.tensors()) {
      EXPECT_EQ(tensor.type, "BF16");
      sum += std::accumulate(tensor.shape.begin(), tensor.shape.end(), std::int64_t{1},
                             std::multiplies<>());
    }
    EXPECT_EQ(sum, parameters) << name;
    EXPECT_EQ(checkpoint.config().n_embd / checkpoint.config().n_head, 64);
    EXPECT_EQ(checkpoint.config().block_size, 1024);
  }
  const Error error = error_of([] { gpt2_config("gpt3"); });
  EXPECT_EQ(error.code(), ErrorCode::kInvalidOption);
  EXPECT_THAT(error.what(), HasSubstr("'gpt3': it must be one of gpt2, gpt2-medium, gpt2-large, "
                                      "gpt2-xl"));
}

TEST(RandomWeights, AreTheSeeds) {
  const auto values = all_values(Checkpoint::random(kSmall, 1));
  EXPECT_EQ(all_values(Checkpoint::random(kSmall, 1)), values);
  for (const auto& [role, others] : all_values(Checkpoint::random(kSmall, Seed{1} << 40))) {
    if (role.find("ln_") == std::string::npos) {
      EXPECT_NE(others, values.at(role)) << role;
    }
  }
}

// The shares within one, two and three deviations of a normal distribution's mean.
TEST(RandomWeights, AreNormal) {
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
    const Checkpoint checkpoint = Checkpoint::random(gpt2_config("gpt2"), 7, dtype);
    for (const auto& [role, pieces] : by_role(checkpoint.gpt())) {
      if (role.ends_with("ln_1.weight") || role.ends_with("ln_2.weight") || role == "ln_f.weight") {
        EXPECT_EQ(values_of(pieces), std::vector<float>(768, 1.0f));
      }
      if (role != "wpe.weight" && role != "h.3.fc.weight" && role != "h.11.v.weight") continue;
      double sum = 0;
      double squares = 0;
      std::array<double, 3> within = {};
      const std::vector<float> values = values_of(pieces);
      for (const double value : values) {
        sum += value;
        squares += value * value;
        for (std::size_t i = 0; i < 3; ++i) {
          if (std::abs(value) < 0.02 * static_cast<double>(i + 1)) ++within[i];
        }
      }
      const auto count = static_cast<double>(values.size());
      EXPECT_NEAR(sum / count, 0, 5 * 0.02 / std::sqrt(count)) << role;
      EXPECT_NEAR(std::sqrt(squares / count), 0.02, 1e-4) << role;
      EXPECT_NEAR(within[0] / count, 0.6827, 0.01) << role;
      EXPECT_NEAR(within[1] / count, 0.9545, 0.005) << role;
      EXPECT_NEAR(within[2] / count, 0.9973, 0.002) << role;
    }
  }
}

// Every tensor lies inside the block, which is small, and no two rows of one are the same.
TEST(RandomWeights, AreAFewMegabytesOfAnySize) {
  ModelConfig large = gpt2_config("gpt2-xl");
  large.tied_head = false;
  ModelConfig largest = large;
  largest.vocab_size = largest.block_size = largest.n_embd = largest.n_inner = 262144;
  largest.n_head = 1;
  for (const ModelConfig& config : {kSmall, large, largest}) {
    const RandomWeights weights = random_weights(config, 0, DType::kBF16);
    EXPECT_LE(weights.block.size(), std::size_t{9} << 20);
    const std::byte* one = weights.block.data() + weights.block.size() - 2;  // the last number
    for (const StoredTensor& tensor : weights.file.tensors) {
      ASSERT_GE(tensor.data, weights.block.data());
      if (tensor.data == one) continue;
      ASSERT_LE(2 * *element_extent(tensor.shape, tensor.strides), one - tensor.data)
          << tensor.name;
      if (tensor.shape.size() == 2) {
        EXPECT_GT(tensor.strides[0], 0) << tensor.name;
      }
    }
  }
  const Checkpoint checkpoint = Checkpoint::random(large);
  EXPECT_NE(checkpoint.gpt().head.data, checkpoint.gpt().wte.data);
}

TEST(RandomWeights, DifferWhereTheyFit) {
  const RandomWeights weights = random_weights(kSmall, 0, DType::kF32);
  std::set<const std::byte*> seen;
  for (const StoredTensor& tensor : weights.file.tensors) {
    if (tensor.strides[0] == 0) continue;
    const auto count = *element_count(tensor.shape);
    EXPECT_EQ(*element_extent(tensor.shape, tensor.strides), count) << tensor.name;
    for (std::int64_t i = 0; i < count; ++i) {
      ASSERT_TRUE(seen.insert(tensor.data + 4 * i).second) << tensor.name;
    }
  }
}

TEST(RandomWeights, OpenAgainAfterTheyWereSaved) {
  for (const DType dtype : {DType::kBF16, DType::kF32}) {
    const TempFolder folder;
    const Checkpoint before = Checkpoint::random(kSmall, 5, dtype);
    before.save_pretrained(folder.path());
    const Checkpoint after = Checkpoint::open(folder.path());
    expect_same_config(after.config(), before.config());
    EXPECT_EQ(all_values(after), all_values(before));
    EXPECT_EQ(after.gpt().wte.dtype, dtype);
  }
}

TEST(RandomWeights, InvalidOptionNamesTheSize) {
  const auto refuse = [](std::int64_t ModelConfig::*size, std::int64_t value,
                         const std::string& message) {
    ModelConfig config = kSmall;
    config.*size = value;
    const Error error = error_of([&] { Checkpoint::random(config); });
    EXPECT_EQ(error.code(), ErrorCode::kInvalidOption);
    EXPECT_EQ(error.what(), message);
  };
  refuse(&ModelConfig::vocab_size, 0, "vocab_size is 0: it must be from 1 to 262144");
  refuse(&ModelConfig::block_size, -1, "block_size is -1: it must be from 1 to 262144");
  refuse(&ModelConfig::n_layer, 5000, "n_layer is 5000: it must be from 1 to 4096");
  refuse(&ModelConfig::n_embd, std::int64_t{1} << 62,
         "n_embd is 4611686018427387904: it must be from 1 to 262144");
  refuse(&ModelConfig::n_inner, 262145, "n_inner is 262145: it must be from 1 to 262144");
  refuse(&ModelConfig::n_head, 0, "n_head is 0: it must be from 1 to 32");
  refuse(&ModelConfig::n_head, 5, "n_head is 5: it must divide n_embd, 32");
}

}  // namespace
}  // namespace decant
