// The bytes of many tokens as a tree, to be walked against an automaton all at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "byte_automaton.h"
#include "decant/types.h"

namespace decant {

class TokenTrie {
 public:
  struct Token {
    TokenId id = 0;
    std::string_view bytes = {};  // at least one
  };
  explicit TokenTrie(std::vector<Token> tokens);

  /// Calls visit(token, state) for each token whose bytes the automaton follows from `state`, with
  /// the state that they lead to, until it returns false. Returns how many nodes that took.
  template <typename Visit>
  std::size_t walk(const ByteAutomaton& automaton, std::int32_t state, const Visit& visit) const;

 private:
  // In depth-first order: below a node come those up to its `end`.
  struct Node {
    std::uint32_t depth = 0;  // of the parent: how many bytes there are before this one
    std::uint32_t end = 0;
    std::uint32_t first_id = 0;  // its tokens begin here in ids_, and end where the next node's do
    char byte = 0;
  };
  std::vector<Node> nodes_ = {};  // and one more behind the last
  std::vector<TokenId> ids_ = {};
  std::size_t longest_ = 0;
};

template <typename Visit>
std::size_t TokenTrie::walk(const ByteAutomaton& automaton, std::int32_t state,
                            const Visit& visit) const {
  std::vector<std::int32_t> path(longest_ + 1);  // by depth
  path[0] = state;
  std::size_t steps = 0;
  for (std::size_t at = 0; at + 1 < nodes_.size();) {
    const Node& node = nodes_[at];
    ++steps;
    const std::int32_t to = automaton.step(path[node.depth], node.byte);
    if (to == ByteAutomaton::kDead) {
      at = node.end;
      continue;
    }
    path[node.depth + std::size_t{1}] = to;
    ++at;
    for (std::size_t i = node.first_id; i < nodes_[at].first_id; ++i) {
      if (!visit(ids_[i], to)) return steps;
    }
  }
  return steps;
}

}  // namespace decant
