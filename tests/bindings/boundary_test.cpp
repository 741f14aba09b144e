// What holds for every function of decant.h: arguments, errors, struct versions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "c_support.h"
#include "temp_folder.h"

namespace decant {
namespace {

using testing::HasSubstr;

const std::vector<float> kLogits = {1, 3, 2};

TEST(CBoundary, NullIsAnErrorWhereverSomethingIsNeeded) {
  const CPipeline pipeline = c_pipeline();
  const CTokenizer tokenizer = c_gpt2();
  const CModel model = c_model(kSmallModel);
  const CSession session = c_session(model);
  decant_pipeline* p = pipeline.get();
  decant_tokenizer* t = tokenizer.get();
  decant_session* s = session.get();
  const decant_sampling_input input = c_input(kLogits);
  decant_draw draw = c_draw();
  const decant_trace_options trace = c_trace_options(1);
  decant_token_report report = {};
  report.struct_size = sizeof report;
  decant_model_info info = {};
  info.struct_size = sizeof info;
  decant_generate_options options = {};
  options.struct_size = sizeof options;
  decant_generation generation = {};
  generation.struct_size = sizeof generation;
  const std::int32_t id = 5;
  std::int32_t* ids = nullptr;
  std::int32_t end = 0;
  std::int64_t position = 0;
  std::size_t size = 0;
  char* text = nullptr;
  const char* view = nullptr;
  const float* logits = nullptr;
  double logprob = 0;
  decant_tokenizer* no_tokenizer = nullptr;
  decant_model* no_model = nullptr;
  decant_session* no_session = nullptr;

  const std::vector<std::function<decant_status()>> calls = {
      [&] { return decant_pipeline_create("{}", 2, nullptr); },
      [&] { return decant_pipeline_settings(nullptr, &text, &size); },
      [&] { return decant_pipeline_settings(p, nullptr, &size); },
      [&] { return decant_pipeline_settings(p, &text, nullptr); },
      [&] { return decant_pipeline_sample(nullptr, &input, 1, 0, 0, &draw); },
      [&] { return decant_pipeline_sample(p, nullptr, 1, 0, 0, &draw); },
      [&] { return decant_pipeline_sample(p, &input, 1, 0, 0, nullptr); },
      [&] { return decant_pipeline_sample_at(nullptr, &input, .5, &draw); },
      [&] { return decant_pipeline_sample_at(p, nullptr, .5, &draw); },
      [&] { return decant_pipeline_sample_at(p, &input, .5, nullptr); },
      [&] { return decant_pipeline_distribution(nullptr, &input, nullptr, nullptr, 0, &size); },
      [&] { return decant_pipeline_distribution(p, nullptr, nullptr, nullptr, 0, &size); },
      [&] { return decant_pipeline_distribution(p, &input, nullptr, nullptr, 0, nullptr); },
      [&] { return decant_pipeline_trace(nullptr, &input, &trace, &text, &size); },
      [&] { return decant_pipeline_trace(p, nullptr, &trace, &text, &size); },
      [&] { return decant_pipeline_trace(p, &input, &trace, nullptr, &size); },
      [&] { return decant_pipeline_trace(p, &input, &trace, &text, nullptr); },
      [&] { return decant_pipeline_trace(p, &input, nullptr, &text, &size); },
      [&] { return decant_pipeline_report(nullptr, &input, 1, &report); },
      [&] { return decant_pipeline_report(p, nullptr, 1, &report); },
      [&] { return decant_pipeline_report(p, &input, 1, nullptr); },
      [&] { return decant_tokenizer_gpt2(nullptr); },
      [&] { return decant_tokenizer_load("x", 1, nullptr); },
      [&] { return decant_tokenizer_load(nullptr, 1, &no_tokenizer); },
      [&] { return decant_tokenizer_encode(nullptr, "a", 1, &ids, &size); },
      [&] { return decant_tokenizer_encode(t, nullptr, 1, &ids, &size); },
      [&] { return decant_tokenizer_encode(t, "a", 1, nullptr, &size); },
      [&] { return decant_tokenizer_encode(t, "a", 1, &ids, nullptr); },
      [&] { return decant_tokenizer_decode(nullptr, &id, 1, &text, &size); },
      [&] { return decant_tokenizer_decode(t, nullptr, 1, &text, &size); },
      [&] { return decant_tokenizer_decode(t, &id, 1, nullptr, &size); },
      [&] { return decant_tokenizer_decode(t, &id, 1, &text, nullptr); },
      [&] { return decant_tokenizer_vocab_size(nullptr, &size); },
      [&] { return decant_tokenizer_vocab_size(t, nullptr); },
      [&] { return decant_tokenizer_token_bytes(nullptr, 5, &view, &size); },
      [&] { return decant_tokenizer_token_bytes(t, 5, nullptr, &size); },
      [&] { return decant_tokenizer_token_bytes(t, 5, &view, nullptr); },
      [&] { return decant_tokenizer_end_of_text(nullptr, &end); },
      [&] { return decant_tokenizer_end_of_text(t, nullptr); },
      [&] { return decant_model_open(nullptr, 1, nullptr, &no_model); },
      [&] { return decant_model_open("x", 1, nullptr, nullptr); },
      [&] { return decant_model_get_info(nullptr, &info); },
      [&] { return decant_model_get_info(model.get(), nullptr); },
      [&] { return decant_model_notes(nullptr, &view, &size); },
      [&] { return decant_model_notes(model.get(), nullptr, &size); },
      [&] { return decant_model_notes(model.get(), &view, nullptr); },
      [&] { return decant_session_create(nullptr, 1, &no_session); },
      [&] { return decant_session_create(model.get(), 1, nullptr); },
      [&] { return decant_session_prefill(nullptr, &id, 1, &logits, &size); },
      [&] { return decant_session_prefill(s, nullptr, 1, &logits, &size); },
      [&] { return decant_session_prefill(s, &id, 1, nullptr, &size); },
      [&] { return decant_session_prefill(s, &id, 1, &logits, nullptr); },
      [&] { return decant_session_step(nullptr, 5, &logits, &size); },
      [&] { return decant_session_position(nullptr, &position); },
      [&] { return decant_session_position(s, nullptr); },
      [&] { return decant_session_truncate(nullptr, 0); },
      [&] { return decant_session_score(nullptr, &id, 1, &logprob); },
      [&] { return decant_session_score(s, nullptr, 2, &logprob); },
      [&] { return decant_session_score(s, &id, 1, nullptr); },
      [&] { return decant_generate(nullptr, t, p, &id, 1, &options, &generation); },
      [&] { return decant_generate(s, nullptr, p, &id, 1, &options, &generation); },
      [&] { return decant_generate(s, t, nullptr, &id, 1, &options, &generation); },
      [&] { return decant_generate(s, t, p, nullptr, 1, &options, &generation); },
      [&] { return decant_generate(s, t, p, &id, 1, nullptr, &generation); },
      [&] { return decant_generate(s, t, p, &id, 1, &options, nullptr); },
  };
  for (std::size_t i = 0; i < calls.size(); ++i) {
    EXPECT_EQ(calls[i](), DECANT_ERROR_INVALID_ARGUMENT) << "call " << i;
    EXPECT_THAT(last_error(), HasSubstr(" is NULL")) << "call " << i;
  }

  decant_pipeline_destroy(nullptr);
  decant_tokenizer_destroy(nullptr);
  decant_model_destroy(nullptr);
  decant_session_destroy(nullptr);
  decant_free(nullptr);
}

TEST(CBoundary, SizesThatNoArrayCanHaveAreErrors) {
  constexpr std::size_t kNonsense = std::numeric_limits<std::size_t>::max();
  const CPipeline pipeline = c_pipeline();
  const CTokenizer tokenizer = c_gpt2();
  const std::int32_t id = 5;
  std::int32_t* ids = nullptr;
  char* text = nullptr;
  std::size_t size = 0;
  decant_pipeline* made = nullptr;
  decant_draw draw = c_draw();

  EXPECT_EQ(decant_pipeline_create("{}", kNonsense, &made), DECANT_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(decant_tokenizer_encode(tokenizer.get(), "a", kNonsense, &ids, &size),
            DECANT_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(decant_tokenizer_decode(tokenizer.get(), &id, kNonsense / 4, &text, &size),
            DECANT_ERROR_INVALID_ARGUMENT);
  for (const std::size_t bad : {std::size_t{0}, std::size_t{1} << 31, kNonsense / 4, kNonsense}) {
    decant_sampling_input input = c_input(kLogits);
    input.vocab_size = bad;
    EXPECT_EQ(decant_pipeline_sample(pipeline.get(), &input, 1, 0, 0, &draw),
              DECANT_ERROR_INVALID_ARGUMENT);
  }
  decant_sampling_input input = c_input(kLogits);
  input.prompt_size = 1;  // of a history of 0
  EXPECT_EQ(decant_pipeline_sample(pipeline.get(), &input, 1, 0, 0, &draw),
            DECANT_ERROR_INVALID_ARGUMENT);
  EXPECT_THAT(last_error(), HasSubstr("prompt_size is 1"));
}

TEST(CBoundary, APathWithANulIsRefused) {
  decant_tokenizer* tokenizer = nullptr;
  decant_model* model = nullptr;
  EXPECT_EQ(decant_tokenizer_load("a\0b", 3, &tokenizer), DECANT_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(decant_model_open("a\0b", 3, nullptr, &model), DECANT_ERROR_INVALID_ARGUMENT);
}

TEST(CBoundary, EachKindOfErrorHasItsStatus) {
  const TempFolder folder;
  const auto open = [&](const std::string& name, const std::string& bytes) {
    const std::string path = (folder.path() / name).string();
    std::ofstream(path, std::ios::binary) << bytes;
    decant_model* model = nullptr;
    const decant_status status = decant_model_open(path.data(), path.size(), nullptr, &model);
    EXPECT_EQ(model, nullptr);
    EXPECT_THAT(last_error(), HasSubstr(name));
    return status;
  };
  EXPECT_EQ(open("noise.safetensors", "not a checkpoint"), DECANT_ERROR_UNRECOGNIZED);
  const std::string nowhere = (folder.path() / "nowhere").string();
  decant_model* model = nullptr;
  EXPECT_EQ(decant_model_open(nowhere.data(), nowhere.size(), nullptr, &model), DECANT_ERROR_IO);
  EXPECT_THAT(last_error(), HasSubstr("nowhere"));

  const CSession session = c_session(c_model(kSmallModel));
  const float* logits = nullptr;
  std::size_t size = 0;
  const std::vector<std::int32_t> too_long(17, 1);
  EXPECT_EQ(decant_session_prefill(session.get(), too_long.data(), 17, &logits, &size),
            DECANT_ERROR_CONTEXT_FULL);
  EXPECT_EQ(decant_session_step(session.get(), 97, &logits, &size), DECANT_ERROR_INVALID_TOKEN);
  EXPECT_EQ(decant_session_step(session.get(), -1, &logits, &size), DECANT_ERROR_INVALID_TOKEN);
  double logprob = 0;
  EXPECT_EQ(decant_session_score(session.get(), too_long.data(), 1, &logprob),
            DECANT_ERROR_INVALID_PROMPT);
  EXPECT_EQ(decant_session_truncate(session.get(), 1), DECANT_ERROR_INVALID_ARGUMENT);
  decant_session* made = nullptr;
  EXPECT_EQ(decant_session_create(c_model(kSmallModel).get(), -1, &made),
            DECANT_ERROR_INVALID_OPTION);
}

TEST(CBoundary, TheLastErrorIsTheThreadsOwn) {
  decant_pipeline* made = nullptr;
  ASSERT_EQ(decant_pipeline_create("[", 1, &made), DECANT_ERROR_MALFORMED);
  const std::string here = last_error();
  EXPECT_NE(here, "");
  std::thread([] {
    EXPECT_EQ(last_error(), "");
    decant_pipeline* other = nullptr;
    EXPECT_EQ(decant_pipeline_create(R"({"top_k": -1})", 13, &other), DECANT_ERROR_INVALID_OPTION);
    EXPECT_THAT(last_error(), HasSubstr("top_k"));
  }).join();
  EXPECT_EQ(last_error(), here);
  c_pipeline();  // success leaves it alone
  EXPECT_EQ(last_error(), here);
}

TEST(CBoundary, AFailureLeavesNothingStale) {
  decant_draw draw = {
      .struct_size = sizeof draw, .u = 1, .probability = 2, .survivors = 3, .token = 4};
  const CPipeline pipeline = c_pipeline();
  const std::vector<float> broken(3, std::numeric_limits<float>::quiet_NaN());
  const decant_sampling_input input = c_input(broken);
  EXPECT_EQ(decant_pipeline_sample(pipeline.get(), &input, 1, 0, 0, &draw),
            DECANT_ERROR_INVALID_LOGITS);
  EXPECT_EQ(draw.struct_size, sizeof draw);
  EXPECT_EQ(draw.u, 0);
  EXPECT_EQ(draw.survivors, 0);
  EXPECT_EQ(draw.token, 0);
  auto* made = reinterpret_cast<decant_pipeline*>(&draw);
  EXPECT_EQ(decant_pipeline_create("[", 1, &made), DECANT_ERROR_MALFORMED);
  EXPECT_EQ(made, nullptr);
}

// --- Versions of structs ---

TEST(CBoundary, AnOlderCallersInputIsReadAsFarAsItGoes) {
  // The first version might have had logits and vocab_size only: what lies behind is not its own.
  const CPipeline pipeline = c_pipeline(R"({"presence_penalty": 100})");
  const std::vector<std::int32_t> history = {1};
  decant_sampling_input input = c_input(kLogits);
  input.history = history.data();
  input.history_size = 1;
  decant_draw draw = c_draw();
  ASSERT_EQ(decant_pipeline_sample_at(pipeline.get(), &input, 0, &draw), DECANT_OK);
  EXPECT_EQ(draw.token, 2);  // 1, the largest, was penalised
  input.struct_size = offsetof(decant_sampling_input, history);
  std::memset(&input.history, 0xff, sizeof input - input.struct_size);
  ASSERT_EQ(decant_pipeline_sample_at(pipeline.get(), &input, 0, &draw), DECANT_OK);
  EXPECT_EQ(draw.token, 1);
}

TEST(CBoundary, AnOlderCallersOutputIsWrittenAsFarAsItGoes) {
  const CPipeline pipeline = c_pipeline();
  const decant_sampling_input input = c_input(kLogits);
  decant_draw draw = c_draw();
  draw.struct_size = offsetof(decant_draw, probability);
  draw.survivors = 77;
  draw.token = 78;
  ASSERT_EQ(decant_pipeline_sample_at(pipeline.get(), &input, .25, &draw), DECANT_OK);
  EXPECT_EQ(draw.struct_size, offsetof(decant_draw, probability));
  EXPECT_EQ(draw.u, .25);
  EXPECT_EQ(draw.survivors, 77);
  EXPECT_EQ(draw.token, 78);
}

TEST(CBoundary, ANewerCallerIsRefusedOnlyWhatIsNotKnown) {
  struct Newer {
    decant_sampling_input known;
    std::uint64_t added = 0;
  } newer;
  newer.known = c_input(kLogits);
  newer.known.struct_size = sizeof newer;
  const CPipeline pipeline = c_pipeline();
  struct NewerDraw {
    decant_draw known = c_draw();
    std::uint64_t added = 79;
  } draw;
  draw.known.struct_size = sizeof draw;
  EXPECT_EQ(decant_pipeline_sample_at(pipeline.get(), &newer.known, 0, &draw.known), DECANT_OK);
  EXPECT_EQ(draw.known.token, 1);
  EXPECT_EQ(draw.added, 79);
  newer.added = 1;
  EXPECT_EQ(decant_pipeline_sample_at(pipeline.get(), &newer.known, 0, &draw.known),
            DECANT_ERROR_INVALID_ARGUMENT);
  EXPECT_THAT(last_error(), HasSubstr("input has a member set that"));
}

TEST(CBoundary, AStructSizeThatNobodySetIsRefused) {
  const CPipeline pipeline = c_pipeline();
  for (const std::size_t bad : {std::size_t{0}, sizeof(decant_draw) - 1, std::size_t{1} << 40}) {
    decant_sampling_input input = c_input(kLogits);
    decant_draw draw = c_draw();
    draw.struct_size = bad;
    EXPECT_EQ(decant_pipeline_sample_at(pipeline.get(), &input, 0, &draw),
              DECANT_ERROR_INVALID_ARGUMENT);
    EXPECT_THAT(last_error(), HasSubstr("draw->struct_size is " + std::to_string(bad)));
    draw.struct_size = sizeof draw;
    input.struct_size = bad;
    EXPECT_EQ(decant_pipeline_sample_at(pipeline.get(), &input, 0, &draw),
              DECANT_ERROR_INVALID_ARGUMENT);
    EXPECT_THAT(last_error(), HasSubstr("input->struct_size is " + std::to_string(bad)));
  }
}

}  // namespace
}  // namespace decant
