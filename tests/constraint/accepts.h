// Whether an automaton accepts a text as a whole.
#pragma once

#include <string_view>

#include "byte_automaton.h"

namespace decant {

inline bool accepts(const ByteAutomaton& automaton, std::string_view text) {
  if (automaton.size() == 0) return false;
  const std::int32_t end = automaton.walk(0, text);
  return end != ByteAutomaton::kDead && automaton.accepts[static_cast<std::size_t>(end)] != 0;
}

}  // namespace decant
