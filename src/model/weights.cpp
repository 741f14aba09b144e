// Checkpoint to packed weights: the one pass that reads every weight, and so checks every weight.
#include "weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "decant/error.h"
#include "gpt_tensors.h"

namespace decant {
namespace {

void read_checked_row(const MatrixView& view, std::int64_t row, std::span<float> out) {
  view.read_row(row, out.data());
  const auto bad = std::ranges::find_if_not(out, [](float w) { return std::isfinite(w); });
  if (bad == out.end()) return;
  throw Error(
      ErrorCode::kInvalidWeights,
      fmt::format("tensor '{}': the weight at ({}, {}) is {}; the training run diverged, or "
                  "the file is damaged: use an earlier checkpoint",
                  view.name, row, bad - out.begin(), std::isnan(*bad) ? "NaN" : "infinite"));
}

PackedMatrix pack(const MatrixView& view, WeightType type) {
  return {view.rows, view.cols, type,
          [&](std::int64_t row, std::span<float> out) { read_checked_row(view, row, out); }};
}

std::vector<float> read_vector(const MatrixView& view) {
  std::vector<float> values(static_cast<std::size_t>(view.cols));
  read_checked_row(view, 0, values);
  return values;
}

std::vector<float> read_vector(const std::optional<MatrixView>& view) {
  return view ? read_vector(*view) : std::vector<float>{};
}

LayerNormWeights read_layer_norm(const LayerNormTensors& tensors) {
  return {read_vector(tensors.weight), read_vector(tensors.bias)};
}

LinearWeights pack_linear(const Linear& linear, WeightType type) {
  return {pack(linear.weight, type), read_vector(linear.bias)};
}

// Queries, keys and values as one product over the same input.
LinearWeights pack_qkv(const GptLayer& layer, WeightType type) {
  const Linear* parts[] = {&layer.q, &layer.k, &layer.v};
  const std::int64_t channels = layer.q.weight.rows;
  LinearWeights fused;
  fused.weight = PackedMatrix(
      3 * channels, layer.q.weight.cols, type, [&](std::int64_t row, std::span<float> out) {
        read_checked_row(parts[row / channels]->weight, row % channels, out);
      });
  if (std::ranges::any_of(parts, [](const Linear* part) { return part->bias.has_value(); })) {
    for (const Linear* part : parts) {
      std::vector<float> bias = read_vector(part->bias);
      bias.resize(static_cast<std::size_t>(channels));  // a missing bias is zero
      fused.bias.insert(fused.bias.end(), bias.begin(), bias.end());
    }
  }
  return fused;
}

}  // namespace

Model::Model(const Checkpoint& checkpoint, WeightFormat format) {
  const Gpt& gpt = checkpoint.gpt();
  auto weights = std::make_unique<Weights>();
  weights->config = checkpoint.config();
  if (format == WeightFormat::kAuto) {
    const bool lossless = std::ranges::all_of(
        checkpoint.tensors(), [](const TensorInfo& t) { return t.dtype == DType::kBF16; });
    format = lossless ? WeightFormat::kBF16 : WeightFormat::kF32;
  }
  weights->format = format;
  const WeightType type = format == WeightFormat::kBF16 ? WeightType::kBF16 : WeightType::kF32;

  weights->head = pack(gpt.head, type);
  if (!weights->config.tied_head) weights->wte = pack(gpt.wte, type);
  const auto channels = static_cast<std::size_t>(gpt.wpe.cols);
  weights->wpe.resize(static_cast<std::size_t>(gpt.wpe.rows) * channels);
  for (std::int64_t t = 0; t < gpt.wpe.rows; ++t) {
    read_checked_row(
        gpt.wpe, t,
        std::span(weights->wpe).subspan(static_cast<std::size_t>(t) * channels, channels));
  }
  for (const GptLayer& layer : gpt.layers) {
    weights->layers.push_back({.ln_1 = read_layer_norm(layer.ln_1),
                               .qkv = pack_qkv(layer, type),
                               .attn_proj = pack_linear(layer.attn_proj, type),
                               .ln_2 = read_layer_norm(layer.ln_2),
                               .fc = pack_linear(layer.fc, type),
                               .mlp_proj = pack_linear(layer.mlp_proj, type)});
  }
  weights->ln_f = read_layer_norm(gpt.ln_f);
  weights_ = std::move(weights);
}

Model::Model(Model&&) noexcept = default;
Model& Model::operator=(Model&&) noexcept = default;
Model::~Model() = default;

const ModelConfig& Model::config() const { return weights_->config; }
WeightFormat Model::weights() const { return weights_->format; }

std::size_t Model::weight_bytes() const {
  std::size_t bytes = weights_->head.bytes() + weights_->wte.bytes();
  for (const LayerWeights& layer : weights_->layers) {
    bytes += layer.qkv.weight.bytes() + layer.attn_proj.weight.bytes() + layer.fc.weight.bytes() +
             layer.mlp_proj.weight.bytes();
  }
  return bytes;
}

}  // namespace decant
