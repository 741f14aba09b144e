#include "next_tokens.h"

namespace decant {

NextTokens::NextTokens(const Task& task) : task_(&task) {
  if (const Constraint* constraint = task.options().constraint) state_ = constraint->start();
}

const TokenMask* NextTokens::allowed() {
  const GenerateOptions& options = task_->options();
  const TokenMask* mask = nullptr;
  if (options.constraint != nullptr) mask = &options.constraint->allowed(state_);
  if (made_ >= options.min_new_tokens) return mask;
  const std::size_t vocab_size = task_->tokenizer().vocab_size();
  if (mask != nullptr) {
    mask_ = *mask;
  } else if (mask_.vocab_size() == 0) {
    mask_ = TokenMask(vocab_size);
    for (std::size_t i = 0; i < vocab_size; ++i) mask_.insert(static_cast<TokenId>(i));
  }
  for (const TokenId token : options.stop_tokens) mask_.erase(token);
  return &mask_;
}

void NextTokens::add(TokenId token) {
  ++made_;
  if (const Constraint* constraint = task_->options().constraint) {
    state_ = constraint->next(state_, token);
  }
}

bool NextTokens::must_end() const {
  const Constraint* constraint = task_->options().constraint;
  return constraint != nullptr && constraint->must_end(state_);
}

}  // namespace decant
