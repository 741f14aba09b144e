// Byte-pair encoding of one word (Sennrich et al. 2016, over bytes as in Radford et al. 2019).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "decant/types.h"
#include "flat_map.h"

namespace decant {

/// Two tokens that become one where they stand side by side.
struct Merge {
  TokenId left;
  TokenId right;
  TokenId result;
  bool operator==(const Merge&) const = default;
};

/// The merges of a vocabulary in order of rank, and the words that need none of them.
///
/// A word starts as one token a byte. As long as any two neighbours are a merge, the one of the
/// lowest rank is done, the leftmost of equals. That is the whole definition; word tables and heaps
/// only get there faster.
class Bpe {
 public:
  using ByteIds = std::array<TokenId, 256>;  ///< the token of each single byte
  static constexpr std::size_t kMaxMerges = std::size_t{1} << 20;  ///< a rank fits in 20 bits

  /// Starts without merges; `expected_merges` only saves time.
  Bpe(const ByteIds& byte_ids, std::size_t expected_merges);

  /// Adds the merge of the next rank. Returns false, and changes nothing, where the pair has one
  /// already. The caller keeps to kMaxMerges.
  bool add_merge(const Merge& merge);

  /// Promises that merging `word` ends in the one token `id`, so that encode() may skip doing it.
  /// Words beyond 15 bytes are not kept: rare enough to be merged.
  void add_word(std::string_view word, TokenId id);

  /// Appends the tokens of one word. O(n log n) in its bytes; const, without locks or shared state.
  void encode(std::string_view word, std::vector<TokenId>& ids) const;

  /// As encode(), by merging alone.
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
  FlatMap<std::uint64_t, Ranked> pairs_;
  FlatMap<std::uint64_t, TokenId> short_words_;  // up to 7 bytes
  FlatMap<Key128, TokenId> long_words_;          // 8 to 15 bytes
};

}  // namespace decant
