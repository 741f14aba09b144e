// Three ways to the same tokens: a table of whole words, a scan for short words, a heap for long.
#include "bpe.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <functional>
#include <limits>
#include <queue>

namespace decant {
namespace {

constexpr std::uint32_t kNoRank = std::numeric_limits<std::uint32_t>::max();
constexpr std::size_t kShortWord = 7;
constexpr std::size_t kLongWord = 15;

// Where the scan's n^2 / 2 steps, each a compare, begin to cost more than the heap's n log n.
constexpr std::size_t kScanLimit = 64;

// Up to 8 bytes as a number, the missing ones zero.
std::uint64_t load(const char* bytes, std::size_t size) {
  std::uint64_t value = 0;
  std::memcpy(&value, bytes, size);
  return value;
}

// The size in the top byte tells "a" from "a\0". No key is zero, as no word is empty.
std::uint64_t short_key(std::string_view word) {
  return load(word.data(), word.size()) ^ std::uint64_t{word.size()} << 56;
}

Key128 long_key(std::string_view word) {
  return {load(word.data(), 8),
          load(word.data() + 8, word.size() - 8) ^ std::uint64_t{word.size()} << 56};
}

std::uint64_t pair_key(TokenId left, TokenId right) {  // never zero, as no id is -1
  return std::uint64_t{static_cast<std::uint32_t>(left) + 1} << 32 |
         static_cast<std::uint32_t>(right);
}

}  // namespace

// A token of the word, and the merge with its right neighbour (kNoRank: none).
struct Bpe::Part {
  TokenId id;
  Ranked next;
};

// A Part in a list that is linked by indices, so that merging does not move the others.
struct Bpe::Link {
  Part part;
  std::size_t left;
  std::size_t right;
};

Bpe::Bpe(const ByteIds& byte_ids, std::size_t expected_merges) : byte_ids_(byte_ids) {
  merges_.reserve(expected_merges);
  pairs_.reserve(expected_merges);
  short_words_.reserve(expected_merges);
  long_words_.reserve(expected_merges / 2);
}

bool Bpe::add_merge(const Merge& merge) {
  assert(merges_.size() < kMaxMerges);
  const auto rank = static_cast<std::uint32_t>(merges_.size());
  if (!pairs_.insert(pair_key(merge.left, merge.right), {rank, merge.result})) return false;
  merges_.push_back(merge);
  return true;
}

void Bpe::add_word(std::string_view word, TokenId id) {
  if (word.size() <= kShortWord) {
    short_words_.insert(short_key(word), id);
  } else if (word.size() <= kLongWord) {
    long_words_.insert(long_key(word), id);
  }
}

void Bpe::encode(std::string_view word, std::vector<TokenId>& ids) const {
  const TokenId* known = nullptr;
  if (word.size() <= kShortWord) {
    known = short_words_.find(short_key(word));
  } else if (word.size() <= kLongWord) {
    known = long_words_.find(long_key(word));
  }
  if (known != nullptr) {
    ids.push_back(*known);
  } else {
    merge(word, ids);
  }
}

void Bpe::merge(std::string_view word, std::vector<TokenId>& ids) const {
  if (word.size() <= kScanLimit) {
    merge_by_scan(word, ids);
  } else {
    merge_by_heap(word, ids);
  }
}

Bpe::Ranked Bpe::rank_of(TokenId left, TokenId right) const {
  const Ranked* found = pairs_.find(pair_key(left, right));
  return found != nullptr ? *found : Ranked{kNoRank, 0};
}

void Bpe::merge_by_scan(std::string_view word, std::vector<TokenId>& ids) const {
  std::array<Part, kScanLimit> parts;
  std::size_t size = word.size();
  for (std::size_t i = 0; i < size; ++i) {
    parts[i].id = byte_ids_[static_cast<unsigned char>(word[i])];
    parts[i].next = {kNoRank, 0};
    if (i > 0) parts[i - 1].next = rank_of(parts[i - 1].id, parts[i].id);
  }
  for (;;) {
    std::size_t best = 0;
    for (std::size_t i = 1; i < size; ++i) {
      if (parts[i].next.rank < parts[best].next.rank) best = i;
    }
    if (size == 0 || parts[best].next.rank == kNoRank) break;
    parts[best].id = parts[best].next.result;
    --size;
    std::copy(&parts[best + 2], &parts[size + 1], &parts[best + 1]);
    parts[best].next =
        best + 1 < size ? rank_of(parts[best].id, parts[best + 1].id) : Ranked{kNoRank, 0};
    if (best > 0) parts[best - 1].next = rank_of(parts[best - 1].id, parts[best].id);
  }
  for (std::size_t i = 0; i < size; ++i) ids.push_back(parts[i].id);
}

void Bpe::merge_by_heap(std::string_view word, std::vector<TokenId>& ids) const {
  // A candidate is (rank, index of its left part): least first is lowest rank, then leftmost. When
  // a part changes, its old candidates stay in the heap and no longer agree with the part's rank.
  constexpr int kIndexBits = 44;
  constexpr std::uint64_t kIndexMask = (std::uint64_t{1} << kIndexBits) - 1;
  std::vector<std::uint64_t> candidates;
  std::vector<Link> links(word.size());
  const auto look_right = [&](std::size_t at) {
    Link& link = links[at];
    link.part.next = {kNoRank, 0};
    if (link.right == links.size()) return false;
    link.part.next = rank_of(link.part.id, links[link.right].part.id);
    return link.part.next.rank != kNoRank;
  };
  const auto candidate = [&](std::size_t at) {
    return std::uint64_t{links[at].part.next.rank} << kIndexBits | at;
  };

  for (std::size_t i = 0; i < links.size(); ++i) {
    links[i] = {{byte_ids_[static_cast<unsigned char>(word[i])], {kNoRank, 0}}, i - 1, i + 1};
  }
  for (std::size_t i = 0; i < links.size(); ++i) {
    if (look_right(i)) candidates.push_back(candidate(i));
  }
  std::priority_queue heap(std::greater<std::uint64_t>{}, std::move(candidates));
  while (!heap.empty()) {
    const std::uint64_t top = heap.top();
    heap.pop();
    const std::size_t at = top & kIndexMask;
    if (links[at].part.next.rank != top >> kIndexBits) continue;
    links[at].part.id = links[at].part.next.result;
    const std::size_t gone = links[at].right;
    links[gone].part.next.rank = kNoRank;
    links[at].right = links[gone].right;
    if (links[at].right < links.size()) links[links[at].right].left = at;
    if (look_right(at)) heap.push(candidate(at));
    if (at > 0 && look_right(links[at].left)) heap.push(candidate(links[at].left));
  }
  for (std::size_t i = 0; i < links.size(); i = links[i].right) ids.push_back(links[i].part.id);
}

}  // namespace decant
