#include "text.h"

#include <algorithm>

#include "decant/error.h"

namespace decant {

Text::Text(Session& session, const Tokenizer& tokenizer, Pipeline& pipeline,
           const GenerateRequest& request)
    : tokenizer_(tokenizer),
      pipeline_(pipeline),
      request_(request),
      context_(session, request.options.context),
      stream_(request.options.stop, request.options.raw),
      tokens_(request.prompt.begin(), request.prompt.end()),
      limit_(tokens_.size() + static_cast<std::size_t>(request.options.max_new_tokens)) {
  tokens_.reserve(std::min(limit_, tokens_.size() + (1 << 20)));
  if (tokens_.size() == limit_) {
    end(FinishReason::kLength);
  } else {
    feed_ = context_.feed(tokens_);
  }
}

void Text::take(Logits logits) {
  const Listener& listener = request_.listener;
  if (listener.cancelled && listener.cancelled()) {
    end(FinishReason::kCancelled);
  } else {
    draw(logits);
  }
}

void Text::draw(Logits logits) {
  const GenerateOptions& options = request_.options;
  // A model may have more rows than its tokenizer has tokens (padding): those cannot be written.
  const auto writable = logits.first(std::min(logits.size(), tokenizer_.vocab_size()));
  Draw draw;
  std::string_view bytes;
  try {
    draw = pipeline_.sample(
        writable, {.seed = options.seed, .sequence = options.sequence, .position = tokens_.size()},
        {.tokens = tokens_, .prompt_size = request_.prompt.size()});
    bytes = tokenizer_.token_bytes(draw.token);
  } catch (const Error& error) {
    made_.error = error.what();
    return end(FinishReason::kError);
  }
  if (std::ranges::find(options.stop_tokens, draw.token) != options.stop_tokens.end()) {
    return end(FinishReason::kStop);
  }
  tokens_.push_back(draw.token);
  const Listener& listener = request_.listener;
  if (listener.on_step) listener.on_step({draw, logits, bytes});
  const std::string_view certain = stream_.push(bytes);
  if (listener.on_text && !certain.empty()) listener.on_text(certain);
  if (stream_.stopped()) return end(FinishReason::kStop);
  if (tokens_.size() == limit_) return end(FinishReason::kLength);
  feed_ = context_.feed(tokens_);
  if (feed_.empty()) end(FinishReason::kLength);
}

void Text::end(FinishReason reason) {
  unfinished_ = false;
  made_.finish_reason = reason;
  made_.tokens.assign(tokens_.begin() + static_cast<std::ptrdiff_t>(request_.prompt.size()),
                      tokens_.end());
  const Listener& listener = request_.listener;
  const std::string_view rest = stream_.finish();
  if (listener.on_text && !rest.empty()) listener.on_text(rest);
  if (listener.on_finish) listener.on_finish(made_);
}

}  // namespace decant
