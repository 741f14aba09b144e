// The writer of Hugging Face folders, a tile of rows at a time.
#include "pretrained.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "decant/error.h"
#include "file.h"
#include "half.h"
#include "recognize.h"
#include "tensor_file.h"

namespace decant {
namespace {

// ordered_json: keys stay as written here.
using nlohmann::ordered_json;

// Transposing reads a column's rows together: 64 of them are whole cache lines, and whole blocks of
// inputs that share a scale.
constexpr std::int64_t kTileRows = 64;
static_assert(kTileRows % kScaleBlock == 0);

// A matrix, or zeros in the place of a bias that the model does not have.
struct Piece {
  std::optional<MatrixView> values;
  std::int64_t rows = 0;
  std::int64_t cols = 0;
};

// What the rows and columns of a tensor stand for.
enum class Axes {
  kVector,
  kTable,      // anything, as in a table of positions: never integers
  kOutInputs,  // as in the token embedding and the head
  kInOutputs,  // as in Conv1D
};

bool may_be_integers(Axes axes) { return axes == Axes::kOutInputs || axes == Axes::kInOutputs; }

// One tensor to write: pieces side by side, such as q, k and v in c_attn.
struct Output {
  std::string name;
  Axes axes = Axes::kTable;
  DType dtype = DType::kF32;
  std::vector<Piece> pieces;
  bool is_scales = false;  // not the elements of a matrix of integers, but their scales

  std::string stored_name() const { return is_scales ? name + std::string(kScaleSuffix) : name; }
  std::int64_t row_block() const { return axes == Axes::kInOutputs ? kScaleBlock : 1; }
  std::int64_t col_block() const { return axes == Axes::kOutInputs ? kScaleBlock : 1; }

  std::int64_t rows() const { return pieces[0].rows; }
  std::int64_t cols() const {
    std::int64_t sum = 0;
    for (const Piece& piece : pieces) sum += piece.cols;
    return sum;
  }
  std::vector<std::int64_t> shape() const {
    if (axes == Axes::kVector) return {cols()};
    if (!is_scales) return {rows(), cols()};
    return {(rows() - 1) / row_block() + 1, (cols() - 1) / col_block() + 1};
  }
  std::uint64_t bytes() const {
    return static_cast<std::uint64_t>(*element_count(shape())) * dtype_size(dtype);
  }
};

Piece piece(const MatrixView& view) { return {view, view.rows, view.cols}; }

Piece piece(const std::optional<MatrixView>& bias, std::int64_t size) {
  return bias ? piece(*bias) : Piece{std::nullopt, 1, size};
}

class OutputList {
 public:
  explicit OutputList(std::optional<DType> dtype) : dtype_(dtype) {}

  void add(const std::string& name, Axes axes, std::vector<Piece> pieces) {
    Output output{name, axes, own_dtype(axes, pieces), std::move(pieces)};
    if (dtype_ && (dtype_ != DType::kI8 || may_be_integers(axes))) output.dtype = *dtype_;
    if (output.dtype == DType::kI8) {
      Output scales = output;
      scales.dtype = DType::kBF16;
      scales.is_scales = true;
      outputs_.push_back(std::move(scales));
    }
    outputs_.push_back(std::move(output));
  }

  // In Conv1D orientation, (in, out): outputs of several linear layers stand side by side.
  void add_linear(const std::string& name, std::initializer_list<const Linear*> linears) {
    std::vector<Piece> weights, biases;
    for (const Linear* linear : linears) {
      for (const MatrixView& view : linear->weight) weights.push_back(piece(view.transposed()));
      for (const MatrixView& view : linear->bias) biases.push_back(piece(view));
      if (linear->bias.empty()) biases.push_back(piece(std::nullopt, linear->outputs()));
    }
    add(name + ".weight", Axes::kInOutputs, std::move(weights));
    add(name + ".bias", Axes::kVector, std::move(biases));
  }

  void add_vector(const std::string& name, const MatrixView& vector) {
    add(name, Axes::kVector, {piece(vector)});
  }

  void add_layer_norm(const std::string& name, const LayerNormTensors& norm) {
    add_vector(name + ".weight", norm.weight);
    add(name + ".bias", Axes::kVector, {piece(norm.bias, norm.weight.cols)});
  }

