#include "packed_matrix.h"

#include <cassert>

#include "half.h"

namespace decant {
PackedMatrix::PackedMatrix(
    std::int64_t rows, std::int64_t cols, WeightType type,
    const std::function<void(std::int64_t row, std::span<float> out)>& read_row)
    : rows_(rows), cols_(cols), type_(type) {
  const auto size = offset(panels());
  if (type == WeightType::kF32) {
    f32_.resize(size);
  } else {
    bf16_.resize(size);
  }
  std::vector<float> row(static_cast<std::size_t>(cols));
  for (std::int64_t r = 0; r < rows; ++r) {
    read_row(r, row);
    std::size_t at = offset(r / kPanelRows) + static_cast<std::size_t>(r % kPanelRows);
    for (const float weight : row) {
      if (type == WeightType::kF32) {
        f32_[at] = weight;
      } else {
        bf16_[at] = narrow_bf16(weight);
      }
      at += kPanelRows;
    }
  }
}

void PackedMatrix::unpack_row(std::int64_t row, std::span<float> out) const {
  assert(row >= 0 && row < rows_ && static_cast<std::int64_t>(out.size()) == cols_);
  std::size_t at = offset(row / kPanelRows) + static_cast<std::size_t>(row % kPanelRows);
  for (float& value : out) {
    value = type_ == WeightType::kF32 ? f32_[at] : widen_bf16(bf16_[at]);
    at += kPanelRows;
  }
}

}  // namespace decant
