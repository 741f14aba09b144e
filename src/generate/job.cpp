#include "job.h"

#include <algorithm>

namespace decant {
namespace {

std::size_t length_limit(const SessionGroup& group, const GenerateRequest& request) {
  const std::size_t prompt = request.prompt.size();
  const auto most = static_cast<std::size_t>(request.options.max_new_tokens);
  if (request.options.context != ContextPolicy::kStop) return prompt + most;
  // The last token is drawn, and no more fed.
  const auto window = static_cast<std::size_t>(group.capacity()) + 1;
  return std::min(prompt + most, std::max(prompt + 1, window));
}

}  // namespace

Task::Task(const SessionGroup& group, const Tokenizer& tokenizer, Pipeline& pipeline,
           const GenerateRequest& request)
    : tokenizer_(tokenizer),
      pipeline_(pipeline),
      request_(request),
      limit_(length_limit(group, request)) {}

std::optional<FinishReason> Task::interruption() const {
  if (listener().cancelled && listener().cancelled()) return FinishReason::kCancelled;
  const auto most = options().max_time;
  if (most && std::chrono::steady_clock::now() - start_ >= *most) return FinishReason::kTime;
  return std::nullopt;
}

bool Task::is_stop_token(TokenId token) const {
  return std::ranges::find(options().stop_tokens, token) != options().stop_tokens.end();
}

}  // namespace decant
