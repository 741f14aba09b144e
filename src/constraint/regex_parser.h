// A regular expression's text, read into a tree. docs/constraints.md has the syntax.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include "code_points.h"

namespace decant {

struct RegexNode {
  enum class Kind {
    kSet,       ///< one character of `set`
    kSequence,  ///< all children, one after the other; none of them: the empty text
    kChoice,    ///< one of the children
    kRepeat,    ///< the only child, `least` to `most` times
  };
  static constexpr std::uint32_t kNoLimit = std::numeric_limits<std::uint32_t>::max();

  Kind kind = Kind::kSequence;
  std::vector<std::size_t> children = {};  // indices into Regex::nodes
  CodePointSet set = {};
  std::uint32_t least = 0;
  std::uint32_t most = 0;
};

struct Regex {
  /// Children come before their parents, and groups nest at most kMostNested deep.
  std::vector<RegexNode> nodes = {};
  std::size_t root = 0;

  static constexpr std::size_t kMostBytes = 65536;
  static constexpr std::size_t kMostNested = 200;
  static constexpr std::uint32_t kMostRepeats = 1000;
};

/// Throws Error (kInvalidOption) that says where in the pattern what is wrong, and what to write
/// instead.
Regex parse_regex(std::string_view pattern);

}  // namespace decant
