// Binds tensors to roles. Sizes come from shapes, the rest from settings; the two must agree.
#include "bind.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "decant/types.h"
#include "names_file.h"
#include "recognize.h"

namespace decant {
namespace {

constexpr std::int64_t kUsualHeadSize = 64;  // GPT-2's, whatever its width

class Binder {
 public:
  Binder(const FileBytes& file, const TensorFile& tensors,
         const std::optional<Settings>& config_json, const CheckpointOptions& options)
      : file_(file),
        tensors_(tensors),
        total_bytes_(tensors.total_bytes),
        options_(options),
        own_(options.names ? std::optional(read_names(*options.names)) : std::nullopt),
        found_(recognize(file, tensors, own_ ? std::span(&*own_, 1) : dialects())),
        dialect_(*found_.dialect),
        settings_(sources(tensors, dialect_, config_json)) {}

  Bound run() {
    check_required_settings();
    const auto bias_setting = settings_.boolean(dialect_.keys.bias);
    biases_ = has_switched_biases(found_) || (bias_setting && bias_setting->value);
    bind_tensors();
    check_sizes();
    read_heads();
    read_attention_scale();
    read_activation();
    read_epsilon();
    if (!found_.buffers.empty()) {
      note("ignored " + std::to_string(found_.buffers.size()) + " constant buffers (" +
           quote(found_.buffers.front()) + (found_.buffers.size() > 1 ? ", ...)" : ")"));
    }
    bound_.dialect = dialect_.name;
    bound_.evidence = found_.evidence;
    return std::move(bound_);
  }

 private:
  static SettingsReader sources(const TensorFile& tensors, const Dialect& dialect,
                                const std::optional<Settings>& config_json) {
    std::vector<Settings> found;
    for (const std::string& name : dialect.settings_in) {
      for (const Settings& inside : tensors.settings) {
        if (inside.name == name) found.push_back(inside);
      }
    }
    // Home-made loops call the dict with the sizes what they like; that it has the heads tells it.
    const auto has_heads = [&](const Settings& inside) {
      return inside.values.contains(dialect.keys.n_head);
    };
    const auto other = std::ranges::find_if(tensors.settings, has_heads);
    if (other != tensors.settings.end() && std::ranges::none_of(found, has_heads)) {
      found.push_back(*other);
    }
    if (config_json) {
      const auto section = config_json->values.find(dialect.config_section);
      const bool inside = section != config_json->values.end() && section->is_object();
      found.push_back(inside ? Settings{config_json->name,
                                        config_json->where + ": " + quote(dialect.config_section),
                                        *section}
                             : *config_json);
    }
    return SettingsReader(std::move(found));
  }

  void note(const std::string& line) { bound_.notes.push_back(line); }

  void check_required_settings() const {
    for (const RequiredSetting& required : dialect_.required) {
      const auto found = settings_.any(required.key);
      if (!found || found->value == required.value) continue;
      throw Error(ErrorCode::kUnsupported, found->where + " must be " + required.value.dump() +
                                               ": Decant does not compute the other kind");
    }
  }

  // ---- Tensors

  // Dimensions of 1 in front of `rank` others are dropped: TensorFlow's convolutions have one, and
  // so have position tables that are added to a batch.
  StoredTensor take(const std::string& name, std::size_t rank) {
    StoredTensor tensor = *found_.find(name);  // check_complete has seen it
    while (tensor.shape.size() > rank && tensor.shape[0] == 1) {
      tensor.shape.erase(tensor.shape.begin());
      tensor.strides.erase(tensor.strides.begin());
    }
    if (!tensor.dtype) fail_type(tensor);
    return tensor;
  }

  [[noreturn]] void fail_type(const StoredTensor& tensor) const {
    file_.fail(ErrorCode::kUnsupported, "tensor " + quote(tensor.name) + " is of type " +
                                            quote(tensor.type) +
                                            ": save it as float32, float16 or bfloat16");
  }

  // A dimension given as nothing is free: it is what the tensor says, and at least 1.
  using Size = std::optional<std::int64_t>;

  MatrixView view(const StoredTensor& tensor, std::int64_t rows, std::int64_t cols,
                  std::int64_t row_stride, std::int64_t col_stride) {
    return {tensor.name, *tensor.dtype, tensor.data, rows, cols, row_stride, col_stride};
  }

