// A regular expression as its automaton: refused, or one in which from each state some text is
// accepted.
#include <string>

#include "regex_automaton.h"
#include "regex_parser.h"
#include "support/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view pattern(reinterpret_cast<const char*>(data), size);
  decant::fuzz::examine(size, [&] {
    const decant::ByteAutomaton automaton = decant::regex_automaton(decant::parse_regex(pattern));
    std::array<bool, 256> all = {};
    all.fill(true);
    decant::fuzz::require(
        decant::states_that_reach_an_end(automaton, all).size() == automaton.size(),
        "no state is a dead end");
    std::size_t hash = automaton.classes;
    for (const std::int32_t next : automaton.next)
      hash = hash * 31 + static_cast<std::size_t>(next);
    for (const std::uint8_t accepts : automaton.accepts) hash = hash * 31 + accepts;
    return std::to_string(automaton.size()) + ' ' + std::to_string(hash);
  });
  return 0;
}
