// What tests/fixtures/cases.json says of each case's tensors (tests/fixtures/README.md).
#pragma once

#include <gtest/gtest.h>

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
  if (one.contains("names")) options.names = fixtures_folder() / one["names"].get<std::string>();
  return Checkpoint::open(fixtures_folder() / one["checkpoint"].get<std::string>(), options);
}

inline void expect_same_config(const ModelConfig& a, const ModelConfig& b) {
  EXPECT_EQ(a.vocab_size, b.vocab_size);
  EXPECT_EQ(a.block_size, b.block_size);
  EXPECT_EQ(a.n_layer, b.n_layer);
  EXPECT_EQ(a.n_head, b.n_head);
  EXPECT_EQ(a.n_embd, b.n_embd);
  EXPECT_EQ(a.n_inner, b.n_inner);
  EXPECT_EQ(a.activation, b.activation);
  EXPECT_EQ(a.layer_norm_epsilon, b.layer_norm_epsilon);
  EXPECT_EQ(a.tied_head, b.tied_head);
}

/// A tensor, which the file may hold in several pieces: a head each, one after the other.
using Pieces = std::vector<MatrixView>;

/// Every tensor under the name that cases.json gives its role.
inline std::vector<std::pair<std::string, Pieces>> by_role(const Gpt& gpt) {
  std::vector<std::pair<std::string, Pieces>> all = {
      {"wte.weight", {gpt.wte}}, {"wpe.weight", {gpt.wpe}}, {"head.weight", {gpt.head}}};
  if (gpt.head_bias) all.emplace_back("head.bias", Pieces{*gpt.head_bias});
  const auto add_norm = [&](const std::string& name, const LayerNormTensors& norm) {
    all.emplace_back(name + ".weight", Pieces{norm.weight});
    if (norm.bias) all.emplace_back(name + ".bias", Pieces{*norm.bias});
  };
  const auto add = [&](const std::string& name, const Linear& linear) {
    all.emplace_back(name + ".weight", linear.weight);
    if (!linear.bias.empty()) all.emplace_back(name + ".bias", linear.bias);
  };
  for (std::size_t i = 0; i < gpt.layers.size(); ++i) {
    const GptLayer& layer = gpt.layers[i];
    const std::string prefix = "h." + std::to_string(i) + ".";
    add_norm(prefix + "ln_1", layer.ln_1);
    add(prefix + "q", layer.q);
    add(prefix + "k", layer.k);
    add(prefix + "v", layer.v);
    add(prefix + "attn_proj", layer.attn_proj);
    add_norm(prefix + "ln_2", layer.ln_2);
    add(prefix + "fc", layer.fc);
    add(prefix + "mlp_proj", layer.mlp_proj);
  }
  add_norm("ln_f", gpt.ln_f);
  return all;
}

inline std::vector<float> values_of(const Pieces& pieces) {
  std::vector<float> values;
  for (const MatrixView& piece : pieces) {
    for (std::int64_t r = 0; r < piece.rows; ++r) {
      values.resize(values.size() + static_cast<std::size_t>(piece.cols));
      piece.read_row(r, values.data() + values.size() - piece.cols);
    }
  }
  return values;
}

/// As a PyTorch module has it: a bias has one dimension.
inline std::vector<std::int64_t> shape_of(const Pieces& pieces) {
  const auto count = static_cast<std::int64_t>(pieces.size());
  if (pieces[0].row_stride == 0) return {count * pieces[0].cols};
  return {count * pieces[0].rows, pieces[0].cols};
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
