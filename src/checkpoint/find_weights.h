// Which files of a folder make up a checkpoint.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "settings.h"

namespace decant {

struct FoundWeights {
  std::filesystem::path path;
  std::vector<std::string> notes;  ///< what else the folder has, for a person to see
};

/// The file to begin with: `path` itself, or the first of the names that weights have in a folder.
/// For anything that belongs to a TensorFlow PREFIX (itself, its data, its graph, the text file
/// `checkpoint` that names it) PREFIX.index, or a file PREFIX. Throws Error (kIo) for a folder
/// without weights, and for a part of TensorFlow's without the index.
FoundWeights find_weights(const std::filesystem::path& path);

/// The config.json beside the weights, or OpenAI's hparams.json; nothing where there is neither.
std::optional<Settings> find_config(const std::filesystem::path& weights);

}  // namespace decant
