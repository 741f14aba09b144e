// The strategies that `decant compare` sets side by side, in the words of `decant generate`.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common.h"
#include "decant/generate.h"
#include "decant/sampling.h"

namespace decant::cli {

/// One of them, parsed and validated.
class ListedStrategy {
 public:
  /// `entry` is generate's options, with a name and a colon before them or without:
  /// "calm: --temperature 0.5". What is not typed is as at generate. Throws Error (kInvalidOption)
  /// that says which entry it is.
  explicit ListedStrategy(const std::string& entry);
  ListedStrategy(ListedStrategy&&) noexcept;
  ListedStrategy& operator=(ListedStrategy&&) noexcept;
  ~ListedStrategy();

  const std::string& name() const { return name_; }
  const std::string& words() const { return words_; }
  const SamplingConfig& sampling() const { return sampling_; }
  const Strategy& strategy() const { return strategy_; }
  /// Whether luck has no say, so that all texts are the same.
  bool deterministic() const;

  /// Opens the model that it guesses with, if there is one, which lives as long as this. Throws
  /// Error, also for tokens that `tokenizer` does not have.
  void open(const ModelArgs& model, const Tokenizer& tokenizer);

 private:
  struct Parser;

  std::string name_;
  std::string words_;
  SamplingConfig sampling_;
  Strategy strategy_;
  std::unique_ptr<Parser> parser_;
};

/// What is compared where nobody lists strategies: greedy, the chapter's four settings, top-p and
/// min-p alone, five beams, contrastive search.
std::vector<std::string> default_strategies();

}  // namespace decant::cli
