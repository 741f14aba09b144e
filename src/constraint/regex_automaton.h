// From a regular expression to its automaton.
#pragma once

#include "byte_automaton.h"
#include "regex_parser.h"

namespace decant {

/// Accepts the texts that match as a whole, in UTF-8. Takes bounded time and memory, whatever the
/// expression: throws Error (kInvalidOption) where it needs more.
ByteAutomaton regex_automaton(const Regex& regex);

}  // namespace decant
