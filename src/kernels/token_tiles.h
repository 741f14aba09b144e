// How tokens are grouped to be multiplied side by side.
#pragma once

#include <cstddef>

namespace decant {

/// At most so many share what is read from memory; their sums fit in the registers (see tiles.h).
inline constexpr std::size_t kTileTokens = 6;

/// The tiles of `tokens` tokens, of about the same size: two of 4 and not 6 and 2.
inline constexpr std::size_t token_tiles(std::size_t tokens) {
  return (tokens + kTileTokens - 1) / kTileTokens;
}
inline constexpr std::size_t tile_begin(std::size_t tile, std::size_t tokens) {
  return tokens * tile / token_tiles(tokens);
}

}  // namespace decant
