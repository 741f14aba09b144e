// Automata of strings that may be the text, or must not be in it.
#pragma once

#include <span>
#include <string>

#include "byte_automaton.h"

namespace decant {

/// Accepts every text.
ByteAutomaton any_text();

/// Accepts the texts that are one of `strings`. Throws Error (kInvalidOption) for too many.
ByteAutomaton one_of(std::span<const std::string> strings);

/// Accepts the texts in which none of `strings` occurs, found as by Aho and Corasick (1975). Throws
/// Error (kInvalidOption) for an empty string, and for too many.
ByteAutomaton none_of(std::span<const std::string> strings);

}  // namespace decant
