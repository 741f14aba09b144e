// What is written opens again as the same model; a full disk or a wrong folder leaves nothing.
#include "pretrained.h"

#include <sys/resource.h>

#include <csignal>
#include <limits>

#include "cases.h"
#include "half.h"
#include "hostile/builders.h"
#include "temp_folder.h"

namespace decant {
namespace {

namespace fs = std::filesystem;
using hostile::error_of;
using testing::HasSubstr;

float through(DType dtype, float value) {
  if (dtype == DType::kF16) return widen_f16(narrow_f16(value));
  if (dtype == DType::kBF16) return widen_bf16(narrow_bf16(value));
  return value;
}

// Every tensor of `before` is in `after`, rounded to `dtype`; biases that only `after` has are 0.
void expect_same_tensors(const Gpt& before, const Gpt& after, std::optional<DType> dtype) {
  std::map<std::string, Pieces> old;
  for (const auto& [role, pieces] : by_role(before)) old.emplace(role, pieces);
  for (const auto& [role, pieces] : by_role(after)) {
    const std::vector<float> values = values_of(pieces);
    std::vector<float> wanted(values.size(), 0.0f);
    if (const auto found = old.find(role); found != old.end()) {
      wanted = values_of(found->second);
      if (dtype) {
        for (float& value : wanted) value = through(*dtype, value);
      }
      EXPECT_EQ(pieces[0].dtype, dtype.value_or(found->second[0].dtype)) << role;
      old.erase(found);
    } else {
      EXPECT_TRUE(role.ends_with(".bias")) << role;
    }
    EXPECT_EQ(values, wanted) << role;
  }
  EXPECT_TRUE(old.empty());
}

class PretrainedCase : public testing::TestWithParam<std::size_t> {};

TEST_P(PretrainedCase, OpensAgainAsTheSameModel) {
  const Checkpoint before = open_case(cases()[GetParam()]);
  for (const std::optional<DType> dtype :
       {std::optional<DType>(), std::optional(DType::kF32), std::optional(DType::kF16),
        std::optional(DType::kBF16)}) {
    const TempFolder temp;
    const fs::path folder = temp.path() / "new" / "folder";
    before.save_pretrained(folder, dtype);
    const Checkpoint after = Checkpoint::open(folder);
    EXPECT_EQ(after.dialect(), "Hugging Face GPT-2");
    EXPECT_TRUE(after.notes().empty());
    expect_same_config(before.config(), after.config());
    expect_same_tensors(before.gpt(), after.gpt(), dtype);
    // Exactly two files, and the second time the same bytes.
    EXPECT_EQ(std::distance(fs::directory_iterator(folder), fs::directory_iterator()), 2);
    after.save_pretrained(temp.path() / "again", dtype);
    for (const char* name : {"config.json", "model.safetensors"}) {
      std::ifstream first(folder / name), second(temp.path() / "again" / name);
      EXPECT_EQ(std::string(std::istreambuf_iterator<char>(first), {}),
                std::string(std::istreambuf_iterator<char>(second), {}))
          << name;
    }
  }
}

bool is_matrix(const std::string& role) {
  return role.ends_with(".weight") && role.find("ln_") == std::string::npos && role != "wpe.weight";
}

// A block of 32 inputs is its largest magnitude / 127 in bf16, times integers.
void expect_integers(std::span<const float> before, std::span<const float> after) {
  float largest = 0;
  for (const float value : before) largest = std::max(largest, std::abs(value));
  const float scale = widen_bf16(narrow_bf16(largest / 127));
  float largest_integer = 0;
  for (std::size_t i = 0; i < before.size(); ++i) {
    const float integer = scale == 0 ? 0 : after[i] / scale;
    EXPECT_EQ(integer, std::nearbyint(integer));
    EXPECT_LE(std::abs(after[i] - before[i]), 0.5f * scale * 1.00001f);
    largest_integer = std::max(largest_integer, std::abs(integer));
  }
  EXPECT_EQ(largest_integer, scale == 0 ? 0 : 127);
}

void expect_q8(const Checkpoint& before, const fs::path& folder) {
  before.save_pretrained(folder, DType::kI8);
  const Checkpoint after = Checkpoint::open(folder);
  EXPECT_TRUE(after.notes().empty());
  expect_same_config(before.config(), after.config());
  std::map<std::string, Pieces> old;
  for (const auto& [role, pieces] : by_role(before.gpt())) old.emplace(role, pieces);
  for (const auto& [role, pieces] : by_role(after.gpt())) {
    if (!old.contains(role)) continue;  // a bias of zeros
    const std::vector<float> from = values_of(old.at(role));
    const std::vector<float> to = values_of(pieces);
    ASSERT_EQ(from.size(), to.size()) << role;
    if (!is_matrix(role)) {
      EXPECT_EQ(from, to) << role;
      continue;
    }
    EXPECT_EQ(pieces[0].dtype, DType::kI8) << role;
    const auto cols = static_cast<std::size_t>(pieces[0].cols);
    for (std::size_t row = 0; row < from.size(); row += cols) {
      for (std::size_t col = 0; col < cols; col += 32) {
        const std::size_t size = std::min<std::size_t>(32, cols - col);
        expect_integers(std::span(from).subspan(row + col, size),
                        std::span(to).subspan(row + col, size));
      }
    }
  }
  // What is integers already stays as it is.
  after.save_pretrained(folder / "again");
  std::ifstream first(folder / "model.safetensors"), second(folder / "again/model.safetensors");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(first), {}),
            std::string(std::istreambuf_iterator<char>(second), {}));
}

