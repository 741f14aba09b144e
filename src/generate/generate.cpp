#include "decant/generate.h"

#include <fmt/format.h>

#include <algorithm>

#include "context.h"
#include "decant/error.h"
#include "stream.h"

namespace decant {

void validate(const GenerateOptions& options) {
  if (options.max_new_tokens < 0) {
    throw Error(ErrorCode::kInvalidOption,
                fmt::format("max_new_tokens is {}: it must be 0 or more", options.max_new_tokens));
  }
  if (std::ranges::any_of(options.stop, &std::string::empty)) {
    throw Error(ErrorCode::kInvalidOption, "stop: a stop string must not be empty");
  }
}

std::string_view finish_reason_name(FinishReason reason) {
  switch (reason) {
    case FinishReason::kLength:
      return "length";
    case FinishReason::kStop:
      return "stop";
    case FinishReason::kCancelled:
      return "cancelled";
    case FinishReason::kError:
      break;
  }
  return "error";
}

Generation generate(Session& session, const Tokenizer& tokenizer, Pipeline& pipeline,
                    std::span<const TokenId> prompt, const GenerateOptions& options,
                    const Listener& listener) {
  validate(options);
  if (prompt.empty()) {
    throw Error(ErrorCode::kInvalidPrompt,
                "the prompt is empty: give it at least one character, a line feed for example");
  }
  Stream stream(options.stop, options.raw);
  const auto show = [&listener](std::string_view text) {
    if (listener.on_text && !text.empty()) listener.on_text(text);
  };
  const auto is_stop = [&options](TokenId token) {
    return std::ranges::find(options.stop_tokens, token) != options.stop_tokens.end();
  };
  // A model may have more rows than its tokenizer has tokens (padding): those cannot be written.
  const auto writable = [&tokenizer](Logits all) {
    return all.first(std::min(all.size(), tokenizer.vocab_size()));
  };

  std::vector<TokenId> tokens(prompt.begin(), prompt.end());
  const auto limit = prompt.size() + static_cast<std::size_t>(options.max_new_tokens);
  tokens.reserve(std::min(limit, prompt.size() + (1 << 20)));
  Context context(session, options.context);

  Generation made;
  if (tokens.size() == limit) return made;
  std::optional<Logits> logits = context.prefill(tokens);
  for (;;) {
    if (listener.cancelled && listener.cancelled()) {
      made.finish_reason = FinishReason::kCancelled;
      break;
    }
    Draw draw;
    std::string_view bytes;
    try {
      draw = pipeline.sample(
          writable(*logits),
          {.seed = options.seed, .sequence = options.sequence, .position = tokens.size()},
          {.tokens = tokens, .prompt_size = prompt.size()});
      bytes = tokenizer.token_bytes(draw.token);
    } catch (const Error& error) {
      made.finish_reason = FinishReason::kError;
      made.error = error.what();
      break;
    }
    if (is_stop(draw.token)) {
      made.finish_reason = FinishReason::kStop;
      break;
    }
    tokens.push_back(draw.token);
    if (listener.on_step) listener.on_step({draw, *logits, bytes});
    show(stream.push(bytes));
    if (stream.stopped()) {
      made.finish_reason = FinishReason::kStop;
      break;
    }
    if (tokens.size() == limit) break;
    logits = context.step(tokens);
    if (!logits) break;
  }
  show(stream.finish());
  made.tokens.assign(tokens.begin() + static_cast<std::ptrdiff_t>(prompt.size()), tokens.end());
  return made;
}

}  // namespace decant
