// Token bytes to text that can be shown: held back while it could still change its meaning.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace decant {

/// Cuts a stream of token bytes at the first stop string and into whole UTF-8 characters. Holds
/// back no more than could still be the start of a stop string or of a character.
class Stream {
 public:
  /// `raw` passes bytes on unchecked. No stop string is empty.
  Stream(std::vector<std::string> stops, bool raw);

  /// Takes the bytes of the next token and returns the text that is certain now, valid until the
  /// next call. Where stop strings overlap, the one that is complete first wins, and of those that
  /// end on the same byte the longest: the text does not depend on how bytes fall into tokens.
  std::string_view push(std::string_view bytes);

  /// True once a stop string was seen; nothing may be pushed any more.
  bool stopped() const { return stopped_; }

  /// What is still held back, at the end of the text. Half a character becomes U+FFFD, unless raw.
  std::string_view finish();

 private:
  void find_stop(std::size_t first_new);
  std::size_t certain_bytes() const;
  std::string_view release(std::size_t count, bool at_end);

  std::vector<std::string> stops_;
  bool raw_;
  bool stopped_ = false;
  std::string held_;      // received and not yet shown
  std::string released_;  // what the last call returned
};

}  // namespace decant