TEST_P(PretrainedCase, MakesIntegersOfMatrices) {
  const TempFolder temp;
  expect_q8(open_case(cases()[GetParam()]), temp.path());
}

// Sizes that 32 does not divide.
TEST(Pretrained, MakesIntegersOfRaggedBlocks) {
  const TempFolder temp;
  const Checkpoint checkpoint = Checkpoint::random({.vocab_size = 71,
                                                    .block_size = 9,
                                                    .n_layer = 2,
                                                    .n_head = 4,
                                                    .n_embd = 44,
                                                    .n_inner = 150,
                                                    .tied_head = false});
  expect_q8(checkpoint, temp.path());
  const auto config = nlohmann::json::parse(std::ifstream(temp.path() / "config.json"));
  // transformers refuses a quantization_config without a quant_method.
  EXPECT_EQ(config["quantization_config"],
            nlohmann::json::parse(R"({"bits": 8, "group_size": 32})"));
}

INSTANTIATE_TEST_SUITE_P(Fixtures, PretrainedCase, testing::Range(std::size_t{0}, cases().size()),
                         [](const auto& one) {
                           return cases()[one.param]["name"].template get<std::string>();
                         });

TEST(Pretrained, WritesWhatTransformersReads) {
  const TempFolder folder;
  Checkpoint::open(fixtures_folder() / "course_plain").save_pretrained(folder.path(), DType::kBF16);
  const auto config = nlohmann::json::parse(std::ifstream(folder.path() / "config.json"));
  EXPECT_EQ(config, nlohmann::json::parse(R"({
    "model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "vocab_size": 97,
    "n_positions": 16, "n_embd": 32, "n_layer": 2, "n_head": 2, "n_inner": 128,
    "activation_function": "gelu", "layer_norm_epsilon": 1e-05, "tie_word_embeddings": false,
    "bos_token_id": null, "eos_token_id": null, "torch_dtype": "bfloat16"})"));

  std::ifstream file(folder.path() / "model.safetensors", std::ios::binary);
  std::uint64_t size = 0;
  file.read(reinterpret_cast<char*>(&size), sizeof(size));
  EXPECT_EQ(size % 8, 0u);
  std::string text(size, '\0');
  file.read(text.data(), static_cast<std::streamsize>(size));
  const auto header = nlohmann::json::parse(text);
  EXPECT_EQ(header["__metadata__"]["format"], "pt");
  EXPECT_EQ(header["transformer.h.1.attn.c_attn.weight"]["shape"], nlohmann::json({32, 96}));
  EXPECT_EQ(header["transformer.h.1.attn.c_attn.bias"]["shape"], nlohmann::json::array({96}));
  EXPECT_EQ(header["transformer.h.1.mlp.c_proj.weight"]["shape"], nlohmann::json({128, 32}));
  EXPECT_EQ(header["lm_head.weight"]["shape"], nlohmann::json({97, 32}));
  EXPECT_EQ(header["lm_head.weight"]["dtype"], "BF16");
}

