// Reads rows out of the checkpoint's mapped bytes.
#include "gpt_tensors.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "half.h"

namespace decant {
namespace {

// Tensors of a file are as aligned as their offsets happen to be, so every element goes through
// memcpy, which compiles to a plain load.
template <typename Element>
Element load(const std::byte* at) {
  Element value;
  std::memcpy(&value, at, sizeof(Element));
  return value;
}

template <typename Element, typename Out, typename Convert>
void convert_run(const std::byte* from, std::int64_t count, std::int64_t stride, Out* out,
                 const Convert& convert) {
  constexpr auto kSize = static_cast<std::int64_t>(sizeof(Element));
  if (stride == 1) {  // a loop of its own, which vectorises
    for (std::int64_t i = 0; i < count; ++i) out[i] = convert(load<Element>(from + i * kSize));
  } else {
    for (std::int64_t i = 0; i < count; ++i) {
      out[i] = convert(load<Element>(from + i * stride * kSize));
    }
  }
}

// Neighbouring elements of a view from (row, col) on: along its row, or down its column.
struct Run {
  std::int64_t row;
  std::int64_t col;
  std::int64_t count;
  bool down;

  Run part(std::int64_t first, std::int64_t length) const {
    return {row + (down ? first : 0), col + (down ? 0 : first), length, down};
  }
  std::int64_t stride(const MatrixView& view) const {
    return down ? view.row_stride : view.col_stride;
  }
  const std::byte* begin(const MatrixView& view) const {
    return view.data + (row * view.row_stride + col * view.col_stride) *
                           static_cast<std::int64_t>(dtype_size(view.dtype));
  }
};

void apply_scales(const BlockScales& scales, const Run& run, float* out) {
  const std::int64_t row = scales.row + run.row;
  const std::int64_t col = scales.col + run.col;
  const std::int64_t first = run.down ? row : col;
  const std::int64_t block = run.down ? scales.row_block : scales.col_block;
  const std::int64_t stride = run.down ? scales.row_stride : scales.col_stride;
  const std::int64_t across = run.down ? col / scales.col_block * scales.col_stride
                                       : row / scales.row_block * scales.row_stride;
  const auto scale = [&](std::int64_t index) {
    return widen_bf16(load<std::uint16_t>(scales.data + 2 * (across + index * stride)));
  };
  if (block == 1) {
    for (std::int64_t i = 0; i < run.count; ++i) out[i] *= scale(first + i);
    return;
  }
  for (std::int64_t i = 0; i < run.count;) {
    const std::int64_t end = std::min(run.count, i + block - (first + i) % block);
    const float of_block = scale((first + i) / block);
    for (; i < end; ++i) out[i] *= of_block;
  }
}

void convert_run(const MatrixView& view, const Run& run, float* out) {
  const std::byte* const from = run.begin(view);
  const std::int64_t stride = run.stride(view);
  switch (view.dtype) {
    case DType::kF32:
      convert_run<float>(from, run.count, stride, out, [](float value) { return value; });
      break;
    case DType::kF16:
      convert_run<std::uint16_t>(from, run.count, stride, out,
                                 [](std::uint16_t bits) { return widen_f16(bits); });
      break;
    case DType::kBF16:
      convert_run<std::uint16_t>(from, run.count, stride, out,
                                 [](std::uint16_t bits) { return widen_bf16(bits); });
      break;
    case DType::kI8:
      convert_run<std::int8_t>(from, run.count, stride, out,
                               [](std::int8_t integer) { return static_cast<float>(integer); });
      apply_scales(view.scales, run, out);
      break;
  }
  if (view.scale == 1) return;
  for (std::int64_t i = 0; i < run.count; ++i) out[i] *= view.scale;
}

void convert_run(const MatrixView& view, const Run& run, std::uint16_t* out) {
  if (view.dtype == DType::kBF16 && view.scale == 1) {
    return convert_run<std::uint16_t>(run.begin(view), run.count, run.stride(view), out,
                                      [](std::uint16_t bits) { return bits; });
  }
  constexpr std::int64_t kPart = 64;
  float wide[kPart];
  for (std::int64_t i = 0; i < run.count; i += kPart) {
    const Run part = run.part(i, std::min(kPart, run.count - i));
    convert_run(view, part, wide);
    for (std::int64_t j = 0; j < part.count; ++j) out[i + j] = narrow_bf16(wide[j]);
  }
}

// A square of elements; its place in the array is its row, then its column, of four bits each.
constexpr std::int64_t kTile = 16;
template <typename Element>
using Tile = std::array<Element, kTile * kTile>;

// A riffle of the two halves moves the first bit of each place behind the others, so four of them
// swap row and column. The compiler turns a riffle into a few instructions on whole vectors.
template <typename Element>
void transpose(Tile<Element>& tile) {
  constexpr std::size_t kHalf = kTile * kTile / 2;
  const auto riffle = [](const Tile<Element>& from, Tile<Element>& to) {
    for (std::size_t i = 0; i < kHalf; ++i) {
      to[2 * i] = from[i];
      to[2 * i + 1] = from[kHalf + i];
    }
  };
  Tile<Element> other;
  riffle(tile, other);
  riffle(other, tile);
  riffle(tile, other);
  riffle(other, tile);
}

// How many columns ahead a loop asks for what it will read, which saves a quarter of its time: what
// is read in order the processor foresees, but not steps of kilobytes, nor 64 rows side by side.
constexpr std::int64_t kColumnsAhead = 8;        // where each is a run of its own
constexpr std::int64_t kColumnsAheadInRow = 64;  // where a row's lie in one run

void prefetch(const std::byte* from, std::int64_t count) {
  constexpr std::int64_t kCacheLine = 64;
  for (std::int64_t i = 0; i < count; i += kCacheLine) __builtin_prefetch(from + i);
  __builtin_prefetch(from + count - 1);
}

template <typename Out>
void read_columns_as(const MatrixView& view, std::int64_t width, Out* out) {
  const auto size = static_cast<std::int64_t>(dtype_size(view.dtype));
  const std::int64_t step = view.col_stride * size;
  if (view.row_stride == 1) {  // the file is contiguous along what becomes a row
    for (std::int64_t c = 0; c < view.cols; ++c) {
      if (c + kColumnsAhead < view.cols) {
        prefetch(view.data + (c + kColumnsAhead) * step, view.rows * size);
      }
      convert_run(view, Run{0, c, view.rows, true}, out + c * width);
    }
    return;
  }
  // In tiles, so that what is read is read along the file's rows, and stays in the cache until all
  // of it has been written.
  Tile<Out> tile = {};
  for (std::int64_t c = 0; c < view.cols; c += kTile) {
    const std::int64_t cols = std::min(kTile, view.cols - c);
    const bool goes_on = c + kColumnsAheadInRow < view.cols;
    for (std::int64_t r = 0; r < view.rows; r += kTile) {
      const std::int64_t rows = std::min(kTile, view.rows - r);
      for (std::int64_t i = 0; i < rows; ++i) {
        const Run run{r + i, c, cols, false};
        if (goes_on) __builtin_prefetch(run.begin(view) + kColumnsAheadInRow * step);
        convert_run(view, run, tile.data() + i * kTile);
      }
      transpose(tile);
      Out* to = out + c * width + r;
      for (std::int64_t j = 0; j < cols; ++j, to += width) {
        std::copy_n(tile.data() + j * kTile, rows, to);
      }
    }
  }
}

}  // namespace

std::string_view dtype_name(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return "F32";
    case DType::kF16:
      return "F16";
    case DType::kBF16:
      return "BF16";
    case DType::kI8:
      return "I8";
  }
  return "";
}