  MatrixView matrix(const std::string& name, Size rows, Size cols,
                    Orientation orientation = Orientation::kOutIn) {
    MatrixView result = uncounted_matrix(name, rows, cols, orientation);
    count_bytes(result);
    return result;
  }

  MatrixView uncounted_matrix(const std::string& name, Size rows, Size cols,
                              Orientation orientation = Orientation::kOutIn) {
    const StoredTensor tensor = take(name, 2);
    const bool flipped = orientation == Orientation::kInOut;
    check_shape(tensor, flipped ? std::array{cols, rows} : std::array{rows, cols});
    auto stored =
        view(tensor, tensor.shape[0], tensor.shape[1], tensor.strides[0], tensor.strides[1]);
    if (stored.dtype == DType::kI8) stored.scales = scales(name, tensor, flipped);
    return flipped ? stored.transposed() : stored;
  }

  static std::int64_t blocks(std::int64_t size, std::int64_t block) {
    return (size - 1) / block + 1;
  }

  // Inputs are the columns of a matrix, or its rows where it is flipped.
  BlockScales scales(const std::string& name, const StoredTensor& matrix, bool flipped) {
    const StoredTensor* const found = found_.find(name + std::string(kScaleSuffix));
    if (found == nullptr) {
      file_.fail(ErrorCode::kMissingTensor,
                 "tensor " + quote(matrix.name) + " is of 8-bit integers, and their scales, " +
                     quote(matrix.name + std::string(kScaleSuffix)) + ", are missing");
    }
    BlockScales result;
    (flipped ? result.row_block : result.col_block) = kScaleBlock;
    check_shape(*found, std::array{Size(blocks(matrix.shape[0], result.row_block)),
                                   Size(blocks(matrix.shape[1], result.col_block))});
    if (found->dtype != DType::kBF16) {
      file_.fail(ErrorCode::kUnsupported, "tensor " + quote(found->name) + " is of type " +
                                              quote(found->type) + ": scales must be BF16");
    }
    result.data = found->data;
    result.row_stride = found->strides[0];
    result.col_stride = found->strides[1];
    return result;
  }

  MatrixView vector(const std::string& name, std::int64_t size) {
    const StoredTensor tensor = take(name, 1);
    if (tensor.dtype == DType::kI8) fail_type(tensor);
    check_shape(tensor, std::array{Size(size)});
    MatrixView result = view(tensor, 1, size, 0, tensor.strides[0]);
    count_bytes(result);
    return result;
  }

  void check_shape(const StoredTensor& tensor, std::span<const Size> wanted) const {
    bool fits = tensor.shape.size() == wanted.size();
    std::string expected;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      fits = fits && tensor.shape[i] == wanted[i].value_or(tensor.shape[i]) && tensor.shape[i] > 0;
      expected += (i == 0 ? "" : ", ") + (wanted[i] ? std::to_string(*wanted[i]) : "any");
    }
    if (fits) return;
    std::string line = "tensor " + quote(tensor.name) + " is " + shape_text(tensor.shape) +
                       ", and must be (" + expected + ")";
    if (!embedding_.empty()) line += " for the channels that " + embedding_ + " has";
    file_.fail(ErrorCode::kShapeMismatch, line);
  }

  // Views may share a storage, so that a small file could announce any number of large layers. A
  // model takes no more than its file holds.
  void count_bytes(const MatrixView& matrix) {
    auto size = static_cast<std::uint64_t>(matrix.rows * matrix.cols) * dtype_size(matrix.dtype);
    if (matrix.dtype == DType::kI8) {
      size += static_cast<std::uint64_t>(blocks(matrix.rows, matrix.scales.row_block) *
                                         blocks(matrix.cols, matrix.scales.col_block)) *
              dtype_size(DType::kBF16);
    }
    if (size > total_bytes_ - bytes_) {
      file_.fail(ErrorCode::kTooLarge,
                 "tensor " + quote(matrix.name) +
                     ": with it, the tensors hold more than the file; do many share one storage?");
    }
    bytes_ += size;
  }

  LayerNormTensors layer_norm(const Part& part, std::int64_t i) {
    LayerNormTensors result{vector(name_of(part.weight, i), channels_), std::nullopt};
    if (has_bias(part, biases_)) result.bias = vector(name_of(part.bias, i), channels_);
    return result;
  }

