// A hash table that is one array: the three lookups of the encoder's inner loop live in it.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace decant {

/// Up to 15 bytes and their number, as one value that compares exactly.
struct Key128 {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  bool operator==(const Key128&) const = default;
};

// Multiplicative hashing (Knuth, The Art of Computer Programming 6.4): the top bits are the slot.
inline std::uint64_t hash_of(std::uint64_t key) { return key * 0x9E3779B97F4A7C15u; }
inline std::uint64_t hash_of(const Key128& key) {
  return hash_of(key.low ^ std::rotl(hash_of(key.high), 32));
}

/// Open addressing with linear probing, at most half full, never erased from. The key Key{} marks
/// an empty slot and cannot be stored. Reading is const and safe from any number of threads.
template <typename Key, typename Value>
class FlatMap {
 public:
  FlatMap() { resize(4); }

  /// Room for `count` keys without growing.
  void reserve(std::size_t count) {
    const int bits = static_cast<int>(std::bit_width(2 * count));
    if (bits > 64 - shift_) resize(bits);
  }

  /// Adds a key, or does nothing and returns false where it is there already.
  bool insert(const Key& key, const Value& value) {
    if (2 * (size_ + 1) > slots_.size()) resize(65 - shift_);
    Slot& slot = slots_[slot_of(key)];
    if (slot.key == key) return false;
    slot = {key, value};
    ++size_;
    return true;
  }

  /// The value of `key`, nullptr where there is none. O(1).
  const Value* find(const Key& key) const {
    const Slot& slot = slots_[slot_of(key)];
    return slot.key == key ? &slot.value : nullptr;
  }

  std::size_t size() const { return size_; }

 private:
  struct Slot {
    Key key{};
    Value value{};
  };

  // Where `key` is, or the empty slot where it would be.
  std::size_t slot_of(const Key& key) const {
    std::size_t at = hash_of(key) >> shift_;
    while (slots_[at].key != key && slots_[at].key != Key{}) at = (at + 1) & (slots_.size() - 1);
    return at;
  }

  void resize(int bits) {
    std::vector<Slot> old(std::size_t{1} << bits);
    old.swap(slots_);
    shift_ = 64 - bits;
    for (const Slot& slot : old) {
      if (slot.key != Key{}) slots_[slot_of(slot.key)] = slot;
    }
  }

  std::vector<Slot> slots_;
  int shift_ = 64;
  std::size_t size_ = 0;
};

}  // namespace decant
