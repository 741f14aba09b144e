// Reading rows through strided, transposed and unaligned views.
#include "gpt_tensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "half.h"

namespace decant {
namespace {

using testing::ElementsAre;

std::vector<float> row(const MatrixView& view, std::int64_t r) {
  std::vector<float> out(static_cast<std::size_t>(view.cols));
  view.read_row(r, out.data());
  return out;
}

// (2, 3) of 1 .. 6 in some type, at an odd address.
template <typename Element, typename Narrow>
std::vector<std::byte> unaligned(Narrow narrow) {
  std::vector<std::byte> bytes(1 + 6 * sizeof(Element));
  for (int i = 0; i < 6; ++i) {
    const Element element = narrow(static_cast<float>(i + 1));
    std::memcpy(bytes.data() + 1 + i * static_cast<int>(sizeof(Element)), &element,
                sizeof(Element));
  }
  return bytes;
}

void expect_one_to_six(DType dtype, const std::vector<std::byte>& bytes) {
  const MatrixView view{"w", dtype, bytes.data() + 1, 2, 3, 3, 1};
  EXPECT_THAT(row(view, 0), ElementsAre(1, 2, 3));
  EXPECT_THAT(row(view, 1), ElementsAre(4, 5, 6));
  EXPECT_THAT(row(view.transposed(), 0), ElementsAre(1, 4));
  EXPECT_THAT(row(view.transposed(), 2), ElementsAre(3, 6));
  EXPECT_THAT(row(view.row_range(1, 1), 0), ElementsAre(4, 5, 6));
  EXPECT_THAT(row(view.transposed().row_range(1, 2), 1), ElementsAre(3, 6));
  EXPECT_THAT(row(view.col_range(1, 2), 1), ElementsAre(5, 6));
  EXPECT_THAT(row(view.col_range(2, 1), 0), ElementsAre(3));
}

TEST(MatrixView, ReadsEveryType) {
  expect_one_to_six(DType::kF32, unaligned<float>([](float x) { return x; }));
  expect_one_to_six(DType::kF16, unaligned<std::uint16_t>(narrow_f16));
  expect_one_to_six(DType::kBF16, unaligned<std::uint16_t>(narrow_bf16));
}

TEST(MatrixView, ScalesEveryElement) {
  const float numbers[] = {1, 2, 3, 4, 5, 6};
  MatrixView view{"w", DType::kF32, reinterpret_cast<const std::byte*>(numbers), 2, 3, 3, 1};
  view.scale = 0.5f;
  EXPECT_THAT(row(view, 1), ElementsAre(2, 2.5, 3));
  EXPECT_THAT(row(view.transposed().row_range(1, 1), 0), ElementsAre(1, 2.5));
}

// 70 x 101, so that whole and broken tiles are met, as it lies in a file and transposed in one.
TEST(MatrixView, ReadsRowsIntoColumns) {
  constexpr std::int64_t kRows = 70, kCols = 101, kWidth = 80;
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
    std::vector<float> numbers(kRows * kCols);
    std::vector<std::uint16_t> narrow(numbers.size());
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      numbers[i] = static_cast<float>(i % 251);  // exact in every type
      narrow[i] = dtype == DType::kF16 ? narrow_f16(numbers[i]) : narrow_bf16(numbers[i]);
    }
    const void* data = numbers.data();
    if (dtype != DType::kF32) data = narrow.data();
    const auto* bytes = static_cast<const std::byte*>(data);
    const MatrixView row_major{"w", dtype, bytes, kRows, kCols, kCols, 1};
    const MatrixView col_major{"w", dtype, bytes, kRows, kCols, 1, kRows};
    for (const MatrixView& view : {row_major, col_major}) {
      for (const auto& [first, count] : {std::pair{0, 70}, {0, 64}, {64, 6}, {3, 17}}) {
        std::vector<float> wide(kCols * kWidth, -1.0f);
        std::vector<std::uint16_t> half(kCols * kWidth);
        view.read_columns(first, count, kWidth, wide.data());
        view.read_columns(first, count, kWidth, half.data());
        for (std::int64_t r = 0; r < count; ++r) {
          for (std::int64_t c = 0; c < kCols; ++c) {
            const std::int64_t at = (first + r) * view.row_stride + c * view.col_stride;
            const auto to = static_cast<std::size_t>(c * kWidth + r);
            ASSERT_EQ(wide[to], numbers[static_cast<std::size_t>(at)]);
            ASSERT_EQ(widen_bf16(half[to]), numbers[static_cast<std::size_t>(at)]);
          }
        }
        EXPECT_EQ(wide[static_cast<std::size_t>(count)], -1.0f) << "wrote past its rows";
      }
    }
  }
}

TEST(MatrixView, RoundsToBf16NearestEven) {
  // 1 + 2^-8 lies midway between the bfloat16 values 1 and 1 + 2^-7: the even one is 1.
  const float values[] = {1, 1 + 0x1p-8f, 1 + 0x1.8p-7f, -1 - 0x1.1p-8f, 0x1p-130f, 3e38f};
  const float expected[] = {1, 1, 1 + 0x1p-6f, -1 - 0x1p-7f, 0x1p-130f, 0x1.c4p127f};
  const MatrixView view{"w", DType::kF32, reinterpret_cast<const std::byte*>(values), 1, 6, 6, 1};
  std::uint16_t rounded[6];
  view.read_columns(0, 1, 1, rounded);
  for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(widen_bf16(rounded[i]), expected[i]);
}

TEST(DTypes, HaveTheNamesOfSafetensors) {
  EXPECT_EQ(dtype_name(DType::kF32), "F32");
  EXPECT_EQ(dtype_name(DType::kF16), "F16");
  EXPECT_EQ(dtype_name(DType::kBF16), "BF16");
  EXPECT_EQ(dtype_size(DType::kF32), 4u);
  EXPECT_EQ(dtype_size(DType::kF16), 2u);
  EXPECT_EQ(dtype_size(DType::kBF16), 2u);
}

}  // namespace
}  // namespace decant
