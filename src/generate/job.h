// One request in the making, by whatever strategy: what lies between two steps of the model.
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <vector>

#include "decant/error.h"
#include "decant/generate.h"

namespace decant {

/// What a group's append() made: logits (R, V) and the hidden states (R, C) behind them.
class Rows {
 public:
  Rows(Logits logits, std::span<const float> hidden, std::size_t count)
      : logits_(logits), hidden_(hidden), count_(count) {}

  std::size_t count() const { return count_; }
  Logits logits(std::size_t row) const {
    const std::size_t vocab = logits_.size() / count_;
    return logits_.subspan(row * vocab, vocab);
  }
  std::span<const float> hidden(std::size_t row) const {
    const std::size_t width = hidden_.size() / count_;
    return hidden_.subspan(row * width, width);
  }
  Rows range(std::size_t first, std::size_t count) const {
    const std::size_t vocab = logits_.size() / count_;
    const std::size_t width = hidden_.size() / count_;
    return {logits_.subspan(first * vocab, count * vocab),
            hidden_.subspan(first * width, count * width), count};
  }

 private:
  Logits logits_;
  std::span<const float> hidden_;
  std::size_t count_;  // R
};

/// How a text ends in which sampling threw this.
FinishReason failure_reason(const Error& error);

/// A request, and what every strategy asks about it. What it refers to must outlive it.
class Task {
 public:
  using Clock = std::chrono::steady_clock;

  /// `window` is how many tokens the model sees, `start` when max_time begins.
  Task(std::int64_t window, const Tokenizer& tokenizer, Pipeline& pipeline,
       const GenerateRequest& request, Clock::time_point start = Clock::now());

  const Tokenizer& tokenizer() const { return tokenizer_; }
  Pipeline& pipeline() const { return pipeline_; }
  std::span<const TokenId> prompt() const { return request_.prompt; }
  const GenerateOptions& options() const { return request_.options; }
  const Listener& listener() const { return request_.listener; }

  /// Tokens that prompt and text may become: max_new_tokens of text, and under
  /// ContextPolicy::kStop one more than the window holds.
  std::size_t limit() const { return limit_; }

  /// Why the text has to end now, whatever it is.
  std::optional<FinishReason> interruption() const;

  bool is_stop_token(TokenId token) const;

  /// The logits of what can be written: a model may have more rows than its tokenizer has tokens
  /// (padding).
  Logits writable(Logits logits) const {
    return logits.first(std::min(logits.size(), tokenizer_.vocab_size()));
  }

  /// Of the token behind `text`, prompt and all.
  DrawAddress address(std::span<const TokenId> text) const {
    return {options().seed, options().sequence, text.size()};
  }

  /// What the pipeline is to know about `text`, prompt and all.
  History history(std::span<const TokenId> text, const TokenMask* allowed = nullptr) const {
    return {.tokens = text, .prompt_size = prompt().size(), .allowed = allowed};
  }

 private:
  const Tokenizer& tokenizer_;
  Pipeline& pipeline_;
  const GenerateRequest& request_;
  std::size_t limit_;
  Clock::time_point start_;
};

/// The model's part is the caller's:
///
///     while (job.unfinished()) {
///       parts.clear();
///       job.feed(parts);
///       job.take(what a group made of the parts);
///     }
class Job {
 public:
  Job() = default;
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;
  virtual ~Job() = default;

  virtual bool unfinished() const = 0;

  /// Adds what is to be appended to the job's sessions: at least one part, while unfinished.
  virtual void feed(std::vector<SessionGroup::Part>& parts) = 0;

  virtual void take(const Rows& rows) = 0;

  /// What became of it, once it is finished.
  virtual const Generation& made() const = 0;
};

}  // namespace decant
