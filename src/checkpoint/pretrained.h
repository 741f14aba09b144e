// Writes a GPT as Hugging Face's transformers would: config.json and model.safetensors.
// Format: transformers' GPT2Config and GPT2LMHeadModel; https://huggingface.co/docs/safetensors.
#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>

#include "gpt_tensors.h"

namespace decant {

/// Makes `folder` where it is missing. Memory: a few rows, whatever the model's size. `dtype`
/// defaults to each tensor's own. Biases that the model lacks are written as zeros, as GPT-2 has
/// them all. `token_ids`, as read_token_ids() has them, stand in config.json; without them, GPT-2's
/// where the vocabulary has its size. `progress` is called with the part that is done, and may
/// throw. On an error nothing is left behind. Throws Error (kIo, and kInvalidOption for a weight
/// too large for `dtype`).
void write_pretrained(const std::filesystem::path& folder, const ModelConfig& config,
                      const Gpt& gpt, std::optional<DType> dtype,
                      const nlohmann::json& token_ids = nlohmann::json::object(),
                      const std::function<void(double)>& progress = {});

}  // namespace decant
