// Thompson's construction (1968), then the subsets of its states that a text can lead to.
#include "regex_automaton.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <tuple>
#include <unordered_map>

#include "decant/error.h"

namespace decant {
namespace {

[[noreturn]] void fail(std::string_view what) {
  throw Error(ErrorCode::kInvalidOption,
              fmt::format("regex: {}; shorten it, or take smaller counts", what));
}

/// A state of the non-deterministic automaton: of one byte out of a range, or a fork that takes
/// none.
struct Place {
  enum class Kind { kByte, kFork, kEnd };
  Kind kind = Kind::kEnd;
  ByteRange bytes = {};
  std::size_t next = 0;
  std::size_t other = 0;  // of a fork
};

/// Built from the end backwards, so that each part knows what follows it.
class Places {
 public:
  explicit Places(const Regex& regex) : regex_(regex) { start_ = build(regex.root, add({})); }

  const std::vector<Place>& all() const { return places_; }
  std::size_t start() const { return start_; }

 private:
  // Counts multiply when they nest: the work is bounded, also where it leaves no place behind.
  static constexpr std::size_t kMostWork = std::size_t{1} << 17;

  void work() {
    if (++work_ > kMostWork)
      fail(fmt::format("the pattern comes to more than {} places", kMostWork));
  }

  std::size_t add(const Place& place) {
    work();
    places_.push_back(place);
    return places_.size() - 1;
  }

  std::size_t fork(std::size_t next, std::size_t other) {
    return add({.kind = Place::Kind::kFork, .next = next, .other = other});
  }

  // The recursion is as deep as groups nest.
  std::size_t build(std::size_t index, std::size_t next) {
    work();
    const RegexNode& node = regex_.nodes[index];
    switch (node.kind) {
      case RegexNode::Kind::kSet:
        return build_set(node.set, next);
      case RegexNode::Kind::kSequence:
        for (std::size_t i = node.children.size(); i-- > 0;) next = build(node.children[i], next);
        return next;
      case RegexNode::Kind::kChoice: {
        std::size_t begin = build(node.children.back(), next);
        for (std::size_t i = node.children.size() - 1; i-- > 0;) {
          begin = fork(build(node.children[i], next), begin);
        }
        return begin;
      }
      case RegexNode::Kind::kRepeat:
        return build_repeat(node, next);
    }
    return next;
  }

  std::size_t build_repeat(const RegexNode& node, std::size_t next) {
    const std::size_t child = node.children.front();
    std::size_t begin = next;
    std::uint32_t copies = node.least;
    if (node.most == RegexNode::kNoLimit) {
      const std::size_t loop = fork(0, next);
      const std::size_t body = build(child, loop);
      places_[loop].next = body;
      begin = loop;
      if (copies > 0) {
        begin = body;
        --copies;
      }
    } else {
      for (std::uint32_t i = node.least; i < node.most; ++i)
        begin = fork(build(child, begin), next);
    }
    for (; copies > 0; --copies) begin = build(child, begin);
    return begin;
  }

  // Encodings that end alike share their last places.
  std::size_t build_set(const CodePointSet& set, std::size_t next) {
    std::map<std::tuple<std::uint8_t, std::uint8_t, std::size_t>, std::size_t> known;
    std::vector<std::size_t> begins;
    for (const ByteRanges& ranges : utf8_ranges(set)) {
      std::size_t to = next;
      for (std::size_t i = ranges.size; i-- > 0;) {
        const auto [first, last] = ranges.at[i];
        const auto [place, added] = known.try_emplace({first, last, to}, 0);
        if (added) {
          place->second = add({.kind = Place::Kind::kByte, .bytes = ranges.at[i], .next = to});
        }
        to = place->second;
      }
      begins.push_back(to);
    }
    // An empty set is a byte out of no range.
    if (begins.empty()) return add({.kind = Place::Kind::kByte, .bytes = {1, 0}, .next = next});
    std::size_t begin = begins.back();
    for (std::size_t i = begins.size() - 1; i-- > 0;) begin = fork(begins[i], begin);
    return begin;
  }