  // Wider types first: then every tensor is aligned to its own elements.
  std::vector<Output> take() {
    std::stable_sort(outputs_.begin(), outputs_.end(), [](const Output& a, const Output& b) {
      return dtype_size(a.dtype) > dtype_size(b.dtype);
    });
    return std::move(outputs_);
  }

 private:
  // The type that loses nothing: that of the pieces, or F32 where they differ.
  DType own_dtype(Axes axes, const std::vector<Piece>& pieces) const {
    std::optional<DType> own;
    for (const Piece& piece : pieces) {
      if (!piece.values) continue;
      if (piece.values->scale != 1) return DType::kF32;
      if (own && *own != piece.values->dtype) return DType::kF32;
      own = piece.values->dtype;
    }
    if (!own) own = outputs_.back().dtype;  // zeros: as the weight that they belong to
    return *own == DType::kI8 && !may_be_integers(axes) ? DType::kF32 : *own;
  }

  std::optional<DType> dtype_;
  std::vector<Output> outputs_;
};

std::vector<Output> list_outputs(const ModelConfig& config, const Gpt& gpt,
                                 std::optional<DType> dtype) {
  OutputList list(dtype);
  list.add("transformer.wte.weight", Axes::kOutInputs, {piece(gpt.wte)});
  list.add("transformer.wpe.weight", Axes::kTable, {piece(gpt.wpe)});
  for (std::size_t i = 0; i < gpt.layers.size(); ++i) {
    const GptLayer& layer = gpt.layers[i];
    const std::string prefix = "transformer.h." + std::to_string(i) + ".";
    list.add_layer_norm(prefix + "ln_1", layer.ln_1);
    list.add_linear(prefix + "attn.c_attn", {&layer.q, &layer.k, &layer.v});
    list.add_linear(prefix + "attn.c_proj", {&layer.attn_proj});
    list.add_layer_norm(prefix + "ln_2", layer.ln_2);
    list.add_linear(prefix + "mlp.c_fc", {&layer.fc});
    list.add_linear(prefix + "mlp.c_proj", {&layer.mlp_proj});
  }
  list.add_layer_norm("transformer.ln_f", gpt.ln_f);
  if (!config.tied_head || gpt.head_bias) {
    list.add("lm_head.weight", Axes::kOutInputs, {piece(gpt.head)});
  }
  if (gpt.head_bias) list.add_vector("lm_head.bias", *gpt.head_bias);
  return list.take();
}

void write_header(const std::vector<Output>& outputs, AtomicFile& file) {
  ordered_json header = {{"__metadata__", {{"format", "pt"}}}};
  std::uint64_t offset = 0;
  for (const Output& output : outputs) {
    header[output.stored_name()] = {{"dtype", dtype_name(output.dtype)},
                                    {"shape", output.shape()},
                                    {"data_offsets", {offset, offset + output.bytes()}}};
    offset += output.bytes();
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');  // the data begins 8-aligned
  const std::uint64_t size = text.size();
  file.write(std::as_bytes(std::span(&size, 1)));
  file.write(text);
}

// Rows [first, first + count) of one piece, into the columns of a tile that is `width` wide.
void read_tile(const Piece& piece, std::int64_t first, std::int64_t count, std::int64_t width,
               std::vector<float>& scratch, float* tile) {
  if (!piece.values) {
    for (std::int64_t r = 0; r < count; ++r) std::fill_n(tile + r * width, piece.cols, 0.0f);
    return;
  }
  if (piece.values->row_stride != 1) {
    for (std::int64_t r = 0; r < count; ++r) piece.values->read_row(first + r, tile + r * width);
    return;
  }
  // Transposed: the file is contiguous along our columns, so read along them.
  const MatrixView columns = piece.values->row_range(first, count).transposed();
  scratch.resize(static_cast<std::size_t>(count));
  for (std::int64_t c = 0; c < piece.cols; ++c) {
    columns.read_row(c, scratch.data());
    for (std::int64_t r = 0; r < count; ++r) {
      tile[r * width + c] = scratch[static_cast<std::size_t>(r)];
    }
  }
}

// A scale below it counts as zero: its inverse could overflow.
constexpr float kTiny = 1e-30f;

class TensorWriter {
 public:
  TensorWriter(AtomicFile& file, const std::vector<Output>& outputs,
               const std::function<void(double)>& progress)
      : file_(file), progress_(progress) {
    for (const Output& output : outputs) total_ += elements(output);
  }

  void write(const Output& output) {
    const std::int64_t width = output.cols();
    for (std::int64_t first = 0; first < output.rows(); first += kTileRows) {
      const std::int64_t count = std::min(kTileRows, output.rows() - first);
      tile_.resize(static_cast<std::size_t>(count * width));
      float* column = tile_.data();
      for (const Piece& piece : output.pieces) {
        read_tile(piece, first, count, width, scratch_, column);
        column += piece.cols;
      }
      if (output.is_scales || output.dtype == DType::kI8) {
        write_blocks(output, count);
      } else {
        write_tile(output);
      }
      done_ += static_cast<double>(count) * static_cast<double>(width);
      if (progress_) progress_(done_ / total_);
    }
  }

 private:
  static double elements(const Output& output) {
    return static_cast<double>(output.rows()) * static_cast<double>(output.cols());
  }

  void write_tile(const Output& output) {
    switch (output.dtype) {
      case DType::kF32:
        return file_.write(std::as_bytes(std::span(tile_)));
      case DType::kF16:
        return write_narrow(output, narrow_f16, 0x7c00);
      case DType::kBF16:
        return write_narrow(output, narrow_bf16, 0x7f80);
      case DType::kI8:
        break;
    }
  }

  // The integers of `count` rows, or the scales: to the bit what a model of kQ8 computes with
  // (quantize_panel in src/kernels).
  void write_blocks(const Output& output, std::int64_t count) {
    const std::int64_t width = output.cols();
    integers_.resize(tile_.size());
    scales_.clear();
    for (std::int64_t row = 0; row < count; row += output.row_block()) {
      const std::int64_t rows = std::min(output.row_block(), count - row);
      for (std::int64_t col = 0; col < width; col += output.col_block()) {
        const std::int64_t cols = std::min(output.col_block(), width - col);
        const std::int64_t first = row * width + col;
        float largest = 0;
        for_each(first, rows, cols, width, [&](std::size_t i) {
          const float magnitude = std::abs(tile_[i]);
          if (magnitude > largest || std::isnan(magnitude)) largest = magnitude;
        });
        if (!std::isfinite(largest)) {
          throw Error(ErrorCode::kInvalidWeights,
                      "tensor " + quote(output.name) + ": a weight is " +
                          (std::isnan(largest) ? "NaN" : "infinite") +
                          "; the training run diverged: use an earlier checkpoint");
        }
        const std::uint16_t scale = narrow_bf16(largest / 127);
        scales_.push_back(scale);
        const float inverse = widen_bf16(scale) < kTiny ? 0 : 1 / widen_bf16(scale);
        for_each(first, rows, cols, width, [&](std::size_t i) {
          integers_[i] = static_cast<std::int8_t>(
              std::clamp(std::nearbyint(tile_[i] * inverse), -127.0f, 127.0f));
        });
      }
    }
    if (output.is_scales) return file_.write(std::as_bytes(std::span(scales_)));
    file_.write(std::as_bytes(std::span(integers_)));
  }

  // Calls task(index) for a block of the tile.
  template <typename Task>
  static void for_each(std::int64_t first, std::int64_t rows, std::int64_t cols, std::int64_t width,
                       const Task& task) {
    for (std::int64_t r = 0; r < rows; ++r) {
      for (std::int64_t c = 0; c < cols; ++c) task(static_cast<std::size_t>(first + r * width + c));
    }
  }

  template <typename Narrow>
  void write_narrow(const Output& output, Narrow narrow, std::uint16_t infinity) {
    narrow_.resize(tile_.size());
    for (std::size_t i = 0; i < tile_.size(); ++i) {
      narrow_[i] = narrow(tile_[i]);
      if ((narrow_[i] & 0x7fffu) == infinity && std::isfinite(tile_[i])) {
        throw Error(ErrorCode::kInvalidOption, "tensor " + quote(output.name) + ": " +
                                                   std::to_string(tile_[i]) + " is too large for " +
                                                   std::string(dtype_name(output.dtype)) +
                                                   ": choose F32");
      }
    }
    file_.write(std::as_bytes(std::span(narrow_)));
  }

  AtomicFile& file_;
  const std::function<void(double)>& progress_;
  double total_ = 0;  // elements
  double done_ = 0;
  std::vector<float> tile_;
  std::vector<float> scratch_;
  std::vector<std::uint16_t> narrow_;
  std::vector<std::int8_t> integers_;
  std::vector<std::uint16_t> scales_;
};

// The shortest decimal that reads back as the same float: 1e-05, not 9.99999974737875e-06.
double shortest(float value) {
  return nlohmann::json::parse(fmt::format("{}", value)).get<double>();
}

const char* torch_dtype(DType dtype) {
  switch (dtype) {
    case DType::kF16:
      return "float16";
    case DType::kBF16:
      return "bfloat16";
    case DType::kF32:
    case DType::kI8:
      break;
  }
  return "float32";
}

std::string config_json(const ModelConfig& config, DType dtype, bool integers,
                        const nlohmann::json& token_ids) {
  // transformers' default is the end of text in GPT-2's vocabulary, which in another is any token
  // or none. 50,304 is 50,257 rounded up to a multiple of 64, as nanoGPT does for speed.
  const bool gpt2 = config.vocab_size == 50257 || config.vocab_size == 50304;
  const ordered_json end_of_text = gpt2 ? ordered_json(50256) : ordered_json(nullptr);
  ordered_json values = {
      {"model_type", "gpt2"},
      {"architectures", {"GPT2LMHeadModel"}},
      {"vocab_size", config.vocab_size},
      {"n_positions", config.block_size},
      {"n_embd", config.n_embd},
      {"n_layer", config.n_layer},
      {"n_head", config.n_head},
      {"n_inner", config.n_inner},
      {"activation_function", config.activation == Activation::kGeluTanh
                                  ? "gelu_new"
                                  : activation_name(config.activation)},
      {"layer_norm_epsilon", shortest(config.layer_norm_epsilon)},
      {"tie_word_embeddings", config.tied_head},
      {"bos_token_id", end_of_text},
      {"eos_token_id", end_of_text},
      {"torch_dtype", torch_dtype(dtype)},
  };
  values.update(ordered_json(token_ids));
  // Without a "quant_method", so that transformers stops here: under one that it does not know it
  // would only warn, and take the integers for the weights.
  if (integers) values["quantization_config"] = {{"bits", 8}, {"group_size", kScaleBlock}};
  return values.dump(2) + "\n";
}

// A folder that goes away again, with the parents made for it, unless keep() is reached.
class NewFolder {
 public:
  explicit NewFolder(const std::filesystem::path& folder) {
    std::error_code error;
    for (std::filesystem::path missing = folder;
         !missing.empty() && !std::filesystem::exists(missing, error);
         missing = missing.parent_path()) {
      made_.push_back(missing);
    }
    std::filesystem::create_directories(folder, error);
    if (error || !std::filesystem::is_directory(folder, error)) {
      remove();
      throw Error(ErrorCode::kIo,
                  folder.string() + ": cannot make the folder" +
                      (error ? ": " + error.message() : ": a file is in its place"));
    }
  }
  NewFolder(const NewFolder&) = delete;
  NewFolder& operator=(const NewFolder&) = delete;
  ~NewFolder() { remove(); }

  void keep() { made_.clear(); }

 private:
  void remove() const {
    std::error_code ignored;  // what is not empty stays
    for (const std::filesystem::path& folder : made_) std::filesystem::remove(folder, ignored);
  }

  std::vector<std::filesystem::path> made_;  // innermost first
};

}  // namespace

void write_pretrained(const std::filesystem::path& folder, const ModelConfig& config,
                      const Gpt& gpt, std::optional<DType> dtype, const nlohmann::json& token_ids,
                      const std::function<void(double)>& progress) {
  const std::vector<Output> outputs = list_outputs(config, gpt, dtype);
  NewFolder made(folder);
  AtomicFile weights(folder / "model.safetensors");
  AtomicFile settings(folder / "config.json");
  write_header(outputs, weights);
  TensorWriter writer(weights, outputs, progress);
  for (const Output& output : outputs) writer.write(output);
  const bool integers =
      std::ranges::any_of(outputs, [](const Output& output) { return output.dtype == DType::kI8; });
  settings.write(config_json(config, dtype.value_or(gpt.wte.dtype), integers, token_ids));
  weights.commit();
  settings.commit();
  made.keep();
}

}  // namespace decant
