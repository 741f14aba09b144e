// A comparison as a page: the figures, and all texts side by side.
#pragma once

#include <string>

#include "comparison.h"
#include "decant/tokenizer.h"

namespace decant::cli {

/// One HTML document that asks nobody for anything: no script, no font, no picture from elsewhere.
std::string compare_html(const Comparison& comparison, const Tokenizer& tokenizer);

}  // namespace decant::cli
