#include "decant/generate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "c_support.h"
#include "decant/json.h"

namespace decant {
namespace {

using testing::HasSubstr;

struct Made {
  decant_status status = DECANT_OK;
  std::vector<TokenId> tokens;
  std::int32_t finish_reason = 0;
  std::string text;
};

class CGenerate : public testing::Test {
 protected:
  CGenerate() {
    options_.struct_size = sizeof options_;
    options_.max_new_tokens = 40;  // well beyond the 16 positions
    options_.seed = 3;
    options_.user = &made_;
    options_.on_text = [](void* user, const char* text, std::size_t size) {
      static_cast<Made*>(user)->text.append(text, size);
    };
  }

  Made run(const std::string& settings = {}) {
    const CPipeline pipeline = c_pipeline(settings);
    decant_generation generation = {};
    generation.struct_size = sizeof generation;
    made_ = {};
    made_.status = decant_generate(session_.get(), tokenizer_.get(), pipeline.get(), prompt_.data(),
                                   prompt_.size(), &options_, &generation);
    const std::unique_ptr<std::int32_t, Ends<decant_free>> owned(generation.tokens);
    made_.tokens.assign(generation.tokens, generation.tokens + generation.token_count);
    made_.finish_reason = generation.finish_reason;
    return made_;
  }

  // The same by the C++ interface.
  Made cpp(const std::string& settings, const GenerateOptions& options) {
    const Model model(Checkpoint::open(kSmallModel));
    Session session(model, 1);
    Pipeline pipeline(config_from_json(settings));
    Made made;
    const Generation generation =
        generate(session, Tokenizer::gpt2(), pipeline, prompt_, options,
                 {.on_text = [&](std::string_view text) { made.text += text; }});
    made.tokens = generation.tokens;
    made.finish_reason = static_cast<std::int32_t>(generation.finish_reason);
    return made;
  }

  std::vector<TokenId> prompt_ = {20, 30, 40};
  CTokenizer tokenizer_ = c_gpt2();
  CSession session_ = c_session(c_model(kSmallModel));
  decant_generate_options options_ = {};
  Made made_;
};

void expect_same(const Made& c, const Made& cpp) {
  EXPECT_EQ(c.status, DECANT_OK);
  EXPECT_EQ(c.tokens, cpp.tokens);
  EXPECT_EQ(c.text, cpp.text);
  EXPECT_EQ(c.finish_reason, cpp.finish_reason);
}

TEST_F(CGenerate, TextIsThatOfTheCppInterface) {
  const std::string settings = R"({"temperature": 0.9, "top_p": 0.95, "presence_penalty": 0.5})";
  for (const auto context : {ContextPolicy::kCrop, ContextPolicy::kSlide, ContextPolicy::kStop}) {
    options_.context = static_cast<std::int32_t>(context);
    const Made expected = cpp(settings, {.max_new_tokens = 40, .context = context, .seed = 3});
    expect_same(run(settings), expected);
    EXPECT_EQ(expected.tokens.size(), context == ContextPolicy::kStop ? 14 : 40);
  }
  options_.sequence = 9;
  options_.raw = 1;
  options_.context = DECANT_CONTEXT_CROP;
  expect_same(run(settings),
              cpp(settings, {.max_new_tokens = 40, .seed = 3, .sequence = 9, .raw = true}));
}

TEST_F(CGenerate, StopsAtStringsAndTokens) {
  const Made whole = run("{}");
  ASSERT_EQ(whole.tokens.size(), 40);

  const std::string text = whole.text.substr(10, 3);
  const char* stop[] = {"never ever", text.data()};
  const std::size_t sizes[] = {10, text.size()};
  options_.stop = stop;
  options_.stop_sizes = sizes;
  options_.stop_count = 2;
  const Made at_string = run("{}");
  EXPECT_EQ(at_string.finish_reason, DECANT_FINISH_STOP);
  EXPECT_EQ(at_string.text, whole.text.substr(0, whole.text.find(text)));

  options_.stop_count = 0;
  const std::int32_t last[] = {whole.tokens[20]};
  options_.stop_tokens = last;
  options_.stop_token_count = 1;
  const Made at_token = run("{}");
  EXPECT_EQ(at_token.finish_reason, DECANT_FINISH_STOP);
  const auto end = std::ranges::find(whole.tokens, last[0]);
  EXPECT_EQ(at_token.tokens, std::vector<TokenId>(whole.tokens.begin(), end));
}

TEST_F(CGenerate, IsCancelledBeforeTheNextToken) {
  options_.cancelled = [](void* user) {
    return std::int32_t{static_cast<Made*>(user)->text.size() >= 5};
  };
  const Made made = run();
  EXPECT_EQ(made.status, DECANT_OK);
  EXPECT_EQ(made.finish_reason, DECANT_FINISH_CANCELLED);
  EXPECT_EQ(made.text.size(), 5);  // tokens of one byte
}

TEST_F(CGenerate, NeedsNoCallbacks) {
  const Made heard = run();
  options_.on_text = nullptr;
  const Made silent = run();
  EXPECT_EQ(silent.tokens, heard.tokens);
  EXPECT_EQ(silent.text, "");
}

TEST_F(CGenerate, AnExceptionOutOfACallbackEndsHere) {
  options_.on_text = [](void*, const char*, std::size_t) { throw std::runtime_error("my disk"); };
  EXPECT_EQ(run().status, DECANT_ERROR_INTERNAL);
  EXPECT_EQ(last_error(), "my disk");
  options_.on_text = [](void*, const char*, std::size_t) { throw 5; };
  EXPECT_EQ(run().status, DECANT_ERROR_INTERNAL);
  EXPECT_THAT(last_error(), HasSubstr("unknown type"));
}

TEST_F(CGenerate, TroubleInMidTextKeepsWhatWasMade) {
  // Of 97 tokens, each is allowed once: then none is left.
  options_.max_new_tokens = 200;
  const Made made = run(R"({"no_repeat_ngram_size": 1})");
  EXPECT_EQ(made.status, DECANT_OK);
  EXPECT_EQ(made.finish_reason, DECANT_FINISH_ERROR);
  EXPECT_EQ(made.tokens.size(), 97 - prompt_.size());
  EXPECT_THAT(last_error(), HasSubstr("no_repeat_ngram"));
}

TEST_F(CGenerate, RefusesBadOptions) {
  options_.context = 3;
  EXPECT_EQ(run().status, DECANT_ERROR_INVALID_ARGUMENT);
  EXPECT_THAT(last_error(), HasSubstr("options->context is 3"));
  options_.context = 0;
  options_.max_new_tokens = -1;
  EXPECT_EQ(run().status, DECANT_ERROR_INVALID_OPTION);
  EXPECT_THAT(last_error(), HasSubstr("max_new_tokens"));
  options_.max_new_tokens = 1;
  options_.stop_count = 1;
  EXPECT_EQ(run().status, DECANT_ERROR_INVALID_ARGUMENT);  // stop is NULL
  options_.stop_count = 0;
  prompt_ = {};
  EXPECT_EQ(run().status, DECANT_ERROR_INVALID_PROMPT);
  prompt_ = {97};
  EXPECT_EQ(run().status, DECANT_ERROR_INVALID_TOKEN);
}

}  // namespace
}  // namespace decant
