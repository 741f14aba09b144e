#include "stream.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace decant {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD
constexpr std::size_t kReserve = 4096;  // so that the token loop does not allocate

struct Character {
  std::size_t length;  // bytes that belong together: a character, or the valid start of one
  enum { kWhole, kInvalid, kUnfinished } kind;
};

// The first character of `text` (not empty), by the table of well-formed byte sequences in the
// Unicode Standard (3.9, table 3-7). Of an ill-formed sequence, the maximal subpart.
Character first_character(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return {1, Character::kWhole};
  const std::size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (lead < 0xC2 || lead > 0xF4) return {1, Character::kInvalid};
  for (std::size_t i = 1; i < length; ++i) {
    if (i == text.size()) return {i, Character::kUnfinished};
    unsigned low = 0x80;
    unsigned high = 0xBF;
    if (i == 1) {
      if (lead == 0xE0) low = 0xA0;   // overlong
      if (lead == 0xED) high = 0x9F;  // surrogates
      if (lead == 0xF0) low = 0x90;   // overlong
      if (lead == 0xF4) high = 0x8F;  // beyond U+10FFFF
    }
    if (byte(i) < low || byte(i) > high) return {i, Character::kInvalid};
  }
  return {length, Character::kWhole};
}

}  // namespace

Stream::Stream(std::vector<std::string> stops, bool raw) : stops_(std::move(stops)), raw_(raw) {
  assert(std::ranges::none_of(stops_, &std::string::empty));
  // The longest first: of the stops that end on one byte, it is found first.
  std::ranges::sort(stops_, std::ranges::greater{}, &std::string::size);
  held_.reserve(kReserve);
  released_.reserve(kReserve);
}

std::string_view Stream::push(std::string_view bytes) {
  const std::size_t first_new = held_.size();
  held_ += bytes;
  find_stop(first_new);
  return release(stopped_ ? held_.size() : certain_bytes(), stopped_);
}

std::string_view Stream::finish() { return release(held_.size(), true); }

// Looks for the first byte, from first_new on, on which a stop string ends, and cuts before it.
void Stream::find_stop(std::size_t first_new) {
  if (stops_.empty()) return;
  for (std::size_t end = first_new + 1; end <= held_.size(); ++end) {
    const std::string_view seen(held_.data(), end);
    for (const std::string& stop : stops_) {
      if (!seen.ends_with(stop)) continue;
      held_.resize(end - stop.size());
      stopped_ = true;
      return;
    }
  }
}

// Everything but the longest end of held_ that is the start of a stop string.
std::size_t Stream::certain_bytes() const {
  const std::string_view held = held_;
  std::size_t keep = 0;
  for (const std::string& stop : stops_) {
    const std::string_view whole = stop;
    for (std::size_t n = std::min(stop.size() - 1, held.size()); n > keep; --n) {
      if (held.ends_with(whole.substr(0, n))) keep = n;
    }
  }
  return held.size() - keep;
}

std::string_view Stream::release(std::size_t count, bool at_end) {
  std::size_t done = 0;
  released_.clear();
  if (raw_) {
    released_.assign(held_, 0, count);
    done = count;
  }
  while (done < count) {
    const std::string_view rest = std::string_view(held_).substr(done, count - done);
    const Character character = first_character(rest);
    if (character.kind == Character::kUnfinished && !at_end) break;
    released_ +=
        character.kind == Character::kWhole ? rest.substr(0, character.length) : kReplacement;
    done += character.length;
  }
  held_.erase(0, done);
  return released_;
}

}  // namespace decant