  void add_piece(Linear& linear, const Part& part, std::int64_t i, std::int64_t j, Size out,
                 Size in) {
    linear.weight.push_back(matrix(name_of(part.weight, i, j), out, in, dialect_.orientation));
    if (has_bias(part, biases_)) {
      linear.bias.push_back(vector(name_of(part.bias, i, j), linear.weight.back().rows));
    }
  }

  Linear linear(const Part& part, std::int64_t i, Size out, Size in) {
    Linear result;
    add_piece(result, part, i, 0, out, in);
    return result;
  }

  // (C, C), or a tensor for each head.
  Linear projection(const Part& part, std::int64_t i) {
    const std::int64_t heads = is_per_head(part.weight) ? found_.n_head : 1;
    if (channels_ % heads != 0) {
      file_.fail(ErrorCode::kShapeMismatch, "has tensors for " + std::to_string(heads) +
                                                " heads, which do not divide the channels that " +
                                                embedding_ + " has");
    }
    Linear result;
    for (std::int64_t j = 0; j < heads; ++j) {
      add_piece(result, part, i, j, channels_ / heads, channels_);
    }
    return result;
  }

  void bind_qkv(GptLayer& layer, std::int64_t i) {
    if (dialect_.qkv.weight.empty()) {
      layer.q = projection(dialect_.q, i);
      layer.k = projection(dialect_.k, i);
      layer.v = projection(dialect_.v, i);
      return;
    }
    const std::int64_t C = channels_;
    const Linear fused = linear(dialect_.qkv, i, 3 * C, C);
    std::int64_t first = 0;
    for (Linear* one : {&layer.q, &layer.k, &layer.v}) {
      one->weight.push_back(fused.weight[0].row_range(first, C));
      for (const MatrixView& bias : fused.bias) {
        one->bias.push_back(bias.transposed().row_range(first, C).transposed());
      }
      first += C;
    }
  }

  void bind_tensors() {
    const StoredTensor* head = found_.find(dialect_.head.weight);
    const auto tied = settings_.boolean(dialect_.keys.tied_head);
    const bool may_be_absent = tied ? tied->value : dialect_.head_may_be_absent;
    check_complete(file_, found_, biases_, head != nullptr || !may_be_absent);

    Gpt& gpt = bound_.gpt;
    gpt.wte = matrix(dialect_.wte.weight, {}, {});
    channels_ = gpt.wte.cols;
    embedding_ = quote(gpt.wte.name) + " " + shape_text(std::array{gpt.wte.rows, gpt.wte.cols});
    if (channels_ > std::numeric_limits<std::int64_t>::max() / 8) {
      file_.fail(ErrorCode::kTooLarge, embedding_ + " has too many channels");
    }
    gpt.wpe = matrix(dialect_.wpe.weight, {}, channels_);
    // With the first layer comes the width of the FFN, which the others must share.
    Size inner;
    for (std::int64_t i = 0; i < found_.n_layer; ++i) {
      GptLayer layer;
      layer.ln_1 = layer_norm(dialect_.ln_1, i);
      bind_qkv(layer, i);
      layer.attn_proj = linear(dialect_.attn_proj, i, channels_, channels_);
      layer.ln_2 = layer_norm(dialect_.ln_2, i);
      layer.fc = linear(dialect_.fc, i, inner, channels_);
      inner = layer.fc.outputs();
      layer.mlp_proj = linear(dialect_.mlp_proj, i, channels_, inner);
      gpt.layers.push_back(std::move(layer));
    }
    gpt.ln_f = layer_norm(dialect_.ln_f, 0);
    bind_head(head != nullptr, tied);
  }

  void bind_head(bool present, const std::optional<Setting<bool>>& setting) {
    Gpt& gpt = bound_.gpt;
    const bool may_tie = !setting || setting->value;
    if (present) {
      gpt.head = uncounted_matrix(dialect_.head.weight, gpt.wte.rows, channels_);
      bound_.config.tied_head = may_tie && same_values(gpt.head, gpt.wte);
      if (!bound_.config.tied_head) count_bytes(gpt.head);
      if (setting && setting->value && !bound_.config.tied_head) {
        note(setting->where + " is true, but " + quote(gpt.head.name) +
             " has values of its own: they are used");
      }
    } else {
      bound_.config.tied_head = true;
    }
    if (bound_.config.tied_head) gpt.head = gpt.wte;
    if (found_.find(dialect_.head.bias) != nullptr && has_bias(dialect_.head, biases_)) {
      gpt.head_bias = vector(dialect_.head.bias, gpt.wte.rows);
    }
  }