TEST(Pretrained, KeepsWhichTokensBeginAndEndAText) {
  const TempFolder folder;
  const fs::path before = folder.path() / "before";
  Checkpoint::open(fixtures_folder() / "hf_f32").save_pretrained(before);
  auto config = nlohmann::json::parse(std::ifstream(before / "config.json"));
  config.update({{"bos_token_id", 3}, {"eos_token_id", 0}, {"pad_token_id", 1'000'000}});
  std::ofstream(before / "config.json") << config;
  Checkpoint::open(before).save_pretrained(folder.path() / "after");
  const auto after = nlohmann::json::parse(std::ifstream(folder.path() / "after" / "config.json"));
  EXPECT_EQ(after["bos_token_id"], 3);
  EXPECT_EQ(after["eos_token_id"], 0);
  EXPECT_FALSE(after.contains("pad_token_id"));  // the model has no such row

  for (const std::int64_t size : {50256, 50257, 50304, 60000}) {
    Checkpoint::random(
        {.vocab_size = size, .block_size = 4, .n_layer = 1, .n_head = 1, .n_embd = 8, .n_inner = 8})
        .save_pretrained(folder.path() / "random");
    const auto random =
        nlohmann::json::parse(std::ifstream(folder.path() / "random" / "config.json"));
    const bool gpt2 = size == 50257 || size == 50304;
    EXPECT_EQ(random["eos_token_id"], gpt2 ? nlohmann::json(50256) : nlohmann::json()) << size;
  }
}

TEST(Pretrained, TellsHowFarItIsAndEndsWithWhatIsThrown) {
  const TempFolder folder;
  const Checkpoint checkpoint = Checkpoint::open(fixtures_folder() / "hf_f32");
  double last = 0;
  checkpoint.save_pretrained(folder.path() / "new", {}, [&](double done) {
    EXPECT_GT(done, last);
    last = done;
  });
  EXPECT_DOUBLE_EQ(last, 1);
  const auto half = [](double done) {
    if (done > 0.5) throw std::runtime_error("enough");
  };
  EXPECT_THROW(checkpoint.save_pretrained(folder.path() / "half", {}, half), std::runtime_error);
  EXPECT_FALSE(fs::exists(folder.path() / "half"));
}

TEST(Pretrained, LeavesTheTiedHeadOut) {
  const TempFolder folder;
  Checkpoint::open(fixtures_folder() / "nanogpt_bias").save_pretrained(folder.path());
  const Checkpoint written = Checkpoint::open(folder.path());
  EXPECT_EQ(written.tensors().size(), 28u);
  for (const TensorInfo& tensor : written.tensors()) {
    EXPECT_NE(tensor.name, "lm_head.weight");
  }
}

// A Gpt of one layer and C = 1 whose tensors all view one number.
struct OneNumber {
  explicit OneNumber(float number) : value(number) {
    const MatrixView one{"w", DType::kF32, reinterpret_cast<const std::byte*>(&value), 1, 1, 1, 1};
    const Linear linear{{one}, {one}};
    gpt.wte = gpt.wpe = gpt.head = one;
    gpt.layers = {{{one, one}, linear, linear, linear, linear, {one, one}, linear, linear}};
    gpt.ln_f = {one, one};
    config = {.vocab_size = 1,
              .block_size = 1,
              .n_layer = 1,
              .n_head = 1,
              .n_embd = 1,
              .n_inner = 1,
              .activation = Activation::kGeluTanh,
              .layer_norm_epsilon = 1e-5f,
              .tied_head = true};
    gpt.layers[0].fc.weight[0].rows = 1;
  }
  OneNumber(const OneNumber&) = delete;
  OneNumber& operator=(const OneNumber&) = delete;

  float value;
  Gpt gpt;
  ModelConfig config;
};

