// Byte-pair encoding of one word (Sennrich et al. 2016, over bytes as in Radford et al. 2019).
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "decant/types.h"
#include "flat_map.h"
#include "slots.h"

namespace decant {

/// Two tokens that become one where they stand side by side.
struct Merge {
  TokenId left;
  TokenId right;
  TokenId result;
  bool operator==(const Merge&) const = default;
};

/// What one call of an encoder remembers: where in its output the tokens of a word lie that it had
/// to merge. Texts repeat their rare words too. Direct-mapped: a word that falls on another's place
/// replaces it.
class Memo {
 public:
  struct Entry {
    WordKey word;
    std::size_t begin = 0;  // its tokens are ids[begin, end)
    std::size_t end = 0;
  };

  /// For a text of this many bytes: short ones pay for few entries.
  explicit Memo(std::size_t text_size)
      : entries_(std::bit_floor(std::clamp<std::size_t>(text_size / 64, 1, 4096))) {}

  /// Where `word` is remembered, if it is.
  Entry& at(const WordKey& word) {
    constexpr std::uint64_t kGolden = 0x9E3779B97F4A7C15u;  // Knuth, section 6.4
    return entries_[WordSlot::hash(word, kGolden) >> 32 & (entries_.size() - 1)];
  }

 private:
  std::vector<Entry> entries_;
};

/// The merges of a vocabulary in order of rank, and the words that need none of them.
///
/// A word starts as one token a byte. As long as any two neighbours are a merge, the one of the
/// lowest rank is done, the leftmost of equals. That is the whole definition; word tables and heaps
/// only get there faster.
class Bpe {
 public:
  using ByteIds = std::array<TokenId, 256>;        ///< the token of each single byte
  static constexpr std::size_t kBatch = 32;        ///< the most words that encode() takes at once
  static constexpr std::size_t kLongestWord = 15;  ///< bytes: what fits a key beside the size
  static constexpr std::size_t kMaxMerges = std::size_t{1} << 19;  ///< a rank fits in 20 bits

  /// Starts without merges; `expected_merges` only saves time.
  Bpe(const ByteIds& byte_ids, std::size_t expected_merges);

  /// Adds the merge of the next rank. Returns false, and changes nothing, where the pair has one
  /// already. The caller keeps to kMaxMerges.
  bool add_merge(const Merge& merge);

  /// Promises that merging `word` ends in the one token `id`, so that encode() may skip doing it.
  /// Words beyond kLongestWord are not kept: rare enough to be merged.
  void add_word(std::string_view word, TokenId id);

  /// Appends the tokens of the words of `text` that lie between neighbours of `cuts`: [cuts[0],
  /// cuts[1]), [cuts[1], cuts[2]), ... At most kBatch words a call: their table lookups overlap.
  /// O(n log n) in the bytes of the longest; const, without locks or shared state. `memo` belongs
  /// to these `ids`.
  void encode(std::string_view text, std::span<const std::size_t> cuts, std::vector<TokenId>& ids,
              Memo& memo) const;

  /// As encode() of a text that is one word, by merging alone.
  void merge(std::string_view word, std::vector<TokenId>& ids) const;

  const ByteIds& byte_ids() const { return byte_ids_; }
  const std::vector<Merge>& merges() const { return merges_; }  ///< in order of rank

 private:
  struct Ranked {
    std::uint32_t rank;
    TokenId result;
  };

  struct Part;
  struct Link;

  Ranked rank_of(TokenId left, TokenId right) const;
  void merge_by_scan(std::string_view word, std::vector<TokenId>& ids) const;
  void merge_by_heap(std::string_view word, std::vector<TokenId>& ids) const;

  ByteIds byte_ids_;
  std::vector<Merge> merges_;
  FlatMap<PairSlot> pairs_;
  FlatMap<WordSlot> words_;
};

}  // namespace decant
