// One block of random numbers, seen as every tensor of a model. A GPT-2 XL has 1.5 billion weights,
// and a time or a finite logit does not tell whether they are all different.
#include "random_weights.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <utility>

#include "decant/error.h"
#include "half.h"
#include "philox.h"

namespace decant {
namespace {

constexpr std::int64_t kBlock = std::int64_t{1} << 22;  // numbers at most
constexpr std::int64_t kLargest = kBlock / 4 * 3;       // that one tensor sees of them
// So small that the rows of a (kMaxSize, 3 kMaxSize) matrix still begin at places of their own.
constexpr std::int64_t kMaxSize = kBlock / 16;
constexpr std::int64_t kMaxLayers = 4096;

constexpr float kDeviation = 0.02f;  // GPT-2's own at the start of its training

void check_size(const char* name, std::int64_t value, std::int64_t largest) {
  if (value >= 1 && value <= largest) return;
  throw Error(ErrorCode::kInvalidOption, std::string(name) + " is " + std::to_string(value) +
                                             ": it must be from 1 to " + std::to_string(largest));
}

void check(const ModelConfig& config) {
  check_size("vocab_size", config.vocab_size, kMaxSize);
  check_size("block_size", config.block_size, kMaxSize);
  check_size("n_layer", config.n_layer, kMaxLayers);
  check_size("n_embd", config.n_embd, kMaxSize);
  check_size("n_inner", config.n_inner, kMaxSize);
  check_size("n_head", config.n_head, config.n_embd);
  if (config.n_embd % config.n_head != 0) {
    throw Error(ErrorCode::kInvalidOption, "n_head is " + std::to_string(config.n_head) +
                                               ": it must divide n_embd, " +
                                               std::to_string(config.n_embd));
  }
}

// The sum of eight 16-bit uniforms has mean 262,140 and standard deviation 53,509.57, and is close
// to normal. Unlike a logarithm and a cosine, it is the same number on every machine.
float random_weight(Seed seed, std::int64_t index) {
  const auto bits =
      philox4x32_10({static_cast<std::uint32_t>(index), 0, 0, 0},
                    {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)});
  std::int32_t sum = 0;
  for (const std::uint32_t pair : bits) {
    sum += static_cast<std::int32_t>(pair & 0xffffu) + static_cast<std::int32_t>(pair >> 16);
  }
  return static_cast<float>(sum - 262140) * (kDeviation / 53509.57f);
}

void store(float value, DType dtype, std::byte* to) {
  if (dtype == DType::kF32) {
    std::memcpy(to, &value, sizeof(value));
  } else {
    const std::uint16_t bits = dtype == DType::kF16 ? narrow_f16(value) : narrow_bf16(value);
    std::memcpy(to, &bits, sizeof(bits));
  }
}

// Lays a model's tensors into a block of numbers that ends with a one.
class Layout {
 public:
  explicit Layout(DType dtype) : dtype_(dtype) {}

  void matrix(const std::string& name, std::int64_t rows, std::int64_t cols) {
    wanted_.push_back({name, {rows, cols}});
    total_ += rows * cols;
  }

  void vector(const std::string& name, std::int64_t size) {
    wanted_.push_back({name, {size}});
    total_ += size;
  }

  // y = x W + b, as Conv1D has it.
  void linear(const std::string& name, std::int64_t in, std::int64_t out) {
    matrix(name + ".weight", in, out);
    vector(name + ".bias", out);
  }

  void layer_norm(const std::string& name, std::int64_t size) {
    wanted_.push_back({name + ".weight", {size}, true});
    total_ += size;
    vector(name + ".bias", size);
  }

