// The model of a few integers that the references in tools/reference are run on, as toy_model.py
// defines it.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <vector>

#include "decant/types.h"

namespace decant {

class ToyModel {
 public:
  explicit ToyModel(const nlohmann::json& model)
      : seed_(model.at("seed")),
        vocabulary_(model.at("vocabulary")),
        memory_(model.at("memory")),
        spread_(model.at("spread")),
        unit_(model.at("unit")),
        hidden_size_(model.at("hidden_size")),
        hidden_memory_(model.at("hidden_memory")) {}

  std::vector<float> logits(std::span<const TokenId> text) const {
    const std::uint32_t context = mix(text, memory_);
    std::vector<float> row;
    for (std::uint32_t token = 0; token < vocabulary_; ++token) {
      const auto value = static_cast<std::int64_t>((add(context, token) >> 8) % (2 * spread_ + 1));
      row.push_back(static_cast<float>((value - spread_) * unit_) / 64);
    }
    return row;
  }

  std::vector<float> hidden(std::span<const TokenId> text) const {
    const std::uint32_t context = mix(text, hidden_memory_);
    std::vector<float> state;
    for (std::uint32_t d = 0; d < hidden_size_; ++d) {
      const std::uint32_t m = add(context, 65536 + d) >> 8;
      state.push_back(d == 0 ? static_cast<float>(1 + m % 4) : static_cast<float>(m % 9) - 4);
    }
    return state;
  }

 private:
  static std::uint32_t add(std::uint32_t h, std::uint32_t value) {
    h = (h ^ value) * 0x9E3779B1u;
    return h ^ h >> 15;
  }

  std::uint32_t mix(std::span<const TokenId> text, std::size_t memory) const {
    std::uint32_t h = seed_;
    for (std::size_t i = 0; i < memory; ++i) {
      const std::size_t back = memory - i;
      h = add(h, back > text.size() ? vocabulary_
                                    : static_cast<std::uint32_t>(text[text.size() - back]));
    }
    return h;
  }

  std::uint32_t seed_;
  std::uint32_t vocabulary_;
  std::size_t memory_;
  std::int64_t spread_;
  std::int64_t unit_;
  std::uint32_t hidden_size_;
  std::size_t hidden_memory_;
};

}  // namespace decant
