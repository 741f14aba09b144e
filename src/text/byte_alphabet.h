// GPT-2's printable stand-ins for bytes: how vocab.json and merges.txt spell tokens.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace decant {

/// The bytes in GPT-2's order, which is also their order as its tokens 0 to 255: first those that
/// print in Latin-1 (! to ~, U+00A1 to U+00AC, U+00AE to U+00FF), which stand for themselves, then
/// the others, for which U+0100, U+0101, ... stand (Radford et al. 2019, bytes_to_unicode).
std::array<std::uint8_t, 256> bytes_in_alphabet_order();

/// The UTF-8 spelling of any bytes in the alphabet: to_symbols(" a") == "Ġa".
std::string to_symbols(std::string_view bytes);

/// The bytes that `symbols` spells; nothing where it holds a character outside the alphabet, or is
/// no UTF-8. The inverse of to_symbols().
std::optional<std::string> from_symbols(std::string_view symbols);

}  // namespace decant
