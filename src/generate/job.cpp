#include "job.h"

#include <algorithm>

namespace decant {
namespace {

std::size_t length_limit(std::int64_t window, const GenerateRequest& request) {
  const std::size_t prompt = request.prompt.size();
  const auto most = static_cast<std::size_t>(request.options.max_new_tokens);
  if (request.options.context != ContextPolicy::kStop) return prompt + most;
  // The last token is drawn, and no more fed.
  return std::min(prompt + most, std::max(prompt, static_cast<std::size_t>(window)) + 1);
}

}  // namespace

FinishReason failure_reason(const Error& error) {
  return error.code() == ErrorCode::kNoCandidates ? FinishReason::kNoCandidates
                                                  : FinishReason::kError;
}

Task::Task(std::int64_t window, const Tokenizer& tokenizer, Pipeline& pipeline,
           const GenerateRequest& request, Clock::time_point start)
    : tokenizer_(tokenizer),
      pipeline_(pipeline),
      request_(request),
      limit_(length_limit(window, request)),
      start_(start) {}

std::optional<FinishReason> Task::interruption() const {
  if (listener().cancelled && listener().cancelled()) return FinishReason::kCancelled;
  const auto most = options().max_time;
  if (most && Clock::now() - start_ >= *most) return FinishReason::kTime;
  return std::nullopt;
}

bool Task::is_stop_token(TokenId token) const {
  return std::ranges::find(options().stop_tokens, token) != options().stop_tokens.end();
}

}  // namespace decant
