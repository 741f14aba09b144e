#include "byte_automaton.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>

#include "decant/error.h"

namespace decant {

std::int32_t ByteAutomaton::walk(std::int32_t state, std::string_view bytes) const {
  for (std::size_t i = 0; i < bytes.size() && state != kDead; ++i) state = step(state, bytes[i]);
  return state;
}

void ByteAutomaton::require_room(std::string_view culprit) const {
  const std::size_t most = std::min(kMostStates, kMostEntries / classes);
  if (size() < most) return;
  throw Error(ErrorCode::kInvalidOption,
              fmt::format("{}: the automaton needs more than {} states; take smaller counts, or "
                          "fewer and shorter strings",
                          culprit, most));
}

std::int32_t ByteAutomaton::add_state(bool accepting) {
  next.insert(next.end(), classes, kDead);
  accepts.push_back(accepting ? 1 : 0);
  return static_cast<std::int32_t>(accepts.size() - 1);
}

void set_classes(ByteAutomaton& automaton, const std::array<bool, 256>& marked) {
  std::uint8_t count = 0;
  for (std::size_t byte = 0; byte < 256; ++byte) {
    if (marked[byte]) automaton.byte_class[byte] = count++;
  }
  automaton.classes = count;
  // All 256 of them are marked where the count has come back to 0.
  if (count == 0 && marked[0]) {
    automaton.classes = 256;
    return;
  }
  for (std::size_t byte = 0; byte < 256; ++byte) {
    if (!marked[byte]) automaton.byte_class[byte] = count;
  }
  ++automaton.classes;
}

std::vector<std::int32_t> states_that_reach_an_end(const ByteAutomaton& automaton,
                                                   const std::array<bool, 256>& usable) {
  std::vector<std::uint8_t> usable_class(automaton.classes);
  for (std::size_t byte = 0; byte < 256; ++byte) {
    if (usable[byte]) usable_class[automaton.byte_class[byte]] = 1;
  }
  // The ways into each state, one state behind the other.
  std::vector<std::size_t> end(automaton.size() + 1);
  const auto for_each_way = [&](const auto& visit) {
    for (std::size_t i = 0; i < automaton.next.size(); ++i) {
      const std::int32_t to = automaton.next[i];
      if (to != ByteAutomaton::kDead && usable_class[i % automaton.classes] != 0) {
        visit(i / automaton.classes, static_cast<std::size_t>(to));
      }
    }
  };
  for_each_way([&](std::size_t, std::size_t to) { ++end[to + 1]; });
  for (std::size_t s = 1; s < end.size(); ++s) end[s] += end[s - 1];
  std::vector<std::int32_t> from(end.back());
  std::vector<std::size_t> fill(end.begin(), end.end() - 1);
  for_each_way([&](std::size_t state, std::size_t to) {
    from[fill[to]++] = static_cast<std::int32_t>(state);
  });

  std::vector<std::int32_t> reached;
  std::vector<std::uint8_t> seen = automaton.accepts;
  for (std::size_t s = 0; s < automaton.size(); ++s) {
    if (seen[s] != 0) reached.push_back(static_cast<std::int32_t>(s));
  }
  for (std::size_t i = 0; i < reached.size(); ++i) {
    const auto to = static_cast<std::size_t>(reached[i]);
    for (std::size_t way = end[to]; way < end[to + 1]; ++way) {
      std::uint8_t& known = seen[static_cast<std::size_t>(from[way])];
      if (known == 0) reached.push_back(from[way]);
      known = 1;
    }
  }
  return reached;
}

ByteAutomaton trimmed(const ByteAutomaton& automaton) {
  std::array<bool, 256> all = {};
  all.fill(true);
  std::vector<std::uint8_t> useful(automaton.size());
  for (const std::int32_t state : states_that_reach_an_end(automaton, all)) {
    useful[static_cast<std::size_t>(state)] = 1;
  }
  ByteAutomaton result{.byte_class = automaton.byte_class, .classes = automaton.classes};
  if (useful.empty() || useful[0] == 0) return result;
  std::vector<std::int32_t> number(automaton.size(), ByteAutomaton::kDead);
  std::vector<std::size_t> order;
  const auto visit = [&](std::size_t state) {
    if (number[state] == ByteAutomaton::kDead) {
      number[state] = result.add_state(automaton.accepts[state] != 0);
      order.push_back(state);
    }
    return number[state];
  };
  visit(0);
  for (std::size_t i = 0; i < order.size(); ++i) {
    for (std::size_t c = 0; c < automaton.classes; ++c) {
      const std::int32_t to = automaton.next[order[i] * automaton.classes + c];
      if (to == ByteAutomaton::kDead || useful[static_cast<std::size_t>(to)] == 0) continue;
      const std::int32_t next = visit(static_cast<std::size_t>(to));
      result.next[i * automaton.classes + c] = next;
    }
  }
  return result;
}

ByteAutomaton intersection(const ByteAutomaton& a, const ByteAutomaton& b,
                           std::string_view culprit) {
  ByteAutomaton result;
  if (a.size() == 0 || b.size() == 0) return result;
  using Pair = std::pair<std::int32_t, std::int32_t>;
  std::map<std::pair<std::uint8_t, std::uint8_t>, std::uint8_t> classes;
  std::vector<std::pair<std::uint8_t, std::uint8_t>> parts;  // by class
  for (std::size_t byte = 0; byte < 256; ++byte) {
    const std::pair both(a.byte_class[byte], b.byte_class[byte]);
    const auto [known, added] = classes.try_emplace(both, static_cast<std::uint8_t>(parts.size()));
    if (added) parts.push_back(both);
    result.byte_class[byte] = known->second;
  }
  result.classes = parts.size();

  std::unordered_map<std::uint64_t, std::int32_t> number;
  std::vector<Pair> states;
  const auto visit = [&](const Pair& pair) {
    const auto key =
        static_cast<std::uint64_t>(pair.first) << 32 | static_cast<std::uint64_t>(pair.second);
    const auto [known, added] = number.try_emplace(key, static_cast<std::int32_t>(states.size()));
    if (added) {
      result.require_room(culprit);
      states.push_back(pair);
      result.add_state(a.accepts[static_cast<std::size_t>(pair.first)] != 0 &&
                       b.accepts[static_cast<std::size_t>(pair.second)] != 0);
    }
    return known->second;
  };
  visit({0, 0});
  for (std::size_t i = 0; i < states.size(); ++i) {
    const auto [from_a, from_b] = states[i];
    for (std::size_t c = 0; c < parts.size(); ++c) {
      const std::int32_t to_a =
          a.next[static_cast<std::size_t>(from_a) * a.classes + parts[c].first];
      const std::int32_t to_b =
          b.next[static_cast<std::size_t>(from_b) * b.classes + parts[c].second];
      if (to_a == ByteAutomaton::kDead || to_b == ByteAutomaton::kDead) continue;
      const std::int32_t next = visit({to_a, to_b});
      result.next[i * result.classes + c] = next;
    }
  }
  return trimmed(result);
}

}  // namespace decant
