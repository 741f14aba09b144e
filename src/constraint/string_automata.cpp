#include "string_automata.h"

#include <vector>

#include "decant/error.h"

namespace decant {
namespace {

// A tree of prefixes; its strings' last states accept.
ByteAutomaton prefix_tree(std::span<const std::string> strings, std::string_view option) {
  std::array<bool, 256> used = {};
  for (const std::string& string : strings) {
    for (const char byte : string) used[static_cast<unsigned char>(byte)] = true;
  }
  ByteAutomaton tree;
  set_classes(tree, used);
  tree.add_state(false);
  for (const std::string& string : strings) {
    std::int32_t state = 0;
    for (const char byte : string) {
      std::int32_t next = tree.step(state, byte);
      if (next == ByteAutomaton::kDead) {
        tree.require_room(option);
        next = tree.add_state(false);
        tree.next[static_cast<std::size_t>(state) * tree.classes +
                  tree.byte_class[static_cast<unsigned char>(byte)]] = next;
      }
      state = next;
    }
    tree.accepts[static_cast<std::size_t>(state)] = 1;
  }
  return tree;
}

}  // namespace

ByteAutomaton any_text() {
  ByteAutomaton all;
  all.add_state(true);
  all.next[0] = 0;
  return all;
}

ByteAutomaton one_of(std::span<const std::string> strings) {
  return trimmed(prefix_tree(strings, "allowed_strings"));
}

ByteAutomaton none_of(std::span<const std::string> strings) {
  for (const std::string& string : strings) {
    if (string.empty()) {
      throw Error(ErrorCode::kInvalidOption,
                  "banned_strings: the empty string is in every text; leave it out");
    }
  }
  ByteAutomaton found = prefix_tree(strings, "banned_strings");
  // In order of length: the longest proper suffix of each prefix that is a prefix itself knows
  // already where the bytes lead that do not go on in the tree, and whether a string ends there.
  std::vector<std::int32_t> suffix(found.size(), 0);
  std::vector<std::int32_t> order = {0};
  for (std::size_t i = 0; i < order.size(); ++i) {
    const std::int32_t state = order[i];
    const auto at = static_cast<std::size_t>(state);
    const auto shorter = static_cast<std::size_t>(suffix[at]);
    if (found.accepts[shorter] != 0) found.accepts[at] = 1;
    for (std::size_t c = 0; c < found.classes; ++c) {
      std::int32_t& next = found.next[at * found.classes + c];
      const std::int32_t without = state == 0 ? 0 : found.next[shorter * found.classes + c];
      if (next == ByteAutomaton::kDead) {
        next = without;
      } else {
        suffix[static_cast<std::size_t>(next)] = without;
        order.push_back(next);
      }
    }
  }
  // What was found may not be: its states go, and all others accept.
  for (std::int32_t& next : found.next) {
    if (found.accepts[static_cast<std::size_t>(next)] != 0) next = ByteAutomaton::kDead;
  }
  for (std::uint8_t& accepts : found.accepts) accepts = accepts != 0 ? 0 : 1;
  return trimmed(found);
}

}  // namespace decant
