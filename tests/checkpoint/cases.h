// What tests/fixtures/cases.json says of each case's tensors (tests/fixtures/README.md).
#pragma once

#include <bit>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "decant/checkpoint.h"
#include "gpt_tensors.h"

namespace decant {

inline std::filesystem::path fixtures_folder() {
  return std::filesystem::path(DECANT_SOURCE_DIR) / "tests/fixtures";
}

inline const nlohmann::json& cases() {
  static const nlohmann::json all =
      nlohmann::json::parse(std::ifstream(fixtures_folder() / "cases.json"));
  return all;
}

inline Checkpoint open_case(const nlohmann::json& one) {
  CheckpointOptions options;
  if (!one["n_head"].is_null()) options.n_head = one["n_head"].get<std::int64_t>();
  return Checkpoint::open(fixtures_folder() / one["checkpoint"].get<std::string>(), options);
}

/// Every tensor under the name that cases.json gives its role.
inline std::vector<std::pair<std::string, MatrixView>> by_role(const Gpt& gpt) {
  std::vector<std::pair<std::string, MatrixView>> all = {
      {"wte.weight", gpt.wte}, {"wpe.weight", gpt.wpe}, {"head.weight", gpt.head}};
  const auto add = [&](const std::string& name, const auto& part) {
    all.emplace_back(name + ".weight", part.weight);
    if (part.bias) all.emplace_back(name + ".bias", *part.bias);
  };
  for (std::size_t i = 0; i < gpt.layers.size(); ++i) {
    const GptLayer& layer = gpt.layers[i];
    const std::string prefix = "h." + std::to_string(i) + ".";
    add(prefix + "ln_1", layer.ln_1);
    add(prefix + "q", layer.q);
    add(prefix + "k", layer.k);
    add(prefix + "v", layer.v);
    add(prefix + "attn_proj", layer.attn_proj);
    add(prefix + "ln_2", layer.ln_2);
    add(prefix + "fc", layer.fc);
    add(prefix + "mlp_proj", layer.mlp_proj);
  }
  add("ln_f", gpt.ln_f);
  return all;
}

inline std::vector<float> values_of(const MatrixView& view) {
  std::vector<float> values(static_cast<std::size_t>(view.rows * view.cols));
  for (std::int64_t r = 0; r < view.rows; ++r) view.read_row(r, values.data() + r * view.cols);
  return values;
}

/// CRC-32 as zlib has it, bit by bit.
inline std::uint32_t crc32(std::span<const std::byte> bytes) {
  std::uint32_t crc = ~0u;
  for (const std::byte byte : bytes) {
    crc ^= static_cast<std::uint32_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1u) != 0 ? 0xedb88320u : 0u);
  }
  return ~crc;
}

}  // namespace decant
