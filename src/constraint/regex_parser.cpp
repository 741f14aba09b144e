#include "regex_parser.h"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>

#include "decant/error.h"
#include "file_bytes.h"
#include "utf8.h"

namespace decant {
namespace {

constexpr std::size_t kEnd = std::string_view::npos;

const CodePointSet& digits() {
  static const CodePointSet set({{'0', '9'}});
  return set;
}

const CodePointSet& word_characters() {
  static const CodePointSet set({{'0', '9'}, {'A', 'Z'}, {'a', 'z'}, {'_', '_'}});
  return set;
}

const CodePointSet& spaces() {
  static const CodePointSet set({{'\t', '\r'}, {' ', ' '}});
  return set;
}

/// The classes that an escape of one letter names.
std::optional<CodePointSet> named_class(char letter) {
  switch (letter) {
    case 'd':
      return digits();
    case 'D':
      return digits().complement();
    case 'w':
      return word_characters();
    case 'W':
      return word_characters().complement();
    case 's':
      return spaces();
    case 'S':
      return spaces().complement();
    default:
      return {};
  }
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

class Parser {
 public:
  explicit Parser(std::string_view pattern) : pattern_(pattern) {}

  Regex parse() {
    if (pattern_.size() > Regex::kMostBytes) {
      throw Error(ErrorCode::kInvalidOption,
                  fmt::format("regex: the pattern has {} bytes; at most {} are taken",
                              pattern_.size(), Regex::kMostBytes));
    }
    take("^");  // the whole output matches in any case
    regex_.root = choice();
    if (at_ < pattern_.size()) fail(at_, "closes no group: write \\) for the character");
    return std::move(regex_);
  }

 private:
  using Kind = RegexNode::Kind;

  [[noreturn]] void fail(std::size_t at, std::string_view what) const {
    const std::string place =
        at < pattern_.size() ? fmt::format("at offset {}, {}", at, quote(pattern_.substr(at), 20))
                             : std::string("at its end");
    throw Error(ErrorCode::kInvalidOption, fmt::format("regex: {}: {}", place, what));
  }

  bool starts(std::string_view text) const { return pattern_.substr(at_).starts_with(text); }
  bool take(std::string_view text) {
    if (!starts(text)) return false;
    at_ += text.size();
    return true;
  }

  std::size_t add(RegexNode node) {
    regex_.nodes.push_back(std::move(node));
    return regex_.nodes.size() - 1;
  }

  std::size_t choice() {
    std::vector<std::size_t> branches = {sequence()};
    while (take("|")) branches.push_back(sequence());
    if (branches.size() == 1) return branches.front();
    return add({.kind = Kind::kChoice, .children = std::move(branches)});
  }

  std::size_t sequence() {
    std::vector<std::size_t> pieces;
    while (at_ < pattern_.size() && !starts("|") && !starts(")")) {
      if (starts("$") && at_ + 1 == pattern_.size()) {
        ++at_;
      } else {
        pieces.push_back(piece());
      }
    }
    if (pieces.size() == 1) return pieces.front();
    return add({.kind = Kind::kSequence, .children = std::move(pieces)});
  }

  std::size_t piece() {
    const std::size_t child = atom();
    const std::size_t begin = at_;
    const auto counts = quantifier();
    if (!counts) return child;
    if (starts("?")) {
      fail(
          begin,
          "lazy repetition is not supported, as the whole output matches either way: leave out the "
          "'?' behind it");
    }
    if (starts("+")) {
      fail(begin, "possessive repetition is not supported: leave out the '+' behind it");
    }
    if (starts("*") || starts("{")) {
      fail(at_, "repeats a repetition: put that into a group, as in (?:a{2})*");
    }
    return add({.kind = Kind::kRepeat,
                .children = {child},
                .least = counts->first,
                .most = counts->second});
  }

  std::optional<std::pair<std::uint32_t, std::uint32_t>> quantifier() {
    if (take("?")) return {{0, 1}};
    if (take("*")) return {{0, RegexNode::kNoLimit}};
    if (take("+")) return {{1, RegexNode::kNoLimit}};
    const std::size_t begin = at_;
    if (!take("{")) return {};
    const std::uint32_t least = count(begin);
    std::uint32_t most = least;
    if (take(",")) most = starts("}") ? RegexNode::kNoLimit : count(begin);
    if (!take("}")) fail_count(begin);
    if (most < least) fail(begin, "its largest count is below its smallest: swap them");
    return {{least, most}};
  }

  [[noreturn]] void fail_count(std::size_t begin) const {
    fail(begin, "is no count such as {3}, {2,5} or {2,}: write \\{ for the character");
  }

  std::uint32_t count(std::size_t begin) {
    const std::size_t first = at_;
    std::uint32_t value = 0;
    for (; at_ < pattern_.size() && is_digit(pattern_[at_]); ++at_) {
      value = value * 10 + static_cast<std::uint32_t>(pattern_[at_] - '0');
      if (value > Regex::kMostRepeats) {
        fail(begin, fmt::format("a count may be {} at most; {{n,}} has no upper limit",
                                Regex::kMostRepeats));
      }
    }
    if (at_ == first) fail_count(begin);
    return value;
  }

  std::size_t atom() {
    const std::size_t begin = at_;
    switch (pattern_[at_]) {
      case '(':
        return group();
      case '[':
        return set(character_class());
      case '.':
        ++at_;
        return set(CodePointSet({{'\n', '\n'}}).complement());
      case '\\':
        return set(escape());
      case '*':
      case '+':
      case '?':
        fail(begin, fmt::format("there is nothing to repeat: write \\{} for the character",
                                pattern_[begin]));
      case '{':
        fail(begin, "there is nothing to repeat: write \\{ for the character");
      case '^':
      case '$':
        fail(begin, fmt::format("an anchor inside a pattern is not supported, as the whole output "
                                "matches: leave it out, or write \\{} for the character",
                                pattern_[begin]));
      default:
        return set(single(character()));
    }
  }

  static CodePointSet single(char32_t c) { return CodePointSet({{c, c}}); }
  std::size_t set(CodePointSet characters) {
    return add({.kind = Kind::kSet, .set = std::move(characters)});
  }

  char32_t character() {
    const Utf8Character c = decode_utf8(pattern_, at_);
    if (c.size == 0) fail(at_, "is not UTF-8, in which patterns are written");
    at_ += c.size;
    return c.code_point;
  }

  std::size_t group() {
    const std::size_t begin = at_++;
    if (nested_ == Regex::kMostNested) {
      fail(begin, fmt::format("groups may nest {} deep at most", Regex::kMostNested));
    }
    if (take("?")) group_kind(begin);
    ++nested_;
    const std::size_t inner = choice();
    --nested_;
    if (!take(")")) {
      fail(begin, "the group is never closed: add a ')', or write \\( for the character");
    }
    return inner;
  }

  // What follows "(?". All groups mean the same, as nothing is captured.
  void group_kind(std::size_t begin) {
    if (take(":")) return;
    for (const std::string_view look : {"=", "!", "<=", "<!"}) {
      if (starts(look)) {
        fail(begin, "lookahead and lookbehind are not supported: write out what may come instead");
      }
    }
    if (take("P<") || take("<")) {
      const std::size_t end = pattern_.find('>', at_);
      if (end == kEnd || end == at_) fail(begin, "the name of the group must end in '>'");
      at_ = end + 1;
      return;
    }
    if (starts("P=")) fail_backreference(begin);
    fail(begin,
         "is no kind of group that is supported: those are (...), (?:...) and (?<name>...); flags "
         "are not, so write [aA] for either case");
  }

  [[noreturn]] void fail_backreference(std::size_t begin) const {
    fail(begin, "a backreference is not supported, as no automaton can follow it");
  }

  CodePointSet character_class() {
    const std::size_t begin = at_++;
    const bool negated = take("^");
    if (starts("]")) fail(begin, "an empty class: write \\] for the character");
    std::vector<CodePointRange> ranges;
    while (!take("]")) {
      if (at_ >= pattern_.size()) {
        fail(begin, "the class is never closed: add a ']', or write \\[ for the character");
      }
      class_item(ranges);
    }
    CodePointSet result(std::move(ranges));
    return negated ? result.complement() : result;
  }

  void class_item(std::vector<CodePointRange>& ranges) {
    const std::size_t begin = at_;
    for (const std::string_view posix : {"[:", "[.", "[="}) {
      if (starts(posix)) {
        fail(begin, "POSIX classes are not supported: write ranges, as in [A-Za-z]");
      }
    }
    const CodePointSet from = class_member();
    // At the end of a class, - is a character.
    if (!starts("-") || starts("-]") || at_ + 1 >= pattern_.size()) {
      ranges.insert(ranges.end(), from.ranges().begin(), from.ranges().end());
      return;
    }
    ++at_;
    const CodePointSet to = class_member();
    const auto lone = [&](const CodePointSet& s) {
      if (s.ranges().size() != 1 || s.ranges()[0].first != s.ranges()[0].last) {
        fail(begin, "a range goes from one character to another: write \\- for the character '-'");
      }
      return s.ranges()[0].first;
    };
    const CodePointRange range = {lone(from), lone(to)};
    if (range.first > range.last) fail(begin, "the range runs backwards: swap its ends");
    ranges.push_back(range);
  }

  CodePointSet class_member() { return starts("\\") ? escape() : single(character()); }

  CodePointSet escape() {
    const std::size_t begin = at_++;
    if (at_ >= pattern_.size()) {
      fail(begin, "a lone backslash ends the pattern: write \\\\ for the character");
    }
    const char letter = pattern_[at_];
    if (!is_letter(letter) && !is_digit(letter)) return single(character());
    ++at_;
    if (const auto known = named_class(letter)) return *known;
    switch (letter) {
      case 'n':
        return single('\n');
      case 't':
        return single('\t');
      case 'r':
        return single('\r');
      case 'f':
        return single('\f');
      case 'v':
        return single('\v');
      case '0':
        if (at_ < pattern_.size() && is_digit(pattern_[at_])) {
          fail(begin, "octal numbers are not supported: write \\x41");
        }
        return single('\0');
      case 'x':
        return single(take("{") ? code_point(begin, 1, 6, "}") : code_point(begin, 2, 2, ""));
      case 'u':
        return single(code_point(begin, 4, 4, ""));
      case 'b':
      case 'B':
        fail(begin, "word boundaries are not supported: write out what stands there instead");
      case 'A':
      case 'z':
      case 'Z':
        fail(begin, "anchors are not supported, as the whole output matches: leave it out");
      case 'p':
      case 'P':
        fail(begin,
             "Unicode properties are not supported: write ranges, as in [a-z\\u00E0-\\u00FF]");
      case 'k':
        fail_backreference(begin);
      default:
        if (is_digit(letter)) fail_backreference(begin);
        fail(begin,
             "is no escape that is supported: \\d \\w \\s \\D \\W \\S \\n \\t \\r \\f \\v \\0 "
             "\\xHH \\x{...} \\uHHHH are");
    }
  }

  // Hexadecimal digits, at least and at most so many, and what must follow them.
  char32_t code_point(std::size_t begin, std::size_t least, std::size_t most,
                      std::string_view end) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    char32_t value = 0;
    std::size_t size = 0;
    for (; size < most && at_ < pattern_.size(); ++size, ++at_) {
      const char c = pattern_[at_];
      const std::size_t digit = kDigits.find(is_letter(c) ? static_cast<char>(c | 0x20) : c);
      if (digit == kEnd) break;
      value = value << 4 | static_cast<char32_t>(digit);
    }
    if (size < least || !take(end)) {
      fail(begin, "is no code point: they are written \\x41, \\x{1F600} or \\u00E9");
    }
    if (value > CodePointSet::kMost) fail(begin, "is beyond the last code point, 10FFFF");
    if (value >= 0xD800 && value < 0xE000) {
      fail(begin,
           "is half of a surrogate pair: write the character's own code point, as \\x{1F600}");
    }
    return value;
  }

  std::string_view pattern_;
  std::size_t at_ = 0;
  std::size_t nested_ = 0;
  Regex regex_ = {};
};

}  // namespace

Regex parse_regex(std::string_view pattern) { return Parser(pattern).parse(); }

}  // namespace decant
