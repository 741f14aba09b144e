#include "decant/generate.h"

#include "boundary.h"
#include "handles.h"

namespace decant::c {
namespace {

ContextPolicy context_policy(std::int32_t context) {
  switch (context) {
    case DECANT_CONTEXT_CROP:
      return ContextPolicy::kCrop;
    case DECANT_CONTEXT_SLIDE:
      return ContextPolicy::kSlide;
    case DECANT_CONTEXT_STOP:
      return ContextPolicy::kStop;
    default:
      throw BadCall{"options->context is " + std::to_string(context) +
                    ": it must be one of DECANT_CONTEXT_..."};
  }
}

std::int32_t to_c(FinishReason reason) {
  switch (reason) {
    case FinishReason::kLength:
      return DECANT_FINISH_LENGTH;
    case FinishReason::kStop:
      return DECANT_FINISH_STOP;
    case FinishReason::kCancelled:
      return DECANT_FINISH_CANCELLED;
    case FinishReason::kTime:  // max_time is none of this interface's options
    case FinishReason::kNoCandidates:
    case FinishReason::kError:
      break;
  }
  return DECANT_FINISH_ERROR;
}

GenerateOptions from_c(const decant_generate_options& given) {
  GenerateOptions options{.max_new_tokens = given.max_new_tokens,
                          .context = context_policy(given.context),
                          .seed = given.seed,
                          .sequence = given.sequence,
                          .raw = given.raw != 0};
  const auto stop = array(given.stop, given.stop_count, "options->stop");
  const auto sizes = array(given.stop_sizes, given.stop_count, "options->stop_sizes");
  for (std::size_t i = 0; i < stop.size(); ++i) {
    options.stop.emplace_back(text(stop[i], sizes[i], "one of options->stop"));
  }
  const auto tokens = array(given.stop_tokens, given.stop_token_count, "options->stop_tokens");
  options.stop_tokens.assign(tokens.begin(), tokens.end());
  return options;
}

Listener listener(const decant_generate_options& given) {
  Listener listener;
  if (given.on_text != nullptr) {
    listener.on_text = [&given](std::string_view text) {
      given.on_text(given.user, text.data(), text.size());
    };
  }
  if (given.cancelled != nullptr) {
    listener.cancelled = [&given] { return given.cancelled(given.user) != 0; };
  }
  return listener;
}

}  // namespace
}  // namespace decant::c

using namespace decant::c;

extern "C" decant_status decant_generate(decant_session* session, const decant_tokenizer* tokenizer,
                                         decant_pipeline* pipeline, const int32_t* prompt,
                                         size_t prompt_size, const decant_generate_options* options,
                                         decant_generation* generation) noexcept {
  return guarded([&] {
    const OutputStruct out(generation, "generation");
    const auto given = read_struct(options, "options");
    const decant::Generation made =
        decant::generate(need(session, "session").session, need(tokenizer, "tokenizer").tokenizer,
                         need(pipeline, "pipeline").pipeline, array(prompt, prompt_size, "prompt"),
                         from_c(given), listener(given));
    decant_generation result{.struct_size = sizeof(decant_generation),
                             .tokens = nullptr,
                             .token_count = 0,
                             .finish_reason = to_c(made.finish_reason)};
    give(made.tokens, result.tokens, result.token_count);
    out.write(result);
    if (result.finish_reason == DECANT_FINISH_ERROR) set_last_error(made.error);
  });
}
