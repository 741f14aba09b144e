// The tensors of a GPT by their role, whatever the file called them and however it laid them out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "decant/checkpoint.h"

namespace decant {

/// Where the scales of a matrix of integers lie: element (r, c) of the view has the scale at
/// ((row + r) / row_block, (col + c) / col_block).
struct BlockScales {
  const std::byte* data = nullptr;  ///< in bf16
  std::int64_t row_block = 1;       ///< elements that share a scale
  std::int64_t col_block = 1;
  std::int64_t row_stride = 0;  ///< in scales
  std::int64_t col_stride = 0;
  std::int64_t row = 0;  ///< where the view begins in the matrix
  std::int64_t col = 0;
};

/// Neighbouring inputs that share a scale, in what convert writes and what models compute with.
inline constexpr std::int64_t kScaleBlock = 32;

/// A read-only strided view of one matrix (or, with rows == 1, one vector) inside a checkpoint:
/// element (r, c) lies at data + (r * row_stride + c * col_stride) * dtype_size(dtype).
/// Orientation, fusing, tying and scaling are all views: nothing is copied to normalise a dialect.
struct MatrixView {
  std::string name;  ///< as the file names the tensor, for messages
  DType dtype = DType::kF32;
  const std::byte* data = nullptr;
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  std::int64_t row_stride = 0;  ///< in elements
  std::int64_t col_stride = 0;  ///< in elements
  float scale = 1;              ///< of every element
  BlockScales scales = {};      ///< with kI8

  /// Widens row r, exactly, and scales it, into out[0 .. cols).
  void read_row(std::int64_t r, float* out) const;

  /// Reads rows [first, first + count) into the columns of a table that is `width` wide: element
  /// (first + r, c) goes to out[c * width + r].
  void read_columns(std::int64_t first, std::int64_t count, std::int64_t width, float* out) const;
  /// The same, to bfloat16: what is no bfloat16 already is rounded to nearest even.
  void read_columns(std::int64_t first, std::int64_t count, std::int64_t width,
                    std::uint16_t* out) const;

  MatrixView transposed() const;
  MatrixView row_range(std::int64_t first, std::int64_t count) const;
  MatrixView col_range(std::int64_t first, std::int64_t count) const;
};

/// Whether two views of as many rows and columns have one type and equal elements.
bool same_values(const MatrixView& a, const MatrixView& b);

/// y = x W^T + b, in one piece or in several with as many outputs each (a head each), one after
/// the other.
struct Linear {
  std::vector<MatrixView> weight;  // (out / pieces, in) each
  std::vector<MatrixView> bias;    // (1, out / pieces) each; none: zero

  std::int64_t outputs() const { return weight[0].rows * static_cast<std::int64_t>(weight.size()); }
};

struct LayerNormTensors {
  MatrixView weight;               // (1, C)
  std::optional<MatrixView> bias;  // (1, C)
};

// C = channels, I = n_inner, V = vocabulary, T = positions
struct GptLayer {
  LayerNormTensors ln_1;
  Linear q, k, v;    // (C, C) each
  Linear attn_proj;  // (C, C)
  LayerNormTensors ln_2;
  Linear fc;        // (I, C)
  Linear mlp_proj;  // (C, I)
};

struct Gpt {
  MatrixView wte;  // (V, C) token embeddings
  MatrixView wpe;  // (T, C) position embeddings
  std::vector<GptLayer> layers;
  LayerNormTensors ln_f;
  MatrixView head;                      // (V, C); a view of wte where the head is tied
  std::optional<MatrixView> head_bias;  // (1, V)
};

}  // namespace decant
