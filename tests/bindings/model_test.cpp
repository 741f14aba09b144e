#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "c_support.h"
#include "fixtures.h"

namespace decant {
namespace {

using testing::HasSubstr;

TEST(CModel, LogitsAreThoseOfPyTorch) {
  for (const Fixture& fixture : load_fixtures()) {
    decant_model_options options = {};
    options.struct_size = sizeof options;
    options.n_head = static_cast<std::int32_t>(fixture.options.n_head.value_or(0));
    options.weights = DECANT_WEIGHTS_F32;
    const std::string path = fixture.checkpoint.string();
    decant_model* made = nullptr;
    ASSERT_EQ(decant_model_open(path.data(), path.size(), &options, &made), DECANT_OK)
        << last_error();
    CModel model(made);
    decant_model_info info = {};
    info.struct_size = sizeof info;
    ASSERT_EQ(decant_model_get_info(model.get(), &info), DECANT_OK);
    EXPECT_EQ(info.vocab_size * static_cast<std::int64_t>(fixture.tokens.size()),
              static_cast<std::int64_t>(fixture.logits.size()));
    EXPECT_EQ(info.weights, DECANT_WEIGHTS_F32);

    const CSession session = c_session(model);
    model.reset();  // the session keeps what it needs of it
    const float* logits = nullptr;
    std::size_t size = 0;
    for (std::size_t i = 0; i < fixture.tokens.size(); ++i) {
      ASSERT_EQ(decant_session_step(session.get(), fixture.tokens[i], &logits, &size), DECANT_OK);
      ASSERT_EQ(static_cast<std::int64_t>(size), info.vocab_size);
      for (std::size_t v = 0; v < size; ++v) {
        ASSERT_NEAR(logits[v], fixture.logits[i * size + v], 1e-4) << fixture << " token " << i;
      }
    }
  }
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

TEST(CModel, ScoresAreTheLogSoftmaxOfPyTorchsLogits) {
  const Fixture fixture = load_fixtures().front();
  const CSession session = c_session(c_model(fixture.checkpoint.string()));
  const std::size_t count = fixture.tokens.size();
  const std::size_t vocab = fixture.logits.size() / count;
  std::vector<double> logprobs(count - 1);
  ASSERT_EQ(decant_session_score(session.get(), fixture.tokens.data(), count, logprobs.data()),
            DECANT_OK);
  for (std::size_t i = 1; i < count; ++i) {
    const float* row = fixture.logits.data() + (i - 1) * vocab;
    double sum = 0;
    for (std::size_t v = 0; v < vocab; ++v) sum += std::exp(row[v]);
    EXPECT_NEAR(logprobs[i - 1], row[fixture.tokens[i]] - std::log(sum), 2e-4);
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
