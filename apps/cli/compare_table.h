// A comparison for the terminal.
#pragma once

#include <string>
#include <string_view>

#include "comparison.h"

namespace decant::cli {

/// The figures, a line a strategy, at most 100 columns wide; below them the first text of each, of
/// which no more than `text_lines` lines of 100 columns.
std::string compare_table(const Comparison& comparison, std::size_t text_lines);

/// `text` in lines of at most `width` characters, broken at spaces where there are some; control
/// characters, which could move the cursor or worse, as U+FFFD.
std::vector<std::string> terminal_lines(std::string_view text, std::size_t width);

}  // namespace decant::cli
