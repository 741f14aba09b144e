#include "code_points.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "utf8_of.h"

namespace decant {
namespace {

bool is_surrogate(char32_t c) { return c >= 0xD800 && c <= 0xDFFF; }

std::vector<bool> members(const CodePointSet& set) {
  std::vector<bool> in(CodePointSet::kMost + 1);
  for (const auto& [first, last] : set.ranges()) {
    for (char32_t c = first; c <= last; ++c) in[c] = true;
  }
  return in;
}

bool spells(const ByteRanges& ranges, const std::string& bytes) {
  if (ranges.size != bytes.size()) return false;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    if (byte < ranges.at[i].first || byte > ranges.at[i].last) return false;
  }
  return true;
}

TEST(CodePointSet, SortsMergesAndLeavesOutSurrogates) {
  EXPECT_EQ(CodePointSet({{'x', 'z'}, {'a', 'c'}, {'d', 'f'}, {'b', 'b'}}).ranges(),
            (std::vector<CodePointRange>{{'a', 'f'}, {'x', 'z'}}));
  EXPECT_EQ(CodePointSet({{0xD000, 0xE001}}).ranges(),
            (std::vector<CodePointRange>{{0xD000, 0xD7FF}, {0xE000, 0xE001}}));
  EXPECT_TRUE(CodePointSet({{0xD800, 0xDFFF}}).ranges().empty());
  EXPECT_EQ(CodePointSet().complement().ranges(),
            (std::vector<CodePointRange>{{0, 0xD7FF}, {0xE000, 0x10FFFF}}));
  EXPECT_TRUE(CodePointSet({{0, 0x10FFFF}}).complement().ranges().empty());
}

TEST(CodePointSet, TheComplementIsWhatIsNotInIt) {
  std::mt19937 random(1);
  for (int round = 0; round < 3; ++round) {
    std::vector<CodePointRange> ranges;
    for (int i = 0; i < 50; ++i) {
      const auto first = static_cast<char32_t>(random() % 0x110000);
      const auto size = static_cast<char32_t>(random() % 5000);
      ranges.push_back({first, std::min<char32_t>(CodePointSet::kMost, first + size)});
    }
    const CodePointSet set(ranges);
    const auto in = members(set);
    const auto out = members(set.complement());
    for (char32_t c = 0; c <= 0x10FFFF; ++c)
      ASSERT_EQ(in[c] != out[c], !is_surrogate(c)) << static_cast<std::uint32_t>(c);
  }
}

// Each code point of the set is spelled by exactly one of the results, and these spell no more than
// there are code points.
TEST(Utf8Ranges, SpellTheSetAndNothingElse) {
  std::vector<CodePointSet> sets = {
      CodePointSet({{0, 0x10FFFF}}),     CodePointSet({{'a', 'a'}}),
      CodePointSet({{0x7F, 0x80}}),      CodePointSet({{0x7FF, 0x800}}),
      CodePointSet({{0xFFFF, 0x10000}}), CodePointSet({{0x10FFFF, 0x10FFFF}}),
      CodePointSet({{0xC3, 0x12345}}),   CodePointSet()};
  std::mt19937 random(2);
  for (int i = 0; i < 6; ++i) {
    const auto a = static_cast<char32_t>(random() % (random() % 2 == 0 ? 0x1000 : 0x110000));
    const auto b = static_cast<char32_t>(random() % 0x110000);
    sets.push_back(CodePointSet({{std::min(a, b), std::max(a, b)}}));
  }
  for (const CodePointSet& set : sets) {
    const std::vector<ByteRanges> all = utf8_ranges(set);
    const auto in = members(set);
    std::size_t size = 0;
    for (char32_t c = 0; c <= 0x10FFFF; ++c) {
      if (!in[c]) continue;
      ++size;
      const std::string bytes = utf8_of(c);
      int count = 0;
      for (const ByteRanges& ranges : all) count += spells(ranges, bytes) ? 1 : 0;
      ASSERT_EQ(count, 1) << static_cast<std::uint32_t>(c);
    }
    std::size_t spelled = 0;
    for (const ByteRanges& ranges : all) {
      std::size_t product = 1;
      for (std::size_t i = 0; i < ranges.size; ++i) {
        product *= static_cast<std::size_t>(ranges.at[i].last - ranges.at[i].first + 1);
      }
      spelled += product;
    }
    EXPECT_EQ(spelled, size);
  }
}

}  // namespace
}  // namespace decant
