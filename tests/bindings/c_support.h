// C handles that end themselves, for the tests of decant.h.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "decant/decant.h"

namespace decant {

template <auto Destroy>
struct Ends {
  template <typename Handle>
  void operator()(Handle* handle) const {
    Destroy(handle);
  }
};
using CPipeline = std::unique_ptr<decant_pipeline, Ends<decant_pipeline_destroy>>;
using CTokenizer = std::unique_ptr<decant_tokenizer, Ends<decant_tokenizer_destroy>>;
using CModel = std::unique_ptr<decant_model, Ends<decant_model_destroy>>;
using CSession = std::unique_ptr<decant_session, Ends<decant_session_destroy>>;

/// 97 tokens, which are GPT-2's first 97: a byte each, but for the last three; 16 positions.
inline const std::string kSmallModel = DECANT_SOURCE_DIR "/tests/fixtures/course_plain/model.pt";

inline CPipeline c_pipeline(std::string_view settings = {}) {
  decant_pipeline* made = nullptr;
  EXPECT_EQ(decant_pipeline_create(settings.data(), settings.size(), &made), DECANT_OK)
      << decant_last_error(nullptr);
  return CPipeline(made);
}

inline CTokenizer c_gpt2() {
  decant_tokenizer* made = nullptr;
  EXPECT_EQ(decant_tokenizer_gpt2(&made), DECANT_OK);
  return CTokenizer(made);
}

inline CModel c_model(const std::string& path) {
  decant_model* made = nullptr;
  EXPECT_EQ(decant_model_open(path.data(), path.size(), nullptr, &made), DECANT_OK)
      << decant_last_error(nullptr);
  return CModel(made);
}

inline CSession c_session(const CModel& model) {
  decant_session* made = nullptr;
  EXPECT_EQ(decant_session_create(model.get(), 1, &made), DECANT_OK);
  return CSession(made);
}

inline decant_sampling_input c_input(const std::vector<float>& logits) {
  decant_sampling_input input = {};
  input.struct_size = sizeof input;
  input.logits = logits.data();
  input.vocab_size = logits.size();
  return input;
}

inline decant_trace_options c_trace_options(std::int64_t top, const double* u = nullptr,
                                            const decant_tokenizer* tokenizer = nullptr) {
  decant_trace_options options = {};
  options.struct_size = sizeof options;
  options.top = top;
  options.u = u;
  options.tokenizer = tokenizer;
  return options;
}

inline decant_draw c_draw() {
  decant_draw draw = {};
  draw.struct_size = sizeof draw;
  return draw;
}

/// Takes an owned text.
inline std::string take(char* text, std::size_t size) {
  const std::unique_ptr<char, Ends<decant_free>> owned(text);
  return {text, size};
}

inline std::string last_error() { return decant_last_error(nullptr); }

}  // namespace decant
