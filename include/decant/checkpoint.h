// A trained model's file as it lies on disk: opened, validated, and recognised.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "decant/types.h"

namespace decant {

/// How the feed-forward layer bends: x * Phi(x) by erf, GPT-2's tanh approximation of that, or
/// max(x, 0).
enum class Activation { kGelu, kGeluTanh, kRelu };

/// "gelu", "gelu_tanh", "relu".
std::string_view activation_name(Activation activation);

/// The sizes of a GPT. C = channels (n_embd), T = positions (block_size), V = vocabulary.
struct ModelConfig {
  std::int64_t vocab_size = 0;  ///< V
  std::int64_t block_size = 0;  ///< T: the longest context, the rows of the position table
  std::int64_t n_layer = 0;
  std::int64_t n_head = 0;   ///< divides n_embd
  std::int64_t n_embd = 0;   ///< C
  std::int64_t n_inner = 0;  ///< width of the feed-forward layer, mostly 4 C
  Activation activation = Activation::kGeluTanh;
  float layer_norm_epsilon = 1e-5f;
  bool tied_head = false;  ///< the output head is the token embedding
};

/// The sizes that OpenAI published: "gpt2" (124 million weights), "gpt2-medium", "gpt2-large" or
/// "gpt2-xl" (1.5 billion). Throws Error (kInvalidOption) for any other name.
ModelConfig gpt2_config(std::string_view name);

/// kI8 is for matrices: an integer of 8 bits times a bfloat16 scale, which 32 neighbouring inputs
/// of an output share, and which stands in a tensor of its own (docs/checkpoints.md).
enum class DType { kF32, kF16, kBF16, kI8 };

/// The name that safetensors gives a type: "F32", "F16", "BF16", "I8".
std::string_view dtype_name(DType dtype);
std::size_t dtype_size(DType dtype);

/// One tensor of the file, as the file names it.
struct TensorInfo {
  std::string name;
  std::string type;  ///< dtype_name(), or, of a type that is not read, what the format calls it
  std::vector<std::int64_t> shape;
};

struct CheckpointOptions {
  /// Number of attention heads, which shapes cannot tell; overrides what the file says.
  std::optional<std::int64_t> n_head = {};
  /// A JSON file that says what the tensors are called, for a naming scheme that Decant does not
  /// know (docs/checkpoints.md).
  std::optional<std::filesystem::path> names = {};
};

struct Gpt;  // the tensors by their role (src/checkpoint/gpt_tensors.h)

/// An open checkpoint whose every tensor has been checked to lie inside its file and to have the
/// place and the shape that its dialect gives it. Tensors stay on disk (memory-mapped) until read.
/// Movable; keep it alive while a Model is built from it.
class Checkpoint {
 public:
  /// Opens a file of a format that docs/checkpoints.md lists, be it whole or an index of several
  /// files, or a folder with one. Nothing in a file is ever executed.
  /// Throws Error: kIo, kUnrecognized, kTruncated, kMalformed, kUnsupported, kForbidden, kTooLarge,
  /// kMissingTensor, kUnexpectedTensor, kShapeMismatch, kInvalidOption.
  static Checkpoint open(const std::filesystem::path& path, const CheckpointOptions& options = {});

  /// A model without a file: weights close to normal(0, 0.02), as GPT-2's are before training, and
  /// layer norms of 1. Says nothing worth reading, but takes the time and memory of a trained one.
  ///
  ///     const Model model(Checkpoint::random(gpt2_config("gpt2-xl")));
  ///
  /// Same arguments, same weights, on every machine. Parts of large tensors repeat: a few MB of
  /// numbers make a model of any size. Throws Error (kInvalidOption) for sizes that cannot be, and
  /// for kI8.
  static Checkpoint random(const ModelConfig& config, Seed seed = 0, DType dtype = DType::kBF16);

  /// The tensors of what open() would read, whatever they are called: for writing a names file.
  /// Throws Error as open() does, but for what has to do with names and shapes.
  static std::vector<TensorInfo> list(const std::filesystem::path& path);

  Checkpoint(Checkpoint&&) noexcept;
  Checkpoint& operator=(Checkpoint&&) noexcept;
  ~Checkpoint();

  const ModelConfig& config() const;
  /// In the file's order.
  std::span<const TensorInfo> tensors() const&;
  std::span<const TensorInfo> tensors() && = delete;  // would point into a checkpoint that is gone
  /// The file that holds the tensors, or the index; empty where they are random.
  const std::filesystem::path& file() const;
  const std::string& format() const;    ///< "safetensors", "PyTorch zip", ...
  const std::string& dialect() const;   ///< "nanoGPT", ...: whose names these are
  const std::string& evidence() const;  ///< what the dialect was recognised from
  /// Lines that a person should see: an assumption taken, a buffer ignored.
  std::span<const std::string> notes() const&;
  std::span<const std::string> notes() && = delete;

  /// Writes config.json and model.safetensors (Hugging Face GPT-2 names) into `folder`, which it
  /// makes; `dtype` defaults to the file's own. With kI8 matrices become the integers that a model
  /// of WeightFormat::kQ8 computes with, and all else keeps its type. Each file is written aside
  /// and renamed, so that a full disk leaves nothing half done. Biases that the model lacks are
  /// written as zeros. `progress` is called now and then with the part that is done, 0 to 1; what
  /// it throws ends the writing, and nothing stays. Throws Error: kIo, and kInvalidOption for a
  /// weight that is too large for `dtype`.
  void save_pretrained(const std::filesystem::path& folder, std::optional<DType> dtype = {},
                       const std::function<void(double)>& progress = {}) const;

  /// Gives back the memory that reading tensors has taken. They can be read again.
  void release_memory() const;

  /// The tensors by their role, for the model room.
  const Gpt& gpt() const&;
  const Gpt& gpt() && = delete;

 private:
  struct State;
  explicit Checkpoint(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace decant
