// Names that weights have, in the order in which they count.
#include "find_weights.h"

#include <algorithm>

#include "decant/error.h"
#include "file_bytes.h"
#include "mapped_file.h"

namespace decant {
namespace {

namespace fs = std::filesystem;

constexpr const char* kWeightNames[] = {
    "model.safetensors", "model.safetensors.index.json", "model.pt",         "ckpt.pt",
    "pytorch_model.bin", "pytorch_model.bin.index.json", "model.ckpt.index", "gpt2_124M.bin",
};

constexpr const char* kConfigNames[] = {"config.json", "hparams.json"};

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

// What llm.c calls the checkpoint of a step: model_00019560.bin.
bool is_llm_c_step(const std::string& name) {
  constexpr std::string_view kBefore = "model_";
  constexpr std::string_view kAfter = ".bin";
  constexpr std::size_t kDigits = 8;
  return name.size() == kBefore.size() + kDigits + kAfter.size() && name.starts_with(kBefore) &&
         name.ends_with(kAfter) &&
         std::all_of(name.begin() + kBefore.size(), name.end() - kAfter.size(),
                     [](char c) { return '0' <= c && c <= '9'; });
}

std::vector<std::string> llm_c_steps(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code ignored;
  for (fs::directory_iterator entry(folder, ignored), end; entry != end; entry.increment(ignored)) {
    std::string name = entry->path().filename().string();
    if (is_llm_c_step(name)) names.push_back(std::move(name));
  }
  std::sort(names.rbegin(), names.rend());  // the last step first
  return names;
}

// What a training loop saved under a name of its own, in the order of the names.
std::vector<std::string> by_extension(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code ignored;
  for (fs::directory_iterator entry(folder, ignored), end; entry != end; entry.increment(ignored)) {
    const fs::path extension = entry->path().extension();
    if (extension == ".pt" || extension == ".pth" || extension == ".safetensors") {
      names.push_back(entry->path().filename().string());
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

// What follows PREFIX in PREFIX.data-00000-of-00001.
bool is_data_suffix(std::string_view suffix) {
  std::string pattern(suffix);
  for (char& c : pattern) {
    if ('0' <= c && c <= '9') c = '0';
  }
  return pattern == ".data-00000-of-00000";
}

// The PREFIX that a file of TensorFlow's belongs to, by its name.
std::optional<fs::path> prefix_of(const fs::path& path) {
  const std::string name = path.filename().string();
  const std::size_t dot = name.rfind('.');
  if (dot == std::string::npos || dot == 0) return std::nullopt;
  const std::string_view suffix = std::string_view(name).substr(dot);
  if (suffix != ".meta" && !is_data_suffix(suffix)) return std::nullopt;
  return path.parent_path() / name.substr(0, dot);
}

// The PREFIX that TensorFlow's text file `checkpoint` names as the last one saved, without its
// folder, which is one of the machine that it was saved on; so the name never leads elsewhere.
std::optional<std::string> read_last_saved(const fs::path& path) {
  constexpr std::string_view kBefore = "model_checkpoint_path: \"";
  if (path.filename() != "checkpoint" || !is_file(path)) return std::nullopt;
  const MappedFile file(path);
  std::string_view text = FileBytes{path.string(), file.bytes()}.text();
  if (!text.starts_with(kBefore)) return std::nullopt;
  text.remove_prefix(kBefore.size());
  text = text.substr(0, text.find_first_of("\"\n"));
  return std::string(text.substr(text.find_last_of("/\\") + 1));
}

// PREFIX.index, or the file PREFIX itself, which TensorFlow's first version has instead.
std::optional<fs::path> find_index(const fs::path& prefix) {
  for (const fs::path& file : {fs::path(prefix.string() + ".index"), prefix}) {
    if (is_file(file)) return file;
  }
  return std::nullopt;
}

fs::path find_file(const fs::path& path) {
  if (const auto last = read_last_saved(path)) {
    if (const auto index = find_index(path.parent_path() / *last)) return *index;
    throw Error(ErrorCode::kIo, path.string() + ": names " + quote(*last) + ", but " +
                                    quote(*last + ".index") +
                                    " is not beside it: name the .index file that is there");
  }
  if (const auto prefix = prefix_of(path)) {
    if (const auto index = find_index(*prefix)) return *index;
    if (is_there(path)) {
      throw Error(ErrorCode::kIo, path.string() +
                                      ": is the part of a TensorFlow checkpoint that has no names "
                                      "of tensors: put " +
                                      quote(prefix->filename().string() + ".index") + " beside it");
    }
  }
  if (is_there(path)) return path;
  if (const auto index = find_index(path)) return *index;
  for (const char* part : {".meta", ".data-00000-of-00001"}) {
    if (is_file(path.string() + part)) return find_file(path.string() + part);  // says what to do
  }
  return path;
}

}  // namespace

FoundWeights find_weights(const fs::path& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return {find_file(path), {}};
  if (fs::directory_iterator files(path, error); error) {
    throw Error(ErrorCode::kIo, path.string() + ": cannot be read: " + error.message());
  }
  std::vector<std::string> found;
  std::string looked_for;
  for (const char* name : kWeightNames) {
    if (is_there(path / name)) found.emplace_back(name);
    looked_for += name + std::string(", ");
  }
  if (found.empty()) found = llm_c_steps(path);
  if (found.empty() && read_last_saved(path / "checkpoint")) {
    return {find_file(path / "checkpoint"), {}};
  }
  if (found.empty()) {
    found = by_extension(path);
    if (found.empty()) {
      throw Error(ErrorCode::kIo,
                  path.string() + ": holds no checkpoint (looked for " + looked_for +
                      "model_NNNNNNNN.bin, checkpoint, *.pt, *.pth, *.safetensors)");
    }
    if (found.size() > 1) {
      throw Error(ErrorCode::kIo, path.string() + ": holds several checkpoints (" +
                                      quote(found[0]) + ", " + quote(found[1]) +
                                      (found.size() > 2 ? ", ..." : "") + "): name one of them");
    }
  }
  FoundWeights weights{path / found.front(), {}};
  if (found.size() > 1) {
    const std::size_t others = found.size() - 2;
    weights.notes.push_back("took " + found[0] + "; the folder also holds " + found[1] +
                            (others > 0 ? " and " + std::to_string(others) + " more" : ""));
  }
  return weights;
}

std::optional<Settings> find_config(const fs::path& weights) {
  for (const char* name : kConfigNames) {
    const fs::path path = weights.parent_path() / name;
    if (is_there(path)) return read_config_json(path);
  }
  return std::nullopt;
}

}  // namespace decant