  // ---- Sizes and settings

  void check_size(const std::string& key, std::int64_t actual, const std::string& seen_in) const {
    const auto said = settings_.integer(key);
    if (!said || said->value == actual) return;
    throw Error(ErrorCode::kShapeMismatch, said->where + " is " + std::to_string(said->value) +
                                               ", but " + seen_in + " in " + file_.name +
                                               " makes it " + std::to_string(actual));
  }

  static std::string seen(const MatrixView& matrix) {
    return quote(matrix.name) + " " + shape_text(std::array{matrix.rows, matrix.cols});
  }

  void check_sizes() {
    const Gpt& gpt = bound_.gpt;
    ModelConfig& config = bound_.config;
    config.vocab_size = gpt.wte.rows;
    config.block_size = gpt.wpe.rows;
    config.n_layer = found_.n_layer;
    config.n_embd = channels_;
    config.n_inner = gpt.layers[0].fc.outputs();
    if (config.vocab_size > std::numeric_limits<TokenId>::max()) {
      file_.fail(ErrorCode::kUnsupported, embedding_ + " has more rows than token ids reach");
    }
    const SettingKeys& keys = dialect_.keys;
    check_size(keys.vocab_size, config.vocab_size, embedding_);
    check_size(keys.n_embd, channels_, embedding_);
    check_size(keys.block_size, config.block_size, seen(gpt.wpe));
    check_size(keys.n_layer, config.n_layer, "the last layer");
    check_size(keys.n_inner, config.n_inner, seen(gpt.layers[0].fc.weight[0]));
    if (const auto factor = settings_.integer(keys.n_inner_factor)) {
      std::int64_t product = 0;
      if (__builtin_mul_overflow(factor->value, channels_, &product) || product != config.n_inner) {
        throw Error(ErrorCode::kShapeMismatch,
                    factor->where + " is " + std::to_string(factor->value) + ", but " +
                        seen(gpt.layers[0].fc.weight[0]) + " in " + file_.name + " has " +
                        std::to_string(config.n_inner) + " outputs for " +
                        std::to_string(channels_) + " channels");
      }
    }
  }

  void read_heads() {
    const std::string channels = std::to_string(channels_) + " channels";
    const auto said = settings_.integer(dialect_.keys.n_head);
    std::int64_t& n_head = bound_.config.n_head;
    if (is_per_head(dialect_.q.weight)) {
      n_head = found_.n_head;
      check_size(dialect_.keys.n_head, n_head, quote(name_of(dialect_.q.weight, 0, n_head - 1)));
      if (options_.n_head && *options_.n_head != n_head) {
        file_.fail(ErrorCode::kInvalidOption, "--n-head " + std::to_string(*options_.n_head) +
                                                  " contradicts its tensors for " +
                                                  std::to_string(n_head) + " heads");
      }
    } else if (options_.n_head) {
      n_head = *options_.n_head;
      if (n_head < 1 || channels_ % n_head != 0) {
        file_.fail(ErrorCode::kInvalidOption,
                   "--n-head " + std::to_string(n_head) + " does not divide its " + channels);
      }
      if (said && said->value != n_head) {
        note("took --n-head " + std::to_string(n_head) + ", though " + said->where + " is " +
             std::to_string(said->value));
      }
    } else if (said) {
      n_head = said->value;
      if (n_head < 1 || channels_ % n_head != 0) {
        throw Error(ErrorCode::kShapeMismatch, said->where + " is " + std::to_string(n_head) +
                                                   ", which does not divide the " + channels +
                                                   " of " + file_.name);
      }
    } else if (dialect_.n_head) {
      n_head = *dialect_.n_head;
      if (channels_ % n_head != 0) {
        file_.fail(ErrorCode::kShapeMismatch, "its " + channels + " do not split into the " +
                                                  std::to_string(n_head) + " heads of " +
                                                  dialect_.name);
      }
    } else if (const DefaultHeads* usual = default_heads()) {
      n_head = usual->n_head;
      note("the number of heads is not in the file: took " + std::to_string(n_head) +
           ", the default with " + channels + "; --n-head says otherwise");
    } else if (channels_ % kUsualHeadSize == 0) {
      n_head = channels_ / kUsualHeadSize;
      note("the number of heads is not in the file: took " + std::to_string(n_head) +
           ", 64 channels each; --n-head says otherwise");
    } else {
      file_.fail(ErrorCode::kInvalidOption,
                 "does not tell its number of heads, and " + channels +
                     " do not split into the usual 64 each: give --n-head");
    }
  }

