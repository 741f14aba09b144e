// A bound on what a JSON parser's lexer may be made to hold.
#pragma once

#include <cstddef>

#include "file_bytes.h"

namespace decant {

/// The longest string or number that JSON read by Decant may have, in bytes as written. No name or
/// piece of metadata comes near it.
inline constexpr std::size_t kMaxJsonToken = std::size_t{2} << 20;

/// Throws Error (kTooLarge) where a string or a number of `text`, a part of `file`, is longer than
/// kMaxJsonToken. nlohmann's lexer holds the token that it is in twice over, in buffers that double
/// as they grow: without this bound, six times the file.
void require_short_json_tokens(const FileBytes& file, std::string_view text);

}  // namespace decant
