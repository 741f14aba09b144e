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

void convert_run(const MatrixView& view, const std::byte* from, std::int64_t count,
                 std::int64_t stride, float* out) {
  switch (view.dtype) {
    case DType::kF32:
      convert_run<float>(from, count, stride, out, [](float value) { return value; });
      break;
    case DType::kF16:
      convert_run<std::uint16_t>(from, count, stride, out,
                                 [](std::uint16_t bits) { return widen_f16(bits); });
      break;
    case DType::kBF16:
      convert_run<std::uint16_t>(from, count, stride, out,
                                 [](std::uint16_t bits) { return widen_bf16(bits); });
      break;
  }
  if (view.scale == 1) return;
  for (std::int64_t i = 0; i < count; ++i) out[i] *= view.scale;
}

void convert_run(const MatrixView& view, const std::byte* from, std::int64_t count,
                 std::int64_t stride, std::uint16_t* out) {
  if (view.dtype == DType::kBF16 && view.scale == 1) {
    return convert_run<std::uint16_t>(from, count, stride, out,
                                      [](std::uint16_t bits) { return bits; });
  }
  constexpr std::int64_t kRun = 64;
  float wide[kRun];
  const auto step = stride * static_cast<std::int64_t>(dtype_size(view.dtype));
  for (std::int64_t i = 0; i < count; i += kRun) {
    const std::int64_t run = std::min(kRun, count - i);
    convert_run(view, from + i * step, run, stride, wide);
    for (std::int64_t j = 0; j < run; ++j) out[i + j] = narrow_bf16(wide[j]);
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
      const std::byte* const from = view.data + c * step;
      if (c + kColumnsAhead < view.cols) prefetch(from + kColumnsAhead * step, view.rows * size);
      convert_run(view, from, view.rows, 1, out + c * width);
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
        const std::byte* const from = view.data + (r + i) * view.row_stride * size + c * step;
        if (goes_on) __builtin_prefetch(from + kColumnsAheadInRow * step);
        convert_run(view, from, cols, view.col_stride, tile.data() + i * kTile);
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
  }
  return "";
}

std::size_t dtype_size(DType dtype) { return dtype == DType::kF32 ? 4 : 2; }

void MatrixView::read_row(std::int64_t r, float* out) const {
  const auto size = static_cast<std::int64_t>(dtype_size(dtype));
  convert_run(*this, data + r * row_stride * size, cols, col_stride, out);
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
  return view;
}

MatrixView MatrixView::row_range(std::int64_t first, std::int64_t count) const {
  MatrixView view = *this;
  view.data += first * row_stride * static_cast<std::int64_t>(dtype_size(dtype));
  view.rows = count;
  return view;
}

MatrixView MatrixView::col_range(std::int64_t first, std::int64_t count) const {
  return transposed().row_range(first, count).transposed();
}

}  // namespace decant