  // What the training program takes for a model of this width, where it has a default for it.
  const DefaultHeads* default_heads() const {
    for (const DefaultHeads& one : dialect_.default_heads) {
      if (one.n_embd == channels_) return &one;
    }
    return nullptr;
  }

  // The engine divides scores by the root of the head size. Where training had another divisor, the
  // queries are scaled by the difference.
  void read_attention_scale() {
    AttentionScale scale = dialect_.attention_scale;
    if (const auto said = settings_.text(dialect_.keys.attention_scale)) {
      const auto named = attention_scale_named(said->value);
      if (!named) {
        throw Error(ErrorCode::kUnsupported,
                    said->where + " is " + quote(said->value) + ": choose head_size or n_embd");
      }
      scale = *named;
    } else if (!dialect_.attention_scale_note.empty()) {
      note("what attention divides by is not in the file: took the root of the head size (" +
           dialect_.attention_scale_note + ")");
    }
    if (scale == AttentionScale::kHeadSize) return;
    const auto factor =
        static_cast<float>(1 / std::sqrt(static_cast<double>(bound_.config.n_head)));
    for (GptLayer& layer : bound_.gpt.layers) {
      for (MatrixView& piece : layer.q.weight) piece.scale = factor;
      for (MatrixView& piece : layer.q.bias) piece.scale = factor;
    }
  }

  void read_activation() {
    auto said = settings_.text(dialect_.keys.activation);
    if (!said && !own_) said = settings_.text("activation_function");
    if (said) {
      const std::optional<Activation> activation = activation_named(said->value);
      if (!activation) {
        throw Error(ErrorCode::kUnsupported,
                    said->where + " is " + quote(said->value) +
                        "; Decant computes GELU, exact or by tanh, and ReLU");
      }
      bound_.config.activation = *activation;
      return;
    }
    const auto args =
        std::ranges::find(tensors_.settings, dialect_.clues.settings, &Settings::name);
    const bool older = !dialect_.tanh_without.empty() && args != tensors_.settings.end() &&
                       !args->values.contains(dialect_.tanh_without);
    bound_.config.activation = older ? Activation::kGeluTanh : dialect_.activation;
    if (dialect_.activation_note.empty()) return;
    note(std::string("which GELU is not in the file: took the ") +
         (bound_.config.activation == Activation::kGelu ? "exact one" : "tanh approximation") +
         (older ? ", as " + args->where + " has no " + quote(dialect_.tanh_without)
                : " (" + dialect_.activation_note + ")"));
  }

  void read_epsilon() {
    bound_.config.layer_norm_epsilon = static_cast<float>(dialect_.layer_norm_epsilon);
    const auto said = settings_.number(dialect_.keys.layer_norm_epsilon);
    if (!said) return;
    const auto epsilon = static_cast<float>(said->value);
    if (!(epsilon >= 0) || std::isinf(epsilon)) {
      throw Error(ErrorCode::kMalformed, said->where + " must be a small positive number");
    }
    bound_.config.layer_norm_epsilon = epsilon;
  }

  const FileBytes& file_;
  const TensorFile& tensors_;
  const std::uint64_t total_bytes_;
  const CheckpointOptions& options_;
  std::optional<Dialect> own_;  // the user's
  Recognized found_;
  const Dialect& dialect_;
  SettingsReader settings_;
  bool biases_ = false;        // the switched ones are there
  std::int64_t channels_ = 0;  // C
  std::string embedding_;      // where C was seen, for messages
  std::uint64_t bytes_ = 0;    // of the tensors bound so far
  Bound bound_;
};

}  // namespace

Bound bind_gpt(const FileBytes& file, const TensorFile& tensors,
               const std::optional<Settings>& config_json, const CheckpointOptions& options) {
  return Binder(file, tensors, config_json, options).run();
}

}  // namespace decant
