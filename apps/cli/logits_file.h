// Logits that people bring along: a JSON array or a NumPy file.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace decant::cli {

/// Reads one row of logits: a JSON array of numbers, in which null is -inf, or a float32 .npy file,
/// told apart by its first bytes. `name` is how errors call it. Throws Error (kTruncated,
/// kMalformed, kUnsupported, kTooLarge); what the numbers are worth is for the pipeline to check.
std::vector<float> parse_logits(std::string_view bytes, const std::string& name);

}  // namespace decant::cli
