// Sets of Unicode code points, and the bytes that spell them in UTF-8.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace decant {

struct CodePointRange {
  char32_t first = 0;
  char32_t last = 0;
  friend bool operator==(const CodePointRange&, const CodePointRange&) = default;
};

/// Ranges in order, with gaps between them. Surrogates are no characters, and never in it.
class CodePointSet {
 public:
  static constexpr char32_t kMost = 0x10FFFF;

  CodePointSet() = default;
  /// The union of `ranges`, which may come in any order and overlap.
  explicit CodePointSet(std::vector<CodePointRange> ranges);

  CodePointSet complement() const;
  const std::vector<CodePointRange>& ranges() const { return ranges_; }

 private:
  std::vector<CodePointRange> ranges_ = {};
};

struct ByteRange {
  std::uint8_t first = 0;
  std::uint8_t last = 0;
};

/// One to four bytes, each out of its range: all of them together spell a range of code points.
struct ByteRanges {
  std::array<ByteRange, 4> at = {};
  std::size_t size = 0;
};

/// The encodings of a set, each in exactly one of the results. A range of code points is cut where
/// the length of the encoding changes, and where a continuation byte does not have its full range;
/// so it was first done in Thompson's grep for Plan 9, and explained by Cox (2010).
std::vector<ByteRanges> utf8_ranges(const CodePointSet& set);

}  // namespace decant
