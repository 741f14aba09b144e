// Which dialect a set of names is, and what is said of sets that are nearly one.
#include "recognize.h"

#include "model_builder.h"

namespace decant {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(Recognize, TellsTheDialectsApart) {
  EXPECT_EQ(course_model().bind().dialect, "the loss curve");
  for (const char* prefix : {"transformer.", "", "_orig_mod.transformer.", "module."}) {
    EXPECT_EQ(gpt2_model(false, true, prefix).bind().dialect, "nanoGPT") << prefix;
    EXPECT_EQ(gpt2_model(true, true, prefix).bind().dialect, "Hugging Face GPT-2") << prefix;
  }
}

// nanoGPT, build-nanogpt and minGPT have the same names and shapes.
TEST(Recognize, TellsTwinsApartByWhatLiesBesideThem) {
  ModelBuilder plain = gpt2_model(false);
  EXPECT_EQ(plain.bind().dialect, "nanoGPT");
  ModelBuilder model = plain;
  model.settings = {{"config", "config", {{"n_head", 2}, {"vocab_size", 5}, {"block_size", 3}}}};
  EXPECT_EQ(model.bind().dialect, "build-nanogpt");
  model.settings.push_back({"model_args", "model_args", {{"n_head", 2}}});  // nanoGPT has both
  EXPECT_EQ(model.bind().dialect, "nanoGPT");

  model = plain;
  model.shapes["transformer.h.0.attn.bias"] = {1, 1, 3, 3};  // as PyTorch before 2.0 left it
  EXPECT_EQ(model.bind().dialect, "nanoGPT");
  model.shapes["lm_head.weight"] = {5, 4};
  EXPECT_EQ(model.bind().dialect, "minGPT");
  EXPECT_EQ(model.bind().config.activation, Activation::kGeluTanh);
  model.shapes.erase("transformer.h.0.attn.bias");
  EXPECT_EQ(model.bind().dialect, "nanoGPT");
}

TEST(Recognize, GivesItsEvidence) {
  EXPECT_THAT(gpt2_model(true).bind().evidence,
              HasSubstr("'transformer.h.0.attn.c_attn.weight' is (4, 12): (in, out)"));
  EXPECT_THAT(gpt2_model(false).bind().evidence, HasSubstr("(12, 4): (out, in)"));
}

TEST(Recognize, IgnoresBuffersAndSaysSo) {
  ModelBuilder model = gpt2_model(true);
  model.config(R"({"activation_function": "gelu_new"})");
  model.shapes["transformer.h.0.attn.bias"] = {1, 1, 3, 3};
  model.shapes["transformer.h.1.attn.masked_bias"] = {};
  EXPECT_THAT(
      model.bind().notes,
      testing::ElementsAre("ignored 2 constant buffers ('transformer.h.0.attn.bias', ...)"));
}

TEST(Recognize, Unrecognized) {
  ModelBuilder model;
  model.shapes = {{"conv1.weight", {4}}, {"conv2.weight", {4}}};
  EXPECT_EQ(model.error().code(), ErrorCode::kUnrecognized);
  EXPECT_THAT(model.error().what(),
              HasSubstr("of no dialect that Decant knows (the loss curve, nanoGPT, "));
  EXPECT_THAT(
      model.error().what(),
      HasSubstr(
          "): 'conv1.weight', 'conv2.weight'; a GPT of GPT-2's kind can be opened with --names"));
  model.shapes = {};
  EXPECT_THAT(model.error().what(), HasSubstr("holds no tensors"));
  // One name in common makes no dialect.
  model.shapes = {{"ln_f.weight", {4}}, {"a", {1}}, {"b", {1}}, {"c", {1}}, {"d", {1}}, {"e", {1}}};
  EXPECT_EQ(model.error().code(), ErrorCode::kUnrecognized);
  EXPECT_THAT(std::string(model.error().what()), HasSubstr("'d', ...; a GPT"));
}

// Every tensor of every dialect, taken out: it is missing from that dialect, by name.
void expect_each_missing(const ModelBuilder& whole, const std::string& dialect) {
  for (const auto& [name, shape] : whole.shapes) {
    ModelBuilder model = whole;
    model.shapes.erase(name);
    const Error error = model.error();
    EXPECT_EQ(error.code(), ErrorCode::kMissingTensor) << name << ": " << error.what();
    const std::string bare = name.starts_with("transformer.") ? name.substr(12) : name;
    EXPECT_EQ(error.what(),
              "model.pt: tensor '" + bare + "' is missing (dialect: " + dialect + ")");
  }
}

TEST(CheckComplete, MissingTensor) {
  expect_each_missing(course_model(), "the loss curve");
  expect_each_missing(course_model(/*bias=*/true), "the loss curve");
  expect_each_missing(gpt2_model(false), "nanoGPT");
  expect_each_missing(gpt2_model(false, /*bias=*/false), "nanoGPT");
  expect_each_missing(gpt2_model(true), "Hugging Face GPT-2");
}

TEST(CheckComplete, MissingLayerOfAHugeNumber) {
  ModelBuilder model = gpt2_model(true);
  model.rename("transformer.h.1.ln_1.weight", "transformer.h.999999.ln_1.weight");
  EXPECT_THAT(model.error().what(), HasSubstr("'h.1.ln_1.weight' is missing"));
}

TEST(CheckComplete, CountsWhatIsMissingAndWhatIsLeftOver) {
  ModelBuilder model = course_model();
  for (const std::string layer : {"0", "1"}) {
    model.rename("blocks." + layer + ".ln2.bias", "blocks." + layer + ".ln_2.bias");
    model.rename("blocks." + layer + ".ln1.bias", "blocks." + layer + ".ln_1.bias");
  }
  EXPECT_THAT(model.error().what(),
              HasSubstr("'blocks.0.ln1.bias' is missing (1 of 4) (dialect: the loss curve); "
                        "'blocks.0.ln_1.bias' is there, which has no place in it (1 of 4)"));
}

TEST(CheckComplete, MissingTensorUnderAnotherName) {
  ModelBuilder model = course_model();
  model.rename("blocks.1.ln2.bias", "blocks.1.ln_2.bias");
  EXPECT_EQ(model.error().code(), ErrorCode::kMissingTensor);
  EXPECT_THAT(model.error().what(),
              HasSubstr("tensor 'blocks.1.ln2.bias' is missing (dialect: the loss curve); "
                        "'blocks.1.ln_2.bias' is there, which has no place in it"));
}

TEST(CheckComplete, MissingBiasesThatTheConfigAnnounces) {
  ModelBuilder model = course_model();
  model.config(R"({"bias": true})");
  EXPECT_THAT(model.error().what(), HasSubstr("'blocks.0.attn.q_proj.bias' is missing"));
}

TEST(CheckComplete, UnexpectedTensor) {
  for (ModelBuilder model : {course_model(), gpt2_model(false), gpt2_model(true)}) {
    model.shapes["rotary.inv_freq"] = {2};
    EXPECT_EQ(model.error().code(), ErrorCode::kUnexpectedTensor);
    EXPECT_THAT(model.error().what(),
                StartsWith("model.pt: tensor 'rotary.inv_freq' has no place in the dialect"));
  }
}

TEST(Recognize, MalformedTwinsAfterStripping) {
  ModelBuilder model = gpt2_model(true);
  model.shapes["wte.weight"] = {5, 4};
  EXPECT_EQ(model.error().code(), ErrorCode::kMalformed);
  EXPECT_THAT(model.error().what(), HasSubstr("'transformer.wte.weight' and 'wte.weight'"));
}

}  // namespace
}  // namespace decant