TEST(Pretrained, InvalidOptionWhereAWeightOverflows) {
  const TempFolder temp;
  const fs::path folder = temp.path() / "a" / "b";
  const OneNumber large(70000);
  const Error error =
      error_of([&] { write_pretrained(folder, large.config, large.gpt, DType::kF16); });
  EXPECT_EQ(error.code(), ErrorCode::kInvalidOption);
  EXPECT_THAT(error.what(), HasSubstr("tensor 'transformer.wte.weight': 70000"));
  EXPECT_TRUE(fs::is_empty(temp.path()));  // nothing of it is left, not even the folders
  write_pretrained(folder, large.config, large.gpt, DType::kBF16);
  EXPECT_TRUE(fs::exists(folder / "model.safetensors"));

  const OneNumber largest(std::numeric_limits<float>::max());
  EXPECT_EQ(error_of([&] {
              write_pretrained(temp.path() / "c", largest.config, largest.gpt, DType::kBF16);
            }).code(),
            ErrorCode::kInvalidOption);
}

TEST(Pretrained, InvalidWeightsWhereIntegersCannotBe) {
  for (const float number : {std::numeric_limits<float>::infinity(), std::nanf("")}) {
    const TempFolder temp;
    const OneNumber broken(number);
    const Error error = error_of(
        [&] { write_pretrained(temp.path() / "a", broken.config, broken.gpt, DType::kI8); });
    EXPECT_EQ(error.code(), ErrorCode::kInvalidWeights);
    EXPECT_THAT(error.what(), HasSubstr("tensor 'transformer.wte.weight': a weight is "));
    EXPECT_TRUE(fs::is_empty(temp.path()));
  }
}

// The resource limit stands in for a full disk: writing fails in the middle of the weights.
TEST(Pretrained, IoOnAFullDiskLeavesNothing) {
  const Checkpoint checkpoint = Checkpoint::open(fixtures_folder() / "hf_f32");
  const TempFolder temp;
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit old = {};
  getrlimit(RLIMIT_FSIZE, &old);
  const rlimit small = {50'000, old.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  const Error error = error_of([&] { checkpoint.save_pretrained(temp.path() / "out"); });
  setrlimit(RLIMIT_FSIZE, &old);
  EXPECT_EQ(error.code(), ErrorCode::kIo);
  EXPECT_THAT(error.what(), HasSubstr("model.safetensors: cannot write"));
  EXPECT_TRUE(fs::is_empty(temp.path()));
}

TEST(Pretrained, IoWhereTheFolderCannotBe) {
  const Checkpoint checkpoint = Checkpoint::open(fixtures_folder() / "hf_f32");
  const TempFolder temp;
  std::ofstream(temp.path() / "file") << "x";
  for (const char* name : {"file", "file/inside"}) {
    const Error error = error_of([&] { checkpoint.save_pretrained(temp.path() / name); });
    EXPECT_EQ(error.code(), ErrorCode::kIo) << name;
    EXPECT_THAT(error.what(), HasSubstr("cannot make the folder"));
  }
  EXPECT_EQ(fs::file_size(temp.path() / "file"), 1u);
}

TEST(Pretrained, KeepsAnOlderModelWhenItFails) {
  const TempFolder temp;
  const OneNumber good(1), bad(70000);
  write_pretrained(temp.path(), good.config, good.gpt, DType::kF16);
  const auto written = fs::last_write_time(temp.path() / "model.safetensors");
  error_of([&] { write_pretrained(temp.path(), bad.config, bad.gpt, DType::kF16); });
  EXPECT_EQ(fs::last_write_time(temp.path() / "model.safetensors"), written);
  EXPECT_EQ(std::distance(fs::directory_iterator(temp.path()), fs::directory_iterator()), 2);
}

// A model written over the file that it is read from.
TEST(Pretrained, WritesOverItsOwnFile) {
  const TempFolder temp;
  Checkpoint::open(fixtures_folder() / "hf_f32").save_pretrained(temp.path());
  const Checkpoint before = Checkpoint::open(temp.path());
  before.save_pretrained(temp.path(), DType::kBF16);
  const Checkpoint after = Checkpoint::open(temp.path());
  expect_same_tensors(before.gpt(), after.gpt(), DType::kBF16);
}

}  // namespace
}  // namespace decant
