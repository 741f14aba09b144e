// Deterministic automata over bytes: each says of a text whether it is in some set, and of each
// prefix whether it can still become one that is.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace decant {

/// States are numbered, the start is 0. Bytes that no state tells apart share a class.
///
/// Whoever makes one trims it: from each state some text leads to one that accepts. One without
/// states accepts nothing, not even the empty text.
struct ByteAutomaton {
  static constexpr std::int32_t kDead = -1;
  /// The bounds of states, and of entries of the table, which has a column for each class.
  static constexpr std::size_t kMostStates = 32768;
  static constexpr std::size_t kMostEntries = std::size_t{1} << 21;

  std::array<std::uint8_t, 256> byte_class = {};
  std::size_t classes = 1;
  std::vector<std::int32_t> next = {};  // (states, classes): kDead, or the state that follows
  std::vector<std::uint8_t> accepts = {};

  std::size_t size() const { return accepts.size(); }
  std::int32_t step(std::int32_t state, char byte) const {
    const std::uint8_t c = byte_class[static_cast<unsigned char>(byte)];
    return next[static_cast<std::size_t>(state) * classes + c];
  }
  /// kDead, once it is dead.
  std::int32_t walk(std::int32_t state, std::string_view bytes) const;

  /// A new state without ways out of it; returns its number.
  std::int32_t add_state(bool accepting);
  /// Throws Error (kInvalidOption), beginning with `culprit`, where one more would be too many.
  void require_room(std::string_view culprit) const;
};

/// A class of its own for each byte that is marked, and one for the others, if there are any.
void set_classes(ByteAutomaton& automaton, const std::array<bool, 256>& marked);

/// The states from which bytes out of `usable` lead to one that accepts, the nearest to it first.
std::vector<std::int32_t> states_that_reach_an_end(const ByteAutomaton& automaton,
                                                   const std::array<bool, 256>& usable);

/// Without the states that are not reached, or from which no text is accepted.
ByteAutomaton trimmed(const ByteAutomaton& automaton);

/// Accepts what both accept. Throws Error (kInvalidOption), beginning with `culprit`, where that
/// takes too many states.
ByteAutomaton intersection(const ByteAutomaton& a, const ByteAutomaton& b,
                           std::string_view culprit);

}  // namespace decant
