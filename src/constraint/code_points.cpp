#include "code_points.h"

#include <algorithm>

namespace decant {
namespace {

constexpr char32_t kBeforeSurrogates = 0xD7FF;
constexpr char32_t kBehindSurrogates = 0xE000;

std::size_t encoded_size(char32_t c) { return c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4; }

std::array<std::uint8_t, 4> encode(char32_t c, std::size_t size) {
  constexpr std::array<unsigned, 5> kLeads = {0, 0, 0xC0, 0xE0, 0xF0};
  std::array<std::uint8_t, 4> bytes = {};
  for (std::size_t i = size; i-- > 1; c >>= 6) {
    bytes[i] = static_cast<std::uint8_t>(0x80 | (c & 0x3F));
  }
  bytes[0] = static_cast<std::uint8_t>(kLeads[size] | c);
  return bytes;
}

void split(char32_t first, char32_t last, std::vector<ByteRanges>& out) {
  for (const char32_t most : {U'\x7F', U'\x7FF', U'\xFFFF'}) {
    if (first > most || last <= most) continue;
    split(first, most, out);
    split(most + 1, last, out);
    return;
  }
  const std::size_t size = encoded_size(first);
  // Where two ends differ in a leading byte, all bytes behind it must have their full range.
  for (std::size_t i = 1; i < size; ++i) {
    const char32_t low_bits = (char32_t{1} << 6 * i) - 1;
    if ((first & ~low_bits) == (last & ~low_bits)) continue;
    if ((first & low_bits) != 0) {
      split(first, first | low_bits, out);
      split((first | low_bits) + 1, last, out);
      return;
    }
    if ((last & low_bits) != low_bits) {
      split(first, (last & ~low_bits) - 1, out);
      split(last & ~low_bits, last, out);
      return;
    }
  }
  const auto low = encode(first, size);
  const auto high = encode(last, size);
  ByteRanges& ranges = out.emplace_back();
  ranges.size = size;
  for (std::size_t i = 0; i < size; ++i) ranges.at[i] = {low[i], high[i]};
}

}  // namespace

CodePointSet::CodePointSet(std::vector<CodePointRange> ranges) {
  std::ranges::sort(ranges, {}, &CodePointRange::first);
  const auto add = [this](CodePointRange range) {
    if (range.first > range.last) return;
    if (!ranges_.empty() && range.first <= ranges_.back().last + 1) {
      ranges_.back().last = std::max(ranges_.back().last, range.last);
    } else {
      ranges_.push_back(range);
    }
  };
  for (const CodePointRange& range : ranges) {
    add({range.first, std::min(range.last, kBeforeSurrogates)});
    add({std::max(range.first, kBehindSurrogates), range.last});
  }
}

CodePointSet CodePointSet::complement() const {
  std::vector<CodePointRange> gaps;
  char32_t next = 0;
  for (const CodePointRange& range : ranges_) {
    if (range.first > next) gaps.push_back({next, range.first - 1});
    next = range.last + 1;
  }
  if (next <= kMost) gaps.push_back({next, kMost});
  return CodePointSet(std::move(gaps));
}

std::vector<ByteRanges> utf8_ranges(const CodePointSet& set) {
  std::vector<ByteRanges> result;
  for (const CodePointRange& range : set.ranges()) split(range.first, range.last, result);
  return result;
}

}  // namespace decant
