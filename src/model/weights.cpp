// Checkpoint to packed weights: the one pass that reads every weight, and so checks every weight.
#include "weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "decant/error.h"
#include "gpt_tensors.h"

namespace decant {
namespace {

// Reads the tensors of one file; a weight that is no number ends it.
class Packer {
 public:
  Packer(std::string file, WeightType type) : file_(std::move(file)), type_(type) {}

  PackedMatrix matrix(const MatrixView& view) const {
    return {view.rows, view.cols, type_,
            [&](std::int64_t row, std::span<float> out) { read_row(view, row, out); }};
  }

  std::vector<float> table(const MatrixView& view) const {
    const auto cols = static_cast<std::size_t>(view.cols);
    std::vector<float> values(static_cast<std::size_t>(view.rows) * cols);
    for (std::int64_t r = 0; r < view.rows; ++r) {
      read_row(view, r, std::span(values).subspan(static_cast<std::size_t>(r) * cols, cols));
    }
    return values;
  }

  std::vector<float> bias(const std::optional<MatrixView>& view) const {
    return view ? table(*view) : std::vector<float>{};
  }

  LayerNormWeights layer_norm(const LayerNormTensors& tensors) const {
    return {table(tensors.weight), bias(tensors.bias)};
  }

  LinearWeights linear(const Linear& linear) const {
    return {matrix(linear.weight), bias(linear.bias)};
  }

  // Queries, keys and values as one product over the same input.
  LinearWeights qkv(const GptLayer& layer) const {
    const Linear* parts[] = {&layer.q, &layer.k, &layer.v};
    const std::int64_t channels = layer.q.weight.rows;
    LinearWeights fused;
    fused.weight = PackedMatrix(3 * channels, layer.q.weight.cols, type_,
                                [&](std::int64_t row, std::span<float> out) {
                                  read_row(parts[row / channels]->weight, row % channels, out);
                                });
    if (std::ranges::any_of(parts, [](const Linear* part) { return part->bias.has_value(); })) {
      for (const Linear* part : parts) {
        std::vector<float> one = bias(part->bias);
        one.resize(static_cast<std::size_t>(channels));  // a missing bias is zero
        fused.bias.insert(fused.bias.end(), one.begin(), one.end());
      }
    }
    return fused;
  }

 private:
  void read_row(const MatrixView& view, std::int64_t row, std::span<float> out) const {
    view.read_row(row, out.data());
    const auto bad = std::ranges::find_if_not(out, [](float w) { return std::isfinite(w); });
    if (bad == out.end()) return;
    throw Error(ErrorCode::kInvalidWeights,
                fmt::format("{}: tensor '{}': the weight at ({}, {}) is {}; the training run "
                            "diverged, or the file is damaged: use an earlier checkpoint",
                            file_, view.name, row, bad - out.begin(),
                            std::isnan(*bad) ? "NaN" : "infinite"));
  }

  std::string file_;
  WeightType type_;
};

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
  const Packer pack(checkpoint.file().string(),
                    format == WeightFormat::kBF16 ? WeightType::kBF16 : WeightType::kF32);
  weights->head = pack.matrix(gpt.head);
  if (!weights->config.tied_head) weights->wte = pack.matrix(gpt.wte);
  weights->wpe = pack.table(gpt.wpe);
  for (const GptLayer& layer : gpt.layers) {
    weights->layers.push_back({.ln_1 = pack.layer_norm(layer.ln_1),
                               .qkv = pack.qkv(layer),
                               .attn_proj = pack.linear(layer.attn_proj),
                               .ln_2 = pack.layer_norm(layer.ln_2),
                               .fc = pack.linear(layer.fc),
                               .mlp_proj = pack.linear(layer.mlp_proj)});
  }
  weights->ln_f = pack.layer_norm(gpt.ln_f);
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
