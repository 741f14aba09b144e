#include "packed_matrix.h"

#include <algorithm>
#include <cassert>
#include <vector>

#include "half.h"
#include "quantize.h"

namespace decant {
namespace {

// A number in a panel, which is made of bytes: std::memcpy in the words that it is read with.
template <typename T>
T load(const std::byte* at) {
  T value;
  std::copy_n(at, sizeof(T), reinterpret_cast<std::byte*>(&value));
  return value;
}

}  // namespace

PackedMatrix::PackedMatrix(
    std::int64_t rows, std::int64_t cols, WeightType type,
    const std::function<void(std::int64_t first, std::int64_t count, Panel panel)>& read_panel,
    ThreadPool& pool, PageArena& memory)
    : rows_(rows), cols_(cols), type_(type) {
  weights_ = memory.take(static_cast<std::size_t>(panels()) * panel_bytes());
  // For each thread a panel in floats, where it is stored as integers.
  const auto unpacked_size = static_cast<std::size_t>(is_integer(type) ? cols * kPanelRows : 0);
  std::vector<std::vector<float>> all_unpacked(static_cast<std::size_t>(pool.threads()),
                                               std::vector<float>(unpacked_size));
  pool.parallel_for(panels(), 1, [&](int thread, std::int64_t begin, std::int64_t end) {
    std::vector<float>& unpacked = all_unpacked[static_cast<std::size_t>(thread)];
    for (std::int64_t p = begin; p < end; ++p) {
      const std::int64_t first = p * kPanelRows;
      const std::int64_t count = std::min(kPanelRows, rows_ - first);
      std::byte* const out = weights_.data() + static_cast<std::size_t>(p) * panel_bytes();
      switch (type_) {
        case WeightType::kF32:
          read_panel(first, count, {.f32 = reinterpret_cast<float*>(out)});
          break;
        case WeightType::kBF16:
          read_panel(first, count, {.bf16 = reinterpret_cast<std::uint16_t*>(out)});
          break;
        case WeightType::kQ8:
        case WeightType::kQ4:
          if (count < kPanelRows) std::ranges::fill(unpacked, 0.0f);
          read_panel(first, count, {.f32 = unpacked.data()});
          quantize_panel(unpacked, type_, out);
          break;
      }
    }
  });
}

std::size_t PackedMatrix::panel_bytes() const {
  switch (type_) {
    case WeightType::kF32:
      return static_cast<std::size_t>(cols_ * kPanelRows) * sizeof(float);
    case WeightType::kBF16:
      return static_cast<std::size_t>(cols_ * kPanelRows) * sizeof(std::uint16_t);
    case WeightType::kQ8:
      return static_cast<std::size_t>(blocks()) * kQ8BlockBytes;
    case WeightType::kQ4:
      break;
  }
  return static_cast<std::size_t>(blocks()) * kQ4BlockBytes;
}

void PackedMatrix::unpack_row(std::int64_t row, std::span<float> out) const {
  assert(row >= 0 && row < rows_ && static_cast<std::int64_t>(out.size()) == cols_);
  const std::byte* const weights = panel(row / kPanelRows);
  const auto r = static_cast<std::size_t>(row % kPanelRows);
  constexpr std::size_t kRows = kPanelRows;
  constexpr std::size_t kInputs = kBlock;
  for (std::size_t k = 0; k < out.size(); ++k) {
    const std::size_t in_block = k % kInputs;
    switch (type_) {
      case WeightType::kF32:
        out[k] = load<float>(weights + (k * kRows + r) * sizeof(float));
        break;
      case WeightType::kBF16:
        out[k] = widen_bf16(load<std::uint16_t>(weights + (k * kRows + r) * sizeof(std::uint16_t)));
        break;
      case WeightType::kQ8: {
        const std::byte* block = weights + k / kInputs * kQ8BlockBytes;
        const auto scale = load<std::uint16_t>(block + kQ8BlockBytes - kScaleBytes + 2 * r);
        const auto quant = static_cast<int>(block[(in_block / 4 * kRows + r) * 4 + in_block % 4]);
        out[k] = static_cast<float>(quant - kQ8Zero) * widen_bf16(scale);
        break;
      }
      case WeightType::kQ4: {
        const std::byte* block = weights + k / kInputs * kQ4BlockBytes;
        const auto scale = load<std::uint16_t>(block + kQ4BlockBytes - kScaleBytes + 2 * r);
        const auto pair = static_cast<int>(block[(in_block / 8 * kRows + r) * 4 + in_block % 4]);
        const int quant = in_block % 8 < 4 ? pair & 15 : pair >> 4;
        out[k] = static_cast<float>(quant - kQ4Zero) * widen_bf16(scale);
        break;
      }
    }
  }
}

}  // namespace decant
