// A token's report as the JSON that every command writes.
#pragma once

#include "common.h"
#include "decant/logprobs.h"
#include "decant/tokenizer.h"

namespace decant::cli {

/// {"token", "text", "logprob", "rank", "entropy"}, with "after" where stages act, -inf being null,
/// and "top" where top tokens were asked for. Of a stage that stands twice, the second is seen.
Json to_json(const TokenReport& report, const Tokenizer& tokenizer);

}  // namespace decant::cli
