// Which strategy the command line asks for: beams, contrastive search, guesses, or plain sampling.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common.h"
#include "decant/generate.h"
#include "sampling_options.h"

namespace decant::cli {

class StrategyOptions {
 public:
  StrategyOptions() = default;
  StrategyOptions(const StrategyOptions&) = delete;  // the command line writes into this one
  StrategyOptions& operator=(const StrategyOptions&) = delete;

  void add_to(CLI::App& command);

  bool beams() const { return typed(num_beams_); }
  /// Whether tokens are drawn, so that a seed and the filters act.
  bool draws() const { return beams() ? beams_.do_sample : !typed(penalty_alpha_); }

  /// The strategy, without a draft model. Throws Error (kInvalidOption) for options that contradict
  /// each other, or do nothing.
  Strategy strategy(const SamplingOptions& sampling, std::uint64_t num_return_sequences) const;

  /// The settings of the pipeline. The defaults of `sampling`, and what --like has for a draw,
  /// are off where no token is drawn.
  SamplingConfig sampling_config(const SamplingOptions& sampling) const;

  /// Opens the draft model, if there is one, for a strategy to guess with. It lives as long as
  /// this.
  void open_draft(const ModelArgs& model, Strategy& strategy);

 private:
  static bool typed(const CLI::Option* option) { return option->count() > 0; }
  BeamSearch beams_;
  ContrastiveSearch contrastive_;
  Speculation speculation_;
  std::string early_stopping_ = "false";
  std::optional<std::string> draft_path_;
  struct Draft;
  std::shared_ptr<Draft> draft_;

  const CLI::Option* num_beams_ = nullptr;
  std::vector<const CLI::Option*> of_beams_;
  const CLI::Option* penalty_alpha_ = nullptr;
  const CLI::Option* lookup_ = nullptr;
  const CLI::Option* draft_model_ = nullptr;
  const CLI::Option* draft_tokens_ = nullptr;
};

/// Which strategy it is, and its options.
Json to_json(const Strategy& strategy);

}  // namespace decant::cli
