#include "decant/generate.h"

#include <fmt/format.h>

#include <algorithm>
#include <list>
#include <optional>

#include "decant/error.h"
#include "text.h"

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

namespace {

void check(const GenerateRequest& request) {
  validate(request.options);
  if (!request.prompt.empty()) return;
  throw Error(ErrorCode::kInvalidPrompt,
              "the prompt is empty: give it at least one character, a line feed for example");
}

// A text among others.
struct Running {
  Running(std::size_t i, Session s, const Tokenizer& tokenizer, Pipeline& pipeline,
          const GenerateRequest& request)
      : index(i), session(std::move(s)), text(session, tokenizer, pipeline, request) {}

  std::size_t index;
  Session session;
  Text text;
};

// Sessions for one request after the other. Neighbours with the same prompt share the cache of all
// of it but the last token, which each of them appends itself.
class Opener {
 public:
  Opener(SessionGroup& group, std::span<const GenerateRequest> requests)
      : group_(group), requests_(requests) {}

  std::size_t next() const { return next_; }

  Session open() {
    const std::size_t index = next_++;
    if (index > 0 && same_prompt(index - 1, index)) return prompt_->fork();
    prompt_.emplace(group_);
    if (next_ == requests_.size() || !same_prompt(index, next_)) return prompt_->fork();
    const auto prompt = requests_[index].prompt;
    const auto window = static_cast<std::size_t>(prompt_->capacity());
    const bool wanted = requests_[index].options.max_new_tokens > 0;
    if (wanted && prompt.size() > 1 && prompt.size() <= window)
      prompt_->prefill(prompt.first(prompt.size() - 1));
    return prompt_->fork();
  }

 private:
  bool same_prompt(std::size_t one, std::size_t other) const {
    return std::ranges::equal(requests_[one].prompt, requests_[other].prompt);
  }

  SessionGroup& group_;
  std::span<const GenerateRequest> requests_;
  std::size_t next_ = 0;
  std::optional<Session> prompt_;  // of the request before
};

}  // namespace

Generation generate(Session& session, const Tokenizer& tokenizer, Pipeline& pipeline,
                    std::span<const TokenId> prompt, const GenerateOptions& options,
                    const Listener& listener) {
  const GenerateRequest request{prompt, options, listener};
  check(request);
  session.truncate(0);
  Text text(session, tokenizer, pipeline, request);
  while (text.unfinished()) text.take(session.prefill(text.feed()));
  return text.made();
}

std::vector<Generation> generate(SessionGroup& group, const Tokenizer& tokenizer,
                                 Pipeline& pipeline, std::span<const GenerateRequest> requests) {
  for (const GenerateRequest& request : requests) {
    check(request);
    if (request.options.max_new_tokens == 0) continue;
    const auto window = static_cast<std::size_t>(group.capacity());
    group.validate(request.prompt.last(std::min(request.prompt.size(), window)));
  }
  std::vector<Generation> made(requests.size());
  std::list<Running> running;  // whose sessions and texts stay where they are
  std::vector<SessionGroup::Part> parts;
  Opener opener(group, requests);
  for (;;) {
    while (running.size() < kMostAtOnce && opener.next() < requests.size()) {
      const std::size_t index = opener.next();
      running.emplace_back(index, opener.open(), tokenizer, pipeline, requests[index]);
    }
    std::erase_if(running, [&](Running& one) {
      if (one.text.unfinished()) return false;
      made[one.index] = one.text.made();
      return true;
    });
    if (running.empty() && opener.next() == requests.size()) return made;
    parts.clear();
    for (Running& one : running) parts.push_back({&one.session, one.text.feed()});
    if (parts.empty()) continue;
    const Logits logits = group.append(parts);
    const std::size_t vocab = logits.size() / running.size();
    std::size_t row = 0;
    for (Running& one : running) {
      one.text.take(logits.subspan(row++ * vocab, vocab));
    }
  }
}

}  // namespace decant
