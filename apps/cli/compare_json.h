// A comparison as JSON: all that the table and the page are made of.
#pragma once

#include "common.h"
#include "comparison.h"
#include "decant/tokenizer.h"

namespace decant::cli {

Json to_json(const Comparison& comparison, const Tokenizer& tokenizer);

}  // namespace decant::cli
