// Opens checkpoints: finds the file, maps it, and has it read, recognised and bound.
#include "decant/checkpoint.h"

#include <string>
#include <utility>

#include "bind.h"
#include "decant/error.h"
#include "mapped_file.h"
#include "pretrained.h"

namespace decant {
namespace {

namespace fs = std::filesystem;

constexpr const char* kConfigName = "config.json";

// What a folder may call its weights, the first that is there counts.
constexpr const char* kWeightNames[] = {"model.safetensors", "model.pt", "ckpt.pt",
                                        "pytorch_model.bin"};

fs::path find_weights(const fs::path& path) {
  std::error_code ignored;
  if (!fs::is_directory(path, ignored)) return path;
  std::string looked_for;
  for (const char* name : kWeightNames) {
    if (fs::exists(path / name, ignored)) return path / name;
    looked_for += std::string(looked_for.empty() ? "" : ", ") + name;
  }
  if (fs::exists(path / "model.safetensors.index.json", ignored) ||
      fs::exists(path / "pytorch_model.bin.index.json", ignored)) {
    throw Error(ErrorCode::kUnsupported,
                path.string() + ": its weights are split over several files: save them as one");
  }
  throw Error(ErrorCode::kIo,
              path.string() + ": holds no checkpoint (looked for " + looked_for + ")");
}

std::optional<Settings> find_config(const fs::path& weights) {
  const fs::path path = weights.parent_path() / kConfigName;
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return std::nullopt;
  return read_config_json(path);
}

std::vector<TensorInfo> list_tensors(const TensorFile& file) {
  std::vector<TensorInfo> infos;
  for (const StoredTensor& tensor : file.tensors) {
    if (tensor.dtype) infos.push_back({tensor.name, *tensor.dtype, tensor.shape});
  }
  return infos;
}

}  // namespace

struct Checkpoint::State {
  fs::path path;
  MappedFile file;
  std::string format;
  std::vector<TensorInfo> tensors;
  Bound bound;
};

Checkpoint::Checkpoint(std::unique_ptr<State> state) : state_(std::move(state)) {}
Checkpoint::Checkpoint(Checkpoint&&) noexcept = default;
Checkpoint& Checkpoint::operator=(Checkpoint&&) noexcept = default;
Checkpoint::~Checkpoint() = default;

Checkpoint Checkpoint::open(const fs::path& path, const CheckpointOptions& options) {
  const fs::path weights = find_weights(path);
  MappedFile file(weights);
  const FileBytes bytes{weights.string(), file.bytes()};
  TensorFile tensors = read_tensor_file(bytes);
  Bound bound = bind_gpt(bytes, tensors, find_config(weights), options);
  return Checkpoint(
      std::make_unique<State>(State{weights, std::move(file), std::move(tensors.format),
                                    list_tensors(tensors), std::move(bound)}));
}

const ModelConfig& Checkpoint::config() const { return state_->bound.config; }
std::span<const TensorInfo> Checkpoint::tensors() const& { return state_->tensors; }
const fs::path& Checkpoint::file() const { return state_->path; }
const std::string& Checkpoint::format() const { return state_->format; }
const std::string& Checkpoint::dialect() const { return state_->bound.dialect; }
const std::string& Checkpoint::evidence() const { return state_->bound.evidence; }
std::span<const std::string> Checkpoint::notes() const& { return state_->bound.notes; }
const Gpt& Checkpoint::gpt() const& { return state_->bound.gpt; }

void Checkpoint::save_pretrained(const fs::path& folder, std::optional<DType> dtype) const {
  write_pretrained(folder, config(), gpt(), dtype);
}

}  // namespace decant
