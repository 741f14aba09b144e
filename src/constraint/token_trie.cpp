#include "token_trie.h"

#include <algorithm>

namespace decant {

TokenTrie::TokenTrie(std::vector<Token> tokens) {
  std::ranges::sort(tokens, [](const Token& a, const Token& b) {
    return a.bytes != b.bytes ? a.bytes < b.bytes : a.id < b.id;
  });
  std::vector<std::size_t> path;  // the nodes that spell the token before
  const auto close = [&](std::size_t depth) {
    for (; path.size() > depth; path.pop_back()) {
      nodes_[path.back()].end = static_cast<std::uint32_t>(nodes_.size());
    }
  };
  std::string_view before;
  for (const Token& token : tokens) {
    const auto [mine, other] = std::ranges::mismatch(token.bytes, before);
    close(static_cast<std::size_t>(mine - token.bytes.begin()));
    while (path.size() < token.bytes.size()) {
      path.push_back(nodes_.size());
      nodes_.push_back({.depth = static_cast<std::uint32_t>(path.size() - 1),
                        .first_id = static_cast<std::uint32_t>(ids_.size()),
                        .byte = token.bytes[path.size() - 1]});
    }
    ids_.push_back(token.id);
    before = token.bytes;
    longest_ = std::max(longest_, token.bytes.size());
  }
  close(0);
  nodes_.push_back({.first_id = static_cast<std::uint32_t>(ids_.size())});
}

}  // namespace decant
