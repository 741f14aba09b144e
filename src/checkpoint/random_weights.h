// A GPT of any size whose weights are random: for tests, and for timing a model without its file.
#pragma once

#include <cstddef>
#include <vector>

#include "decant/checkpoint.h"
#include "decant/types.h"
#include "tensor_file.h"

namespace decant {

/// The tensors of a Hugging Face GPT-2 of these sizes, and a config.json among their settings.
struct RandomWeights {
  std::vector<std::byte> block;  ///< what all tensors view, here and there; some MiB at most
  TensorFile file;
  Settings config;
};

/// Throws Error (kInvalidOption) that names the size that cannot be.
RandomWeights random_weights(const ModelConfig& config, Seed seed, DType dtype);

}  // namespace decant
