// Settings and traces as JSON, for everything that shows, stores or sends them.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "decant/sampling.h"
#include "decant/trace.h"

namespace decant {

/// Every effective value, stage order included: an object with SamplingConfig's names. A bias of
/// -inf is null.
std::string to_json(const SamplingConfig& config);

/// The reverse: absent members keep the values of `base` (or, with "like", of that peer). Throws
/// Error (kMalformed) for what is not JSON, Error (kInvalidOption) for an unknown member or a value
/// of the wrong type; ranges are for Pipeline to check.
SamplingConfig config_from_json(std::string_view json, const SamplingConfig& base = {});

/// A trace: an object with the structs' names; a candidate's "removed_by" is the stage's name, and
/// -inf is null. `text` gives a token's bytes, to be shown with it (U+FFFD for what is not UTF-8);
/// empty to leave texts out.
std::string to_json(const Trace& trace, const std::function<std::string(TokenId)>& text = {});

}  // namespace decant
