// The weights of a GPT as the forward pass reads them.
//
// C = channels, I = n_inner, L = layers, T = positions, V = vocabulary
#pragma once

#include <vector>

#include "decant/model.h"
#include "packed_matrix.h"

namespace decant {

struct LayerNormWeights {
  std::vector<float> weight;  // (C)
  std::vector<float> bias;    // (C), or empty
};

struct LinearWeights {
  PackedMatrix weight;      // (out, in)
  std::vector<float> bias;  // (out), or empty
};

struct LayerWeights {
  LayerNormWeights ln_1;
  LinearWeights qkv;  // (3 C, C): queries, keys, values
  LinearWeights attn_proj;
  LayerNormWeights ln_2;
  LinearWeights fc;        // (I, C)
  LinearWeights mlp_proj;  // (C, I)
};

struct Model::Weights {
  ModelConfig config;
  WeightFormat format = WeightFormat::kF32;
  PackedMatrix head;             // (V, C)
  std::vector<float> head_bias;  // (V), or empty
  PackedMatrix wte;              // (V, C), or empty where the head is tied: then head has the rows
  std::vector<float> wpe;        // (T, C), row-major
  std::vector<LayerWeights> layers;
  LayerNormWeights ln_f;

  std::size_t matrix_bytes() const;
  const PackedMatrix& embedding() const { return config.tied_head ? head : wte; }
};

}  // namespace decant
