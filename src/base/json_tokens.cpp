// No parsing: a string ends at its quote, and what is no string at what cannot be in a number.
#include "json_tokens.h"

namespace decant {

void require_short_json_tokens(const FileBytes& file, std::string_view text) {
  std::size_t start = 0;  // of the token that the loop is in
  bool in_string = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '"') {
      in_string = !in_string;
      start = at + 1;
    } else if (in_string) {
      if (c == '\\') ++at;
    } else if (c == ' ' || c == ',' || c == ':' || c == '\n' || c == '[' || c == '{') {
      start = at + 1;
    }
    if (at + 1 - start > kMaxJsonToken) {
      file.fail(ErrorCode::kTooLarge, "has a string or number of more than " +
                                          std::to_string(kMaxJsonToken) + " bytes at byte " +
                                          std::to_string(start));
    }
  }
}

}  // namespace decant
