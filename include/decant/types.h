// The nouns that every part of Decant shares. No logic lives here.
#pragma once

#include <cstdint>
#include <span>

namespace decant {

/// One entry of the vocabulary: 0 <= id < vocab_size.
using TokenId = std::int32_t;

/// V scores of the next token, one a vocabulary entry. -inf means "impossible".
using Logits = std::span<const float>;

/// Chooses the text among all that the settings allow: same model, settings and seed, same text.
using Seed = std::uint64_t;

}  // namespace decant