  RandomWeights fill(Seed seed) {
    const std::int64_t numbers = std::min(total_, kBlock);
    const auto size = static_cast<std::int64_t>(dtype_size(dtype_));
    RandomWeights weights;
    weights.block.resize(static_cast<std::size_t>((numbers + 1) * size));
    std::byte* data = weights.block.data();
    for (std::int64_t i = 0; i < numbers; ++i) {
      store(random_weight(seed, i), dtype_, data + i * size);
    }
    store(1, dtype_, data + numbers * size);

    weights.file.format = "random numbers";
    weights.file.total_bytes = static_cast<std::uint64_t>(total_ * size);
    std::int64_t next = 0;
    for (Wanted& tensor : wanted_) {
      std::vector<std::int64_t> strides = {0};
      std::int64_t start = numbers;  // the one
      if (!tensor.is_ones) {
        strides = strides_of(tensor.shape);
        const std::int64_t extent = *element_extent(tensor.shape, strides);
        start = next % (numbers - extent + 1);
        next += extent;
      }
      weights.file.tensors.push_back({std::move(tensor.name), std::string(dtype_name(dtype_)),
                                      dtype_, std::move(tensor.shape), std::move(strides),
                                      data + start * size});
    }
    return weights;
  }

 private:
  struct Wanted {
    std::string name;
    std::vector<std::int64_t> shape;
    bool is_ones = false;
  };

  // Rows of a matrix that is too large for the block overlap. A quarter of the block is beyond each
  // tensor, so that not all of the large ones begin at the same place.
  static std::vector<std::int64_t> strides_of(const std::vector<std::int64_t>& shape) {
    std::vector<std::int64_t> strides = row_major_strides(shape);
    if (shape.size() == 2) strides[0] = std::min(shape[1], (kLargest - shape[1]) / shape[0]);
    return strides;
  }

  DType dtype_;
  std::vector<Wanted> wanted_;
  std::int64_t total_ = 0;
};

Settings settings_of(const ModelConfig& config) {
  const bool is_tanh = config.activation == Activation::kGeluTanh;
  return {"config.json",
          "config",
          {{"n_head", config.n_head},
           {"activation_function", is_tanh ? "gelu_new" : activation_name(config.activation)},
           {"layer_norm_epsilon", config.layer_norm_epsilon},
           {"tie_word_embeddings", config.tied_head}}};
}

}  // namespace

RandomWeights random_weights(const ModelConfig& config, Seed seed, DType dtype) {
  check(config);
  if (dtype == DType::kI8) {
    throw Error(ErrorCode::kInvalidOption, "random weights are F32, F16 or BF16, not I8");
  }
  const std::int64_t C = config.n_embd;
  Layout layout(dtype);
  layout.matrix("transformer.wte.weight", config.vocab_size, C);
  layout.matrix("transformer.wpe.weight", config.block_size, C);
  for (std::int64_t i = 0; i < config.n_layer; ++i) {
    const std::string prefix = "transformer.h." + std::to_string(i) + ".";
    layout.layer_norm(prefix + "ln_1", C);
    layout.linear(prefix + "attn.c_attn", C, 3 * C);
    layout.linear(prefix + "attn.c_proj", C, C);
    layout.layer_norm(prefix + "ln_2", C);
    layout.linear(prefix + "mlp.c_fc", C, config.n_inner);
    layout.linear(prefix + "mlp.c_proj", config.n_inner, C);
  }
  layout.layer_norm("transformer.ln_f", C);
  if (!config.tied_head) layout.matrix("lm_head.weight", config.vocab_size, C);
  RandomWeights weights = layout.fill(seed);
  weights.config = settings_of(config);
  return weights;
}

ModelConfig gpt2_config(std::string_view name) {
  struct Shape {
    std::string_view name;
    std::int64_t n_layer, n_head, n_embd;
  };
  constexpr std::array<Shape, 4> kShapes = {{{"gpt2", 12, 12, 768},
                                             {"gpt2-medium", 24, 16, 1024},
                                             {"gpt2-large", 36, 20, 1280},
                                             {"gpt2-xl", 48, 25, 1600}}};
  std::string names;
  for (const Shape& shape : kShapes) {
    if (shape.name == name) {
      return {.vocab_size = 50257,
              .block_size = 1024,
              .n_layer = shape.n_layer,
              .n_head = shape.n_head,
              .n_embd = shape.n_embd,
              .n_inner = 4 * shape.n_embd,
              .activation = Activation::kGeluTanh,
              .layer_norm_epsilon = 1e-5f,
              .tied_head = true};
    }
    names += (names.empty() ? "" : ", ") + std::string(shape.name);
  }
  throw Error(ErrorCode::kInvalidOption,
              "shape is '" + std::string(name) + "': it must be one of " + names);
}

}  // namespace decant