  const Regex& regex_;
  std::vector<Place> places_ = {};
  std::size_t start_ = 0;
  std::size_t work_ = 0;
};

/// The places, behind forks, that a text can lead to: in order, each once.
using Subset = std::vector<std::uint32_t>;

struct SubsetHash {
  std::size_t operator()(const Subset& subset) const {
    std::uint64_t hash = 0x9E3779B97F4A7C15;
    for (const std::uint32_t place : subset) hash = (hash ^ place) * 0xD6E8FEB86659FD93;
    return static_cast<std::size_t>(hash ^ hash >> 32);
  }
};

class Determiniser {
 public:
  explicit Determiniser(const Places& places)
      : places_(places.all()), seen_(places_.size()), targets_(1) {
    // A class ends before each byte where a range begins, and behind each where one ends.
    std::array<bool, 257> begins = {};
    for (const Place& place : places_) {
      if (place.kind != Place::Kind::kByte || place.bytes.first > place.bytes.last) continue;
      begins[place.bytes.first] = true;
      begins[place.bytes.last + std::size_t{1}] = true;
    }
    std::uint8_t current = 0;
    for (std::size_t byte = 0; byte < 256; ++byte) {
      if (byte > 0 && begins[byte]) ++current;
      automaton_.byte_class[byte] = current;
    }
    automaton_.classes = current + std::size_t{1};
    targets_.resize(automaton_.classes);
    const Subset start = {static_cast<std::uint32_t>(places.start())};
    number(closure(start));
  }

  ByteAutomaton run() {
    for (std::size_t state = 0; state < subsets_.size(); ++state) {
      for (Subset& target : targets_) target.clear();
      for (const std::uint32_t place : *subsets_[state]) collect(places_[place]);
      std::int32_t to = ByteAutomaton::kDead;
      for (std::size_t c = 0; c < targets_.size(); ++c) {
        // Neighbouring classes mostly lead to one state.
        if (c == 0 || targets_[c] != targets_[c - 1]) {
          to = targets_[c].empty() ? ByteAutomaton::kDead : number(closure(targets_[c]));
        }
        automaton_.next[state * automaton_.classes + c] = to;
      }
    }
    subsets_.clear();
    numbers_.clear();  // the memory before more is taken
    return trimmed(automaton_);
  }

 private:
  // Some tenths of a second; to store a place counts as much as 16 steps, which bounds the memory.
  static constexpr std::size_t kMostWork = std::size_t{1} << 26;

  void work(std::size_t steps) {
    work_ += steps;
    if (work_ > kMostWork) fail("the automaton takes too long to build");
  }

  void collect(const Place& place) {
    if (place.kind != Place::Kind::kByte || place.bytes.first > place.bytes.last) return;
    const std::size_t first = automaton_.byte_class[place.bytes.first];
    const std::size_t last = automaton_.byte_class[place.bytes.last];
    work(last - first + 1);
    for (std::size_t c = first; c <= last; ++c) {
      targets_[c].push_back(static_cast<std::uint32_t>(place.next));
    }
  }

  Subset closure(const Subset& from) {
    Subset result;
    ++round_;
    std::vector<std::uint32_t> todo = from;
    while (!todo.empty()) {
      const std::uint32_t index = todo.back();
      todo.pop_back();
      work(1);
      if (seen_[index] == round_) continue;
      seen_[index] = round_;
      const Place& place = places_[index];
      if (place.kind == Place::Kind::kFork) {
        todo.push_back(static_cast<std::uint32_t>(place.other));
        todo.push_back(static_cast<std::uint32_t>(place.next));
      } else {
        result.push_back(index);
      }
    }
    std::ranges::sort(result);
    return result;
  }

  std::int32_t number(Subset subset) {
    const auto [known, added] =
        numbers_.try_emplace(std::move(subset), static_cast<std::int32_t>(subsets_.size()));
    if (added) {
      automaton_.require_room("regex");
      work(16 * known->first.size());
      subsets_.push_back(&known->first);
      automaton_.add_state(std::ranges::any_of(known->first, [this](std::uint32_t place) {
        return places_[place].kind == Place::Kind::kEnd;
      }));
    }
    return known->second;
  }

  const std::vector<Place>& places_;
  std::vector<std::size_t> seen_;  // in which round of closure()
  std::size_t round_ = 0;
  std::vector<Subset> targets_;  // by class
  std::unordered_map<Subset, std::int32_t, SubsetHash> numbers_ = {};
  std::vector<const Subset*> subsets_ = {};  // by state: the keys of numbers_, which stay in place
  ByteAutomaton automaton_ = {};
  std::size_t work_ = 0;
};

}  // namespace

ByteAutomaton regex_automaton(const Regex& regex) {
  const Places places(regex);
  return Determiniser(places).run();
}

}  // namespace decant