std::size_t dtype_size(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return 4;
    case DType::kF16:
    case DType::kBF16:
      return 2;
    case DType::kI8:
      break;
  }
  return 1;
}

void MatrixView::read_row(std::int64_t r, float* out) const {
  convert_run(*this, Run{r, 0, cols, false}, out);
}

void MatrixView::read_columns(std::int64_t first, std::int64_t count, std::int64_t width,
                              float* out) const {
  read_columns_as(row_range(first, count), width, out);
}

void MatrixView::read_columns(std::int64_t first, std::int64_t count, std::int64_t width,
                              std::uint16_t* out) const {
  read_columns_as(row_range(first, count), width, out);
}

MatrixView MatrixView::transposed() const {
  MatrixView view = *this;
  std::swap(view.rows, view.cols);
  std::swap(view.row_stride, view.col_stride);
  std::swap(view.scales.row_block, view.scales.col_block);
  std::swap(view.scales.row_stride, view.scales.col_stride);
  std::swap(view.scales.row, view.scales.col);
  return view;
}

MatrixView MatrixView::row_range(std::int64_t first, std::int64_t count) const {
  MatrixView view = *this;
  view.data += first * row_stride * static_cast<std::int64_t>(dtype_size(dtype));
  view.rows = count;
  view.scales.row += first;
  return view;
}

MatrixView MatrixView::col_range(std::int64_t first, std::int64_t count) const {
  return transposed().row_range(first, count).transposed();
}

bool same_values(const MatrixView& a, const MatrixView& b) {
  if (a.dtype != b.dtype) return false;
  if (a.data == b.data && a.row_stride == b.row_stride && a.col_stride == b.col_stride) {
    return true;
  }
  const auto cols = static_cast<std::size_t>(a.cols);
  std::vector<float> row_a(cols), row_b(cols);
  for (std::int64_t r = 0; r < a.rows; ++r) {
    a.read_row(r, row_a.data());
    b.read_row(r, row_b.data());
    if (row_a != row_b) return false;
  }
  return true;
}

}  // namespace decant
