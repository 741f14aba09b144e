#include "token_trie.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

#include "string_automata.h"

namespace decant {
namespace {

// Against each token by itself; two tokens may have the same bytes.
TEST(TokenTrie, WalksEveryTokenThatTheAutomatonFollows) {
  std::mt19937 random(1);
  for (int round = 0; round < 1000; ++round) {
    std::vector<std::string> bytes(random() % 60);
    for (std::string& b : bytes) {
      b.resize(1 + random() % 5);
      for (char& c : b) c = "ab\x80"[random() % 3];
    }
    std::vector<std::string> banned(1 + random() % 3);
    for (std::string& b : banned) {
      b.resize(2 + random() % 3);
      for (char& c : b) c = "ab\x80"[random() % 3];
    }
    const ByteAutomaton automaton = none_of(banned);
    std::vector<TokenTrie::Token> tokens;
    for (const std::string& b : bytes) tokens.push_back({static_cast<TokenId>(tokens.size()), b});
    const TokenTrie trie(tokens);
    const auto state = static_cast<std::int32_t>(random() % automaton.size());
    std::map<TokenId, std::int32_t> expected;
    for (const TokenTrie::Token& token : tokens) {
      const std::int32_t to = automaton.walk(state, token.bytes);
      if (to != ByteAutomaton::kDead) expected[token.id] = to;
    }
    std::map<TokenId, std::int32_t> seen;
    trie.walk(automaton, state, [&](TokenId token, std::int32_t to) {
      EXPECT_TRUE(seen.emplace(token, to).second);
      return true;
    });
    ASSERT_EQ(seen, expected);
  }
}

TEST(TokenTrie, StopsWhenItIsTold) {
  const TokenTrie trie({{0, "a"}, {1, "ab"}, {2, "b"}});
  int visits = 0;
  trie.walk(any_text(), 0, [&](TokenId, std::int32_t) { return ++visits < 2; });
  EXPECT_EQ(visits, 2);
}

}  // namespace
}  // namespace decant
