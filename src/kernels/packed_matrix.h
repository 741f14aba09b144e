// A weight matrix in the one layout that the engine computes with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "page_buffer.h"
#include "thread_pool.h"

namespace decant {

/// How a packed weight is stored. kF32 and kBF16 are widened to f32 before they are used, exactly.
/// kQ8 and kQ4 are integers of 8 and 4 bits that share a scale among kBlock weights of a row; they
/// are multiplied as integers.
enum class WeightType { kF32, kBF16, kQ8, kQ4 };

inline constexpr bool is_integer(WeightType type) {
  return type == WeightType::kQ8 || type == WeightType::kQ4;
}

/// A (N, K) matrix, N output rows by K inputs, cut into panels of 64 rows, each laid out
/// inner-dimension-major. One pass over a panel reads memory in order while 64 sums grow side by
/// side, each in the order k = 0, 1, ..., K - 1: the same order for one token or many, for any
/// number of threads and any vector width. The last panel is padded with zero rows.
///
///     kF32, kBF16   panel[k][row]
///     kQ8           blocks of kBlock inputs (the last one padded with zeros), each
///                   quants[k / 4][row][k % 4] of one byte, the weight over its scale + 128, then
///                   scales[row] in bf16
///     kQ4           the same with two weights a byte, each + 8: the lower half of
///                   quants[k / 8][row][k % 4] is k % 8 < 4, the upper the four after
///
/// Four neighbours in k side by side are what an integer dot product takes.
class PackedMatrix {
 public:
  static constexpr std::int64_t kPanelRows = 64;
  static constexpr std::int64_t kBlock = 32;

  PackedMatrix() = default;

  /// A panel to be filled: of a kBF16 matrix in bf16, of all others in f32. The other pointer is
  /// null.
  struct Panel {
    float* f32 = nullptr;
    std::uint16_t* bf16 = nullptr;
  };

  /// Packs what read_panel(first, count, panel) writes: element (first + r, k) to [k * kPanelRows +
  /// r], for count <= kPanelRows rows. What it does not write is zero. Threads of `pool` share out
  /// the panels, which lie in `memory`; read_panel must not throw.
  PackedMatrix(
      std::int64_t rows, std::int64_t cols, WeightType type,
      const std::function<void(std::int64_t first, std::int64_t count, Panel panel)>& read_panel,
      ThreadPool& pool, PageArena& memory);

  std::int64_t rows() const { return rows_; }  // N
  std::int64_t cols() const { return cols_; }  // K
  std::int64_t blocks() const { return (cols_ + kBlock - 1) / kBlock; }
  std::int64_t panels() const { return (rows_ + kPanelRows - 1) / kPanelRows; }
  WeightType type() const { return type_; }
  std::size_t bytes() const { return weights_.size(); }

  const std::byte* panel(std::int64_t index) const {
    return weights_.data() + static_cast<std::size_t>(index) * panel_bytes();
  }

  /// Widens row `row` into out (K): the embedding of a token, where the head is tied.
  void unpack_row(std::int64_t row, std::span<float> out) const;

 private:
  std::size_t panel_bytes() const;

  std::int64_t rows_ = 0;
  std::int64_t cols_ = 0;
  WeightType type_ = WeightType::kF32;
  PageBuffer weights_;
};

}  // namespace decant
