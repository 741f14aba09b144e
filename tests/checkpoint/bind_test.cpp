// Shapes and settings that contradict each other, and what is taken where nothing is said.
#include "bind.h"

#include <gmock/gmock.h>

#include "model_builder.h"

namespace decant {
namespace {

using testing::HasSubstr;

void expect_error(ModelBuilder model, ErrorCode code, const std::string& message) {
  const Error error = model.error();
  EXPECT_EQ(error.code(), code) << error.what();
  EXPECT_THAT(error.what(), HasSubstr(message));
}

TEST(Bind, ReadsSizesOffTheShapes) {
  for (ModelBuilder model : {course_model(), gpt2_model(false), gpt2_model(true)}) {
    const ModelConfig config = model.bind().config;
    EXPECT_EQ(config.vocab_size, 5);
    EXPECT_EQ(config.block_size, 3);
    EXPECT_EQ(config.n_layer, 2);
    EXPECT_EQ(config.n_head, 2);
    EXPECT_EQ(config.n_embd, 4);
    EXPECT_EQ(config.n_inner, 16);
    EXPECT_EQ(config.layer_norm_epsilon, 1e-5f);
  }
}

// Every tensor of every dialect, one row longer: the message names it.
TEST(Bind, ShapeMismatchOfEveryTensor) {
  for (const ModelBuilder& whole : {course_model(true), gpt2_model(false), gpt2_model(true)}) {
    for (const auto& [name, shape] : whole.shapes) {
      // These two set the sizes V and T, which nothing else contradicts.
      if (name.find("wpe") != std::string::npos || name.find("pos_emb") != std::string::npos)
        continue;
      if (name.find("wte") != std::string::npos) continue;
      ModelBuilder model = whole;
      ++model.shapes[name].back();
      expect_error(model, ErrorCode::kShapeMismatch, "");
      model = whole;
      model.shapes[name].push_back(1);
      expect_error(model, ErrorCode::kShapeMismatch, "tensor '" + name + "' is ");
    }
  }
}

// A training loop of one's own calls the dict with the sizes what it likes.
TEST(Bind, FindsTheHeadsInADictOfAnyName) {
  ModelBuilder model = course_model();
  model.options = {};
  model.settings = {{"train", "train", {{"lr", 1}}}, {"cfg", "cfg", {{"n_head", 4}}}};
  EXPECT_EQ(model.bind().config.n_head, 4);
  // Not beside one that has its usual name, as nanoGPT's own "config" may say something else.
  model.settings.push_back({"model_args", "model_args", {{"n_head", 2}}});
  EXPECT_EQ(model.bind().config.n_head, 2);
  model.options.n_head = 1;
  EXPECT_EQ(model.bind().config.n_head, 1);
  EXPECT_THAT(model.bind().notes,
              testing::Contains("took --n-head 1, though model_args: 'n_head' is 2"));
}

// What config.json says counts in every dialect.
TEST(Bind, TakesActivationAndEpsilonFromConfigJson) {
  for (ModelBuilder model : {course_model(), gpt2_model(false), gpt2_model(true)}) {
    for (const auto& [word, activation] :
         {std::pair("gelu", Activation::kGelu), std::pair("gelu_new", Activation::kGeluTanh),
          std::pair("relu", Activation::kRelu)}) {
      model.config_json =
          Settings{"config.json",
                   "config.json",
                   {{"n_head", 2}, {"activation_function", word}, {"layer_norm_epsilon", 0.001}}};
      EXPECT_EQ(model.bind().config.activation, activation);
      EXPECT_EQ(model.bind().config.layer_norm_epsilon, 0.001f);
    }
  }
}

// An older nanoGPT is told by its own model_args, not by what else is silent about biases.
TEST(Bind, AConfigJsonDoesNotMakeAnOlderNanoGpt) {
  ModelBuilder model = gpt2_model(false);
  model.config(R"({"n_head": 2})");
  EXPECT_EQ(model.bind().config.activation, Activation::kGelu);
  model.settings = {{"model_args", "model_args", {{"n_head", 2}}}};
  EXPECT_EQ(model.bind().config.activation, Activation::kGeluTanh);
}

// A learning rate's "config" is not build-nanogpt's, which has the model's sizes.
TEST(Bind, BuildNanogptIsToldByItsSizes) {
  ModelBuilder model = gpt2_model(false);
  model.settings = {{"config", "config", {{"n_head", 2}, {"learning_rate", 0.1}}}};
  EXPECT_EQ(model.bind().dialect, "nanoGPT");
  model.settings[0].values.update({{"vocab_size", 5}, {"block_size", 3}});
  EXPECT_EQ(model.bind().dialect, "build-nanogpt");
}

// A tied head that was copied, as {k: v.cpu() for k, v in ...} does, is no head of its own.
TEST(Bind, ACopiedHeadIsNotMinGpts) {
  ModelBuilder model = gpt2_model(false);
  model.shapes["lm_head.weight"] = {5, 4};
  model.shapes["transformer.h.0.attn.bias"] = {1, 1, 3, 3};
  model.own_head = false;
  EXPECT_EQ(model.bind().dialect, "nanoGPT");
  model.own_head = true;
  EXPECT_EQ(model.bind().dialect, "minGPT");
}

TEST(Bind, ATiedHeadMayHaveABias) {
  ModelBuilder model = gpt2_model(true);
  EXPECT_FALSE(model.bind().gpt.head_bias.has_value());
  model.shapes["lm_head.bias"] = {5};
  EXPECT_TRUE(model.bind().gpt.head_bias.has_value());
  EXPECT_TRUE(model.bind().config.tied_head);
}

// A matrix of integers comes with scales, one for each 32 inputs of an output.
TEST(Bind, IntegersNeedTheirScales) {
  const std::string name = "transformer.h.1.mlp.c_proj.weight";
  const std::string scales = name + "_scale";
  ModelBuilder model = gpt2_model(true);  // (in, out)
  model.dtypes = {{name, DType::kI8}, {scales, DType::kBF16}};
  expect_error(
      model, ErrorCode::kMissingTensor,
      "'" + name + "' is of 8-bit integers, and their scales, '" + scales + "', are missing");
  model.shapes[scales] = {1, 5};
  expect_error(model, ErrorCode::kShapeMismatch, "'" + scales + "' is (1, 5), and must be (1, 4)");
  model.shapes[scales] = {1, 4};
  const Bound bound = model.bind();
  EXPECT_EQ(bound.gpt.layers[1].mlp_proj.weight[0].dtype, DType::kI8);
  model.dtypes[scales] = DType::kF32;
  expect_error(model, ErrorCode::kUnsupported, "'" + scales + "' is of type 'F32'");
  model.dtypes = {};
  expect_error(model, ErrorCode::kUnexpectedTensor, scales);  // of a matrix that has none
  model = gpt2_model(true);
  model.dtypes["transformer.ln_f.bias"] = DType::kI8;
  expect_error(model, ErrorCode::kUnsupported, "'transformer.ln_f.bias' is of type 'I8'");
}

TEST(Bind, ShapeMismatchNamesBoth) {
  ModelBuilder model = gpt2_model(false);
  model.shapes["transformer.h.1.attn.c_attn.weight"] = {12, 3};
  expect_error(model, ErrorCode::kShapeMismatch,
               "model.pt: tensor 'transformer.h.1.attn.c_attn.weight' is (12, 3), and must be (12, "
               "4) for the channels that 'transformer.wte.weight' (5, 4) has");
  model = gpt2_model(false);
  model.shapes["transformer.wte.weight"] = {0, 4};
  expect_error(model, ErrorCode::kShapeMismatch, "is (0, 4), and must be (any, any)");
  model.shapes["transformer.wte.weight"] = {5};
  expect_error(model, ErrorCode::kShapeMismatch, "is (5), and must be (any, any)");
}

TEST(Bind, ShapeMismatchWithTheConfig) {
  const auto expect = [](ModelBuilder model, const char* config, const std::string& message) {
    model.config(config);
    expect_error(model, ErrorCode::kShapeMismatch, message);
  };
  expect(course_model(), R"({"vocab_size": 6})",
         "config.json: 'vocab_size' is 6, but 'tok_emb.weight' (5, 4) in model.pt makes it 5");
  expect(course_model(), R"({"block_size": 64})", "'pos_emb.weight' (3, 4) in model.pt makes it 3");
  expect(course_model(), R"({"n_layer": 12})", "'n_layer' is 12, but the last layer");
  expect(course_model(), R"({"n_embd": 8})", "'n_embd' is 8");
  expect(course_model(), R"({"ffn_mult": 3})",
         "'ffn_mult' is 3, but 'blocks.0.ffn.fc1.weight' (16, 4)");
  expect(course_model(), R"({"ffn_mult": 4611686018427387904})",
         "'ffn_mult' is 4611686018427387904");
  expect(gpt2_model(true), R"({"n_positions": 1024})", "'n_positions' is 1024");
  expect(gpt2_model(true), R"({"n_inner": 8})", "'n_inner' is 8");
  ModelBuilder model = gpt2_model(true);
  model.options = {};
  expect(model, R"({"n_head": 3})", "'n_head' is 3, which does not divide the 4 channels");
  expect(model, R"({"n_head": 0})", "'n_head' is 0");
  expect(model, R"({"n_head": -2})", "'n_head' is -2");
  model = gpt2_model(false);
  model.settings = {{"model_args", "model.pt: 'model_args'", {{"n_embd", 768}}}};
  expect_error(model, ErrorCode::kShapeMismatch, "model.pt: 'model_args': 'n_embd' is 768");
}

TEST(Bind, TakesHeadsFromOptionThenSettingsThen64Each) {
  ModelBuilder model = gpt2_model(true);
  model.config(R"({"n_head": 4, "activation_function": "gelu_new"})");
  EXPECT_EQ(model.bind().config.n_head, 2);  // the option
  model.options = {};
  EXPECT_EQ(model.bind().config.n_head, 4);
  EXPECT_TRUE(model.bind().notes.empty());

  ModelBuilder wide;
  for (const auto& [name, shape] : gpt2_model(true).shapes) {
    wide.shapes[name] = shape;
    for (std::int64_t& size : wide.shapes[name]) {
      if (size % 4 == 0) size *= 32;
    }
  }
  wide.data.resize(4 << 20);
  wide.options = {};
  wide.config(R"({"activation_function": "gelu_new"})");
  EXPECT_EQ(wide.bind().config.n_head, 2);
  EXPECT_THAT(wide.bind().notes, testing::ElementsAre(HasSubstr("took 2, 64 channels each")));
}

TEST(Bind, InvalidOption) {
  ModelBuilder model = gpt2_model(true);
  for (const std::int64_t wrong : {0, -1, 3, 8}) {
    model.options.n_head = wrong;
    expect_error(model, ErrorCode::kInvalidOption, "does not divide its 4 channels");
  }
  model.options = {};
  expect_error(model, ErrorCode::kInvalidOption, "give --n-head");
}

TEST(Bind, TakesTheActivationThatIsSaid) {
  ModelBuilder model = gpt2_model(true);
  const auto activation = [&](const char* config) {
    model.config(config);
    return model.bind().config.activation;
  };
  EXPECT_EQ(activation("{}"), Activation::kGeluTanh);
  EXPECT_EQ(activation(R"({"activation_function": "gelu"})"), Activation::kGelu);
  EXPECT_EQ(activation(R"({"activation_function": "gelu_pytorch_tanh"})"), Activation::kGeluTanh);
  EXPECT_EQ(activation(R"({"activation_function": "relu"})"), Activation::kRelu);
  model = course_model();
  EXPECT_EQ(activation("{}"), Activation::kGelu);
  EXPECT_EQ(activation(R"({"gelu": "none"})"), Activation::kGelu);
  EXPECT_EQ(activation(R"({"gelu": "tanh"})"), Activation::kGeluTanh);
}

TEST(Bind, TellsOldNanoGptByItsSettings) {
  ModelBuilder model = gpt2_model(false);
  EXPECT_EQ(model.bind().config.activation, Activation::kGelu);  // a bare state_dict
  model.settings = {{"model_args", "model_args", {{"n_head", 2}, {"bias", true}}}};
  EXPECT_EQ(model.bind().config.activation, Activation::kGelu);
  EXPECT_THAT(model.bind().notes, testing::ElementsAre(HasSubstr("since June 2023")));
  model.settings = {{"model_args", "model_args", {{"n_head", 2}}}};
  EXPECT_EQ(model.bind().config.activation, Activation::kGeluTanh);
  EXPECT_THAT(model.bind().notes, testing::ElementsAre(HasSubstr("has no 'bias'")));
  model.config(R"({"gelu": "none"})");
  EXPECT_EQ(model.bind().config.activation, Activation::kGelu);
}

TEST(Bind, UnsupportedSettings) {
  const auto expect = [](const char* config, const std::string& message) {
    ModelBuilder model = gpt2_model(true);
    model.config(config);
    expect_error(model, ErrorCode::kUnsupported, message);
  };
  expect(R"({"activation_function": "silu"})", "config.json: 'activation_function' is 'silu'");
  expect(R"({"scale_attn_weights": false})", "config.json: 'scale_attn_weights' must be true");
  expect(R"({"scale_attn_by_inverse_layer_idx": true})", "'scale_attn_by_inverse_layer_idx'");
  expect(R"({"reorder_and_upcast_attn": true})", "'reorder_and_upcast_attn' must be false");
  expect(R"({"add_cross_attention": true})", "'add_cross_attention'");
  expect(R"({"model_type": "llama"})", "'model_type' must be \"gpt2\"");
}

TEST(Bind, UnsupportedTypes) {
  ModelBuilder model = gpt2_model(true);
  TensorFile file = model.build();
  for (StoredTensor& tensor : file.tensors) {
    if (tensor.name != "transformer.h.1.mlp.c_fc.weight") continue;
    tensor.dtype = std::nullopt;
    tensor.type = "DoubleStorage";
  }
  const Error error = hostile::error_of([&] {
    bind_gpt({"model.pt", model.data}, file, std::nullopt, model.options);
  });
  EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
  EXPECT_THAT(error.what(),
              HasSubstr("'transformer.h.1.mlp.c_fc.weight' is of type 'DoubleStorage'"));
}

TEST(Bind, MalformedSettings) {
  ModelBuilder model = gpt2_model(true);
  model.config(R"({"layer_norm_epsilon": -1})");
  expect_error(model, ErrorCode::kMalformed, "'layer_norm_epsilon' must be");
  model.config(R"({"layer_norm_epsilon": 1e300})");
  expect_error(model, ErrorCode::kMalformed, "'layer_norm_epsilon' must be");
  model.config(R"({"tie_word_embeddings": "yes"})");
  expect_error(model, ErrorCode::kMalformed, "not true or false");
}

TEST(Bind, TiesTheHead) {
  ModelBuilder model = gpt2_model(true);
  EXPECT_TRUE(model.bind().config.tied_head);  // no head of its own
  model.shapes["lm_head.weight"] = {5, 4};
  EXPECT_FALSE(model.bind().config.tied_head);
  model.config(R"({"tie_word_embeddings": true})");
  EXPECT_FALSE(model.bind().config.tied_head);
  EXPECT_THAT(model.bind().notes.front(), HasSubstr("'lm_head.weight' has values of its own"));

  TensorFile file = model.build();
  for (StoredTensor& tensor : file.tensors) {
    if (tensor.name == "lm_head.weight") tensor.data += 64;  // zeros, as the embedding has
  }
  const auto bind = [&](const char* config) {
    model.config(config);
    return bind_gpt({"model.pt", model.data}, file, model.config_json, model.options).config;
  };
  EXPECT_TRUE(bind("{}").tied_head);  // equal values
  EXPECT_FALSE(bind(R"({"tie_word_embeddings": false})").tied_head);
}

TEST(Bind, MissingHead) {
  ModelBuilder model = course_model();
  model.shapes.erase("lm_head.weight");
  expect_error(model, ErrorCode::kMissingTensor, "'lm_head.weight' is missing");
  model.config(R"({"tied_lm_head": true})");
  EXPECT_TRUE(model.bind().config.tied_head);
  model = gpt2_model(true);
  model.config(R"({"tie_word_embeddings": false})");
  expect_error(model, ErrorCode::kMissingTensor, "'lm_head.weight' is missing");
}

TEST(Bind, TooLargeByManyViewsOfOneStorage) {
  ModelBuilder model = gpt2_model(true);
  model.data.resize(3000);  // the tensors have 2560 bytes and more
  TensorFile file = model.build();
  for (StoredTensor& tensor : file.tensors) tensor.data = model.data.data();
  file.total_bytes = 1000;
  const Error error = hostile::error_of([&] {
    bind_gpt({"model.pt", model.data}, file, std::nullopt, model.options);
  });
  EXPECT_EQ(error.code(), ErrorCode::kTooLarge);
  EXPECT_THAT(error.what(), HasSubstr("hold more than the file"));
}

}  // namespace
}  // namespace decant
