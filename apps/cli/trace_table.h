// Traces as tables and bars for a terminal of 80 columns.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "decant/sampling.h"
#include "decant/trace.h"
#include "trace_svg.h"

namespace decant::cli {

struct TableStyle {
  std::int64_t top = 10;  ///< how many tokens get a row; the others are summed in one
  bool ansi = false;      ///< dims what was removed, for terminals
};

/// What the stages of `config` did to one step's distribution: a line a stage, the tokens with
/// their probabilities before and after, and the draw. `text` may be empty.
std::string trace_table(const Trace& trace, const SamplingConfig& config, const TableStyle& style,
                        const TokenText& text);

/// A line a strategy, all over the same logits.
std::string strategies_table(std::span<const NamedTrace> strategies, const TableStyle& style,
                             const TokenText& text);

}  // namespace decant::cli
