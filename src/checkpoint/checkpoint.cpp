// Opens checkpoints: finds the files, maps them, and has them read, recognised and bound.
#include "decant/checkpoint.h"

#include <string>
#include <utility>

#include "bind.h"
#include "file_set.h"
#include "find_weights.h"
#include "pretrained.h"
#include "random_weights.h"
#include "shard_index.h"
#include "sorted_table.h"
#include "tf_index.h"

namespace decant {
namespace {

namespace fs = std::filesystem;

TensorFile read_shards(const FileBytes& file, const fs::path& path, FileSet& files) {
  const ShardIndex index = read_shard_index(file);
  std::vector<Shard> shards;
  for (const auto& [name, tensors] : index) {
    const FileBytes shard = files.map(path.parent_path() / name);
    shards.push_back({shard, read_tensor_file(shard)});
  }
  return join_shards(index, std::move(shards));
}

TensorFile read_tf(const FileBytes& file, const fs::path& path, FileSet& files) {
  TfIndex index = read_tf_index(file);
  const fs::path prefix = path.extension() == ".index" ? fs::path(path).replace_extension() : path;
  std::vector<FileBytes> shards;
  for (std::uint32_t i = 0; i < index.shards; ++i) {
    shards.push_back(files.map(tf_shard_name(prefix.string(), i, index.shards)));
  }
  return join_tf_shards(std::move(index), shards);
}

// Files that only say where others hold the tensors, or one that holds them itself.
TensorFile read_tensors(const FileBytes& file, const fs::path& path, FileSet& files) {
  if (is_shard_index(file)) return read_shards(file, path, files);
  if (is_sorted_table(file)) return read_tf(file, path, files);
  return read_tensor_file(file);
}

std::vector<TensorInfo> list_tensors(const TensorFile& file) {
  std::vector<TensorInfo> infos;
  for (const StoredTensor& tensor : file.tensors) {
    infos.push_back({tensor.name,
                     tensor.dtype ? std::string(dtype_name(*tensor.dtype)) : tensor.type,
                     tensor.shape});
  }
  return infos;
}

}  // namespace

struct Checkpoint::State {
  fs::path path;
  FileSet files;
  std::string format;
  std::vector<TensorInfo> tensors;
  Bound bound;
  nlohmann::json token_ids = nlohmann::json::object();
  std::vector<std::byte> block = {};  // what random weights view
};

Checkpoint::Checkpoint(std::unique_ptr<State> state) : state_(std::move(state)) {}
Checkpoint::Checkpoint(Checkpoint&&) noexcept = default;
Checkpoint& Checkpoint::operator=(Checkpoint&&) noexcept = default;
Checkpoint::~Checkpoint() = default;

Checkpoint Checkpoint::open(const fs::path& path, const CheckpointOptions& options) {
  const FoundWeights weights = find_weights(path);
  FileSet files;
  const FileBytes file = files.map(weights.path);
  TensorFile tensors = read_tensors(file, weights.path, files);
  const std::optional<Settings> config_json = find_config(weights.path);
  Bound bound = bind_gpt(file, tensors, config_json, options);
  bound.notes.insert(bound.notes.begin(), weights.notes.begin(), weights.notes.end());
  nlohmann::json token_ids = read_token_ids(config_json, bound.config.vocab_size);
  return Checkpoint(std::make_unique<State>(State{weights.path, std::move(files),
                                                  std::move(tensors.format), list_tensors(tensors),
                                                  std::move(bound), std::move(token_ids)}));
}

Checkpoint Checkpoint::random(const ModelConfig& config, Seed seed, DType dtype) {
  RandomWeights random = random_weights(config, seed, dtype);
  Bound bound = bind_gpt({random.file.format, {}}, random.file, random.config, {});
  return Checkpoint(std::make_unique<State>(State{.path = {},
                                                  .files = {},
                                                  .format = std::move(random.file.format),
                                                  .tensors = list_tensors(random.file),
                                                  .bound = std::move(bound),
                                                  .block = std::move(random.block)}));
}

std::vector<TensorInfo> Checkpoint::list(const fs::path& path) {
  const FoundWeights weights = find_weights(path);
  FileSet files;
  return list_tensors(read_tensors(files.map(weights.path), weights.path, files));
}

const ModelConfig& Checkpoint::config() const { return state_->bound.config; }
std::span<const TensorInfo> Checkpoint::tensors() const& { return state_->tensors; }
const fs::path& Checkpoint::file() const { return state_->path; }
const std::string& Checkpoint::format() const { return state_->format; }
const std::string& Checkpoint::dialect() const { return state_->bound.dialect; }
const std::string& Checkpoint::evidence() const { return state_->bound.evidence; }
std::span<const std::string> Checkpoint::notes() const& { return state_->bound.notes; }
const Gpt& Checkpoint::gpt() const& { return state_->bound.gpt; }

void Checkpoint::release_memory() const { state_->files.release(); }

void Checkpoint::save_pretrained(const fs::path& folder, std::optional<DType> dtype,
                                 const std::function<void(double)>& progress) const {
  write_pretrained(folder, config(), gpt(), dtype, state_->token_ids, progress);
}

}  // namespace decant
