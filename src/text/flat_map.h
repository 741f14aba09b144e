// A hash table that is one array: the two lookups of the encoder's inner loop live in it.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <random>
#include <type_traits>
#include <vector>

namespace decant {

/// A random odd number: the product with it is a universal hash in its upper bits (Dietzfelbinger
/// et al. 1997).
inline std::uint64_t random_multiplier() {
  std::random_device random;
  return std::uint64_t{random()} << 32 | random() | 1;
}

/// Open addressing with linear probing, at most half full, never erased from. Reading is const and
/// safe from any number of threads.
///
/// A Slot holds key and value as compactly as it likes, as what counts is how much of the table
/// fits in the cache. Slot{} is empty; key() compares with ==; Slot::hash(key, multiplier) has its
/// best bits on top. Each table has a multiplier of its own, drawn at random, so that no file can
/// choose keys that all meet in one place.
template <typename Slot>
class FlatMap {
 public:
  using Key = std::remove_cvref_t<decltype(Slot{}.key())>;

  FlatMap() { resize(4); }

  /// Room for `count` keys without growing.
  void reserve(std::size_t count) {
    const int bits = static_cast<int>(std::bit_width(2 * count));
    if (bits > 64 - shift_) resize(bits);
  }

  /// Adds a slot, or does nothing and returns false where its key is there already.
  bool insert(const Slot& slot) {
    if (2 * (size_ + 1) > slots_.size()) resize(65 - shift_);
    Slot& place = slots_[place_of(slot.key())];
    if (!place.empty()) return false;
    place = slot;
    ++size_;
    return true;
  }

  /// The slot of `key`, nullptr where there is none. O(1).
  const Slot* find(const Key& key) const {
    const Slot& slot = slots_[place_of(key)];
    return slot.empty() ? nullptr : &slot;
  }

  /// Starts to bring the slot of `key` into the cache.
  void prefetch(const Key& key) const {
    __builtin_prefetch(&slots_[Slot::hash(key, multiplier_) >> shift_]);
  }

 private:
  // Where `key` is, or the empty slot where it would be.
  std::size_t place_of(const Key& key) const {
    std::size_t at = Slot::hash(key, multiplier_) >> shift_;
    while (!slots_[at].empty() && slots_[at].key() != key) at = (at + 1) & (slots_.size() - 1);
    return at;
  }

  void resize(int bits) {
    std::vector<Slot> old(std::size_t{1} << bits);
    old.swap(slots_);
    shift_ = 64 - bits;
    for (const Slot& slot : old) {
      if (!slot.empty()) slots_[place_of(slot.key())] = slot;
    }
  }

  std::uint64_t multiplier_ = random_multiplier();
  std::vector<Slot> slots_;
  int shift_ = 64;
  std::size_t size_ = 0;
};

}  // namespace decant
