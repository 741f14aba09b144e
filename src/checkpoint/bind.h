// From a file's tensors to a GPT: every tensor in its role, every shape checked, every size known.
#pragma once

#include <string>
#include <vector>

#include "gpt_tensors.h"
#include "settings.h"
#include "tensor_file.h"

namespace decant {

/// What Checkpoint answers with.
struct Bound {
  ModelConfig config;
  Gpt gpt;
  std::string dialect;
  std::string evidence;
  std::vector<std::string> notes;
};

/// `config_json`: the one beside the file, where there is one. Throws Error (kUnrecognized,
/// kMissingTensor, kUnexpectedTensor, kShapeMismatch, kUnsupported, kInvalidOption, kMalformed).
Bound bind_gpt(const FileBytes& file, const TensorFile& tensors,
               const std::optional<Settings>& config_json, const CheckpointOptions& options);

}  // namespace decant
