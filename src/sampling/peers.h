// The settings of other systems: docs/peers.md says where each of them was read.
#pragma once

#include "decant/sampling.h"

namespace decant {

/// Checks that the system named by `config.like` could be asked for this. Throws Error
/// (kInvalidOption) that names the system, and the knob and its value, where that system lacks the
/// knob, refuses the value, or has another order or rule.
void check_like(const SamplingConfig& config);

}  // namespace decant
