// What explain and reshape share: which settings, how much of a step to show, and how.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common.h"
#include "decant/sampling.h"
#include "sampling_options.h"
#include "trace_svg.h"

namespace decant::cli {

/// One step to be shown.
struct ShownStep {
  Logits logits = {};
  History history = {};
  std::uint64_t position = 0;  ///< of the token to be drawn
  TokenText text = {};         ///< empty where only ids are known
  Json json = Json::object();  ///< what --json says first
};

class TraceView {
 public:
  explicit TraceView(SamplingConfig defaults) : sampling_(std::move(defaults)) {}

  void add_to(CLI::App& command);

  /// Before a model is loaded for it: are these options ones that show() can use? Throws Error
  /// (kInvalidOption).
  void check() const;

  /// And once the tokenizer is known, do they name its tokens? Throws Error (kInvalidOption).
  void check(const Tokenizer& tokenizer) const { check_tokens(sampling_.config(), tokenizer); }

  /// Prints the step, and draws it into the file that --svg names. Throws what Pipeline::trace()
  /// throws, Error (kIo).
  void show(const ShownStep& step) const;

 private:
  void show_one(const ShownStep& step, std::optional<double> u) const;
  void show_strategies(const ShownStep& step, std::optional<double> u) const;

  SamplingOptions sampling_;
  std::int64_t top_ = 10;
  const CLI::Option* top_option_ = nullptr;
  bool strategies_ = false;
  bool json_ = false;
  std::optional<std::string> svg_;
};

}  // namespace decant::cli
