// Merging against the definition in its plainest form, for words on both sides of every threshold.
#include "bpe.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

namespace decant {
namespace {

using Ids = std::vector<TokenId>;

Bpe::ByteIds identity() {
  Bpe::ByteIds ids{};
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<TokenId>(i);
  return ids;
}

// Lowest rank first, the leftmost of equals, until there is none: in O(n^2 merges).
Ids merge_by_definition(const Bpe& bpe, std::string_view word) {
  Ids ids;
  for (const char c : word) ids.push_back(static_cast<unsigned char>(c));
  const std::vector<Merge>& merges = bpe.merges();
  for (;;) {
    auto best = merges.end();
    std::size_t at = 0;
    for (std::size_t i = 0; i + 1 < ids.size(); ++i) {
      const auto found = std::find_if(merges.begin(), best, [&](const Merge& merge) {
        return merge.left == ids[i] && merge.right == ids[i + 1];
      });
      if (found != best) {
        best = found;
        at = i;
      }
    }
    if (best == merges.end()) return ids;
    ids[at] = best->result;
    ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
}

Ids merge(const Bpe& bpe, std::string_view word) {
  Ids ids;
  bpe.merge(word, ids);
  return ids;
}

TEST(Bpe, MergesTheLowestRankFirst) {
  Bpe bpe(identity(), 2);
  EXPECT_TRUE(bpe.add_merge({'b', 'c', 256}));
  EXPECT_TRUE(bpe.add_merge({'a', 'b', 257}));
  EXPECT_EQ(merge(bpe, "abc"), (Ids{'a', 256}));
  EXPECT_EQ(merge(bpe, "abab"), (Ids{257, 257}));
}

TEST(Bpe, MergesTheLeftmostOfEquals) {
  Bpe bpe(identity(), 1);
  bpe.add_merge({'a', 'a', 256});
  EXPECT_EQ(merge(bpe, "aaa"), (Ids{256, 'a'}));
}

TEST(Bpe, RefusesASecondMergeOfThePair) {
  Bpe bpe(identity(), 1);
  EXPECT_TRUE(bpe.add_merge({'a', 'a', 256}));
  EXPECT_FALSE(bpe.add_merge({'a', 'a', 257}));
  EXPECT_EQ(bpe.merges().size(), 1u);
}

TEST(Bpe, ScanAndHeapAgreeWithTheDefinition) {
  std::mt19937 random(7);
  const auto below = [&](std::size_t n) { return random() % n; };
  for (int round = 0; round < 40; ++round) {
    // Merges of any tokens in any order, so that low ranks appear late, as in no trained
    // vocabulary.
    Bpe bpe(identity(), 0);
    Ids tokens = {'a', 'b', 'c'};
    for (TokenId id = 256; id < 256 + 30; ++id) {
      if (!bpe.add_merge({tokens[below(tokens.size())], tokens[below(tokens.size())], id}))
        continue;
      tokens.push_back(id);
    }
    for (std::size_t size = 0; size < 140; size += 1 + below(8)) {
      std::string word;
      for (std::size_t i = 0; i < size; ++i) word += static_cast<char>('a' + below(3));
      ASSERT_EQ(merge(bpe, word), merge_by_definition(bpe, word)) << word;
    }
  }
}

TEST(Bpe, EncodesEveryWordOfABatch) {
  Bpe bpe(identity(), 3);
  bpe.add_merge({'a', 'b', 256});
  bpe.add_word("ab", 256);
  bpe.add_word("abababababababa", 300);   // 15 bytes: the longest that the table keeps
  bpe.add_word("abababababababab", 301);  // 16 bytes: merged all the same
  const std::string text =
      "ab"
      "abc"
      "abababababababa"
      "abababababababab"
      "abc"
      "c";
  const std::size_t cuts[] = {0, 2, 5, 20, 36, 39, 40};
  Ids ids;
  Memo memo(1);
  bpe.encode(text, cuts, ids, memo);
  Ids truth = {256, 256, 'c', 300};
  truth.insert(truth.end(), 8, 256);
  truth.insert(truth.end(), {256, 'c', 'c'});
  EXPECT_EQ(ids, truth);
}

TEST(Bpe, TellsWordsThatEndInZeroBytesApart) {
  Bpe bpe(identity(), 0);
  bpe.add_word("a", 1000);
  bpe.add_word(std::string_view("a\0", 2), 1001);
  const std::string_view text("aa\0a\0\0", 6);
  const std::size_t cuts[] = {0, 1, 3, 6};
  Ids ids;
  Memo memo(1);
  bpe.encode(text, cuts, ids, memo);
  EXPECT_EQ(ids, (Ids{1000, 1001, 'a', 0, 0}));
}

}  // namespace
}  // namespace decant
