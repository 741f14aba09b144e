// What the command line asks of the text: its tokens, its strings, a regular expression.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <span>

#include "common.h"
#include "decant/constraint.h"

namespace decant::cli {

class ConstraintArgs {
 public:
  ConstraintArgs() = default;
  ConstraintArgs(const ConstraintArgs&) = delete;  // the command line writes into this one
  ConstraintArgs& operator=(const ConstraintArgs&) = delete;

  void add_to(CLI::App& command);

  bool empty() const { return options_.empty(); }

  /// None where nothing was asked. Throws Error (kInvalidOption).
  std::optional<Constraint> make(const Tokenizer& tokenizer,
                                 std::span<const TokenId> end_tokens) const;

  Json to_json() const;

 private:
  ConstraintOptions options_;
};

}  // namespace decant::cli
