#include "decant/model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <span>
#include <string>
#include <vector>

#include "c_support.h"
#include "decant/checkpoint.h"

namespace decant {
namespace {

using testing::HasSubstr;

const std::vector<TokenId> kTokens = {51, 58, 81, 80, 62, 22, 47, 27,
                                      14, 55, 52, 71, 27, 0,  87, 84};

// Whose logits tests/model compares with PyTorch's.
TEST(CModel, LogitsAreThoseOfTheCppInterface) {
  const Checkpoint checkpoint = Checkpoint::open(kSmallModel);
  for (const std::int32_t weights : {DECANT_WEIGHTS_AUTO, DECANT_WEIGHTS_F32, DECANT_WEIGHTS_BF16,
                                     DECANT_WEIGHTS_Q8, DECANT_WEIGHTS_Q4}) {
    const Model expected(checkpoint, {.weights = static_cast<WeightFormat>(weights)});
    Session cpp(expected, 1);

    decant_model_options options = {};
    options.struct_size = sizeof options;
    options.weights = weights;
    decant_model* made = nullptr;
    ASSERT_EQ(decant_model_open(kSmallModel.data(), kSmallModel.size(), &options, &made),
              DECANT_OK);
    CModel model(made);
    decant_model_info info = {};
    info.struct_size = sizeof info;
    ASSERT_EQ(decant_model_get_info(model.get(), &info), DECANT_OK);
    EXPECT_EQ(info.vocab_size, 97);
    EXPECT_EQ(info.block_size, 16);
    EXPECT_EQ(info.n_layer, 2);
    EXPECT_EQ(info.n_head, 2);
    EXPECT_EQ(info.n_embd, 32);
    EXPECT_EQ(info.weight_bytes, static_cast<std::int64_t>(expected.weight_bytes()));
    EXPECT_EQ(info.weights, static_cast<std::int32_t>(expected.weights()));

    const CSession session = c_session(model);
    model.reset();  // the session keeps what it needs of it
    for (const TokenId token : kTokens) {
      const float* logits = nullptr;
      std::size_t size = 0;
      ASSERT_EQ(decant_session_step(session.get(), token, &logits, &size), DECANT_OK);
      EXPECT_THAT(std::span(logits, size), testing::ElementsAreArray(cpp.step(token)));
    }
  }
}

TEST(CModel, TheNumberOfHeadsIsTheCallers) {
  decant_model_options options = {};
  options.struct_size = sizeof options;
  options.n_head = 4;
  decant_model* made = nullptr;
  ASSERT_EQ(decant_model_open(kSmallModel.data(), kSmallModel.size(), &options, &made), DECANT_OK);
  const CModel model(made);
  decant_model_info info = {};
  info.struct_size = sizeof info;
  ASSERT_EQ(decant_model_get_info(model.get(), &info), DECANT_OK);
  EXPECT_EQ(info.n_head, 4);
}

TEST(CModel, TruncatingGoesBack) {
  const CSession session = c_session(c_model(kSmallModel));
  const std::int32_t tokens[] = {3, 1, 4, 1, 5};
  const float* logits = nullptr;
  std::size_t size = 0;
  ASSERT_EQ(decant_session_prefill(session.get(), tokens, 5, &logits, &size), DECANT_OK);
  const std::vector<float> before(logits, logits + size);
  ASSERT_EQ(decant_session_truncate(session.get(), 3), DECANT_OK);
  std::int64_t position = 0;
  ASSERT_EQ(decant_session_position(session.get(), &position), DECANT_OK);
  EXPECT_EQ(position, 3);
  ASSERT_EQ(decant_session_prefill(session.get(), tokens + 3, 2, &logits, &size), DECANT_OK);
  EXPECT_EQ(std::vector<float>(logits, logits + size), before);
  EXPECT_EQ(decant_session_prefill(session.get(), tokens, 0, &logits, &size),
            DECANT_ERROR_INVALID_ARGUMENT);
}

TEST(CModel, ScoresAreTheLogSoftmaxOfTheLogits) {
  const CSession session = c_session(c_model(kSmallModel));
  std::vector<double> logprobs(kTokens.size() - 1);
  ASSERT_EQ(decant_session_score(session.get(), kTokens.data(), kTokens.size(), logprobs.data()),
            DECANT_OK);
  ASSERT_EQ(decant_session_truncate(session.get(), 0), DECANT_OK);
  for (std::size_t i = 1; i < kTokens.size(); ++i) {
    const float* logits = nullptr;
    std::size_t size = 0;
    ASSERT_EQ(decant_session_step(session.get(), kTokens[i - 1], &logits, &size), DECANT_OK);
    double sum = 0;
    for (std::size_t v = 0; v < size; ++v) sum += std::exp(logits[v]);
    EXPECT_NEAR(logprobs[i - 1], logits[kTokens[i]] - std::log(sum), 1e-6);
  }
}

TEST(CModel, NotesAreThoseOfTheCheckpoint) {
  const CModel model = c_model(kSmallModel);
  std::string expected;
  const Checkpoint checkpoint = Checkpoint::open(kSmallModel);
  for (const std::string& note : checkpoint.notes()) expected += note + "\n";
  const char* text = nullptr;
  std::size_t size = 0;
  ASSERT_EQ(decant_model_notes(model.get(), &text, &size), DECANT_OK);
  EXPECT_EQ(std::string(text, size), expected);
}

TEST(CModel, OptionsOutsideTheirRange) {
  decant_model_options options = {};
  options.struct_size = sizeof options;
  decant_model* made = nullptr;
  options.weights = 7;
  EXPECT_EQ(decant_model_open(kSmallModel.data(), kSmallModel.size(), &options, &made),
            DECANT_ERROR_INVALID_ARGUMENT);
  EXPECT_THAT(last_error(), HasSubstr("options->weights is 7"));
  options.weights = 0;
  options.n_head = -3;
  EXPECT_NE(decant_model_open(kSmallModel.data(), kSmallModel.size(), &options, &made), DECANT_OK);
  EXPECT_EQ(made, nullptr);
}

}  // namespace
}  // namespace decant
