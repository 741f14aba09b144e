#include "quantize.h"

#include <cassert>
#include <cmath>
#include <cstring>

#include "token_tiles.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "quantize.cpp"
#include <hwy/foreach_target.h>

#include "to_bytes.h"

HWY_BEFORE_NAMESPACE();
namespace decant::HWY_NAMESPACE {

constexpr std::size_t kPanelRows = PackedMatrix::kPanelRows;
constexpr std::size_t kBlock = PackedMatrix::kBlock;

// Of `count` <= kBlock inputs for each lane's row, x[k * kPanelRows].
struct Block {
  const float* x;
  std::size_t count;

  Vector at(std::size_t k) const {
    return k < count ? hn::LoadU(Floats(), x + k * kPanelRows) : hn::Zero(Floats());
  }
};

// To nearest even. The largest of a block is still 127 or -127 times q8's scale, so that integers
// times their scale, made integers again, are the same.
HWY_INLINE Vector round_to_bf16(Vector scale) {
  const Floats d;
  const hn::RebindToUnsigned<Floats> du;
  const auto bits = hn::BitCast(du, scale);
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(du, 1));
  const auto rounded = hn::Add(bits, hn::Add(odd, hn::Set(du, 0x7fff)));
  return hn::BitCast(d, hn::And(rounded, hn::Set(du, 0xffff0000u)));
}

// 1 / scale, and 0 for 0: a block of zeros.
HWY_INLINE Vector inverse_of(Vector scale) {
  const Floats d;
  const auto zero = hn::Lt(hn::Abs(scale), hn::Set(d, kTiny));
  return hn::IfThenZeroElse(
      zero, hn::Div(hn::Set(d, 1.0f), hn::IfThenElse(zero, hn::Set(d, 1.0f), scale)));
}

HWY_INLINE Vector nearest(Vector x, Vector inverse, float low, float high) {
  const Floats d;
  return hn::Min(hn::Max(hn::Round(hn::Mul(x, inverse)), hn::Set(d, low)), hn::Set(d, high));
}

HWY_INLINE Vector scale_q8(const Block& block) {
  const Floats d;
  Vector largest = hn::Zero(d);
  for (std::size_t k = 0; k < block.count; ++k) largest = hn::Max(largest, hn::Abs(block.at(k)));
  return round_to_bf16(hn::Div(largest, hn::Set(d, 127.0f)));
}

// The entry of the largest magnitude lies at -8 / stretch times its scale: a stretch above 1 leaves
// it out of reach (it is clipped) for the sake of the others.
constexpr float kStretches[] = {0.875f, 0.9375f, 1.0f, 1.0625f, 1.125f, 1.1875f, 1.25f};

HWY_INLINE Vector scale_q4(const Block& block) {
  const Floats d;
  Vector extreme = hn::Zero(d);
  for (std::size_t k = 0; k < block.count; ++k) {
    const Vector x = block.at(k);
    extreme = hn::IfThenElse(hn::Gt(hn::Abs(x), hn::Abs(extreme)), x, extreme);
  }
  Vector best = hn::Zero(d);
  Vector least = hn::Set(d, HUGE_VALF);
  for (const float stretch : kStretches) {
    const Vector scale = round_to_bf16(hn::Mul(extreme, hn::Set(d, -0.125f / stretch)));
    const Vector inverse = inverse_of(scale);
    Vector error = hn::Zero(d);
    for (std::size_t k = 0; k < block.count; ++k) {
      const Vector x = block.at(k);
      const Vector off = hn::NegMulAdd(nearest(x, inverse, -8, 7), scale, x);
      error = hn::MulAdd(off, off, error);
    }
    const auto better = hn::Lt(error, least);
    best = hn::IfThenElse(better, scale, best);
    least = hn::IfThenElse(better, error, least);
  }
  return best;
}

// Four weights of each lane's row as its four bytes.
HWY_INLINE Ints four_bytes(const Block& block, std::size_t k, Vector inverse, float low, float high,
                           int zero) {
  const hn::RebindToSigned<Floats> di;
  Ints bytes = hn::Zero(di);
  for (std::size_t i = 4; i-- > 0;) {
    const Vector q = nearest(block.at(k + i), inverse, low, high);
    bytes = hn::Or(hn::ShiftLeft<8>(bytes), hn::Add(hn::ConvertTo(di, q), hn::Set(di, zero)));
  }
  return bytes;
}

void pack_block(const float* weights, std::size_t count, bool q4, std::byte* out) {
  const Floats d;
  const hn::RebindToSigned<Floats> di;
  const std::size_t lanes = hn::Lanes(d);
  std::byte* const scales = out + (q4 ? kQ4BlockBytes : kQ8BlockBytes) - kScaleBytes;
  for (std::size_t row = 0; row < kPanelRows; row += lanes) {
    const Block block{weights + row, count};
    const Vector scale = q4 ? scale_q4(block) : scale_q8(block);
    const Vector inverse = inverse_of(scale);
    const auto store = [&](Ints bytes, std::size_t group) HWY_ATTR {
      hn::StoreU(bytes, di, reinterpret_cast<std::int32_t*>(out + (group * kPanelRows + row) * 4));
    };
    if (q4) {
      for (std::size_t k = 0; k < kBlock; k += 8) {
        const Ints upper = four_bytes(block, k + 4, inverse, -8, 7, kQ4Zero);
        store(hn::Or(hn::ShiftLeft<4>(upper), four_bytes(block, k, inverse, -8, 7, kQ4Zero)),
              k / 8);
      }
    } else {
      for (std::size_t k = 0; k < kBlock; k += 4) {
        store(four_bytes(block, k, inverse, -127, 127, kQ8Zero), k / 4);
      }
    }
    float widened[kSums];
    hn::StoreU(scale, d, widened);
    for (std::size_t i = 0; i < lanes; ++i) {
      std::uint32_t bits;
      std::memcpy(&bits, &widened[i], sizeof(bits));
      const auto upper = static_cast<std::uint16_t>(bits >> 16);
      std::memcpy(scales + (row + i) * sizeof(upper), &upper, sizeof(upper));
    }
  }
}

void pack_blocks(const float* weights, std::size_t cols, bool q4, std::byte* panel) {
  for (std::size_t k = 0; k < cols; k += kBlock) {
    pack_block(weights + k * kPanelRows, HWY_MIN(kBlock, cols - k), q4, panel);
    panel += q4 ? kQ4BlockBytes : kQ8BlockBytes;
  }
}

// The `count` tokens of a tile: x (count, cols), into the tile's part of QuantizedRows.
void quantize(const float* x, std::size_t cols, std::size_t count, std::int32_t* quants,
              float* scales, std::int32_t* sums) {
  for (std::size_t k = 0; k < cols; k += kBlock) {
    for (std::size_t t = 0; t < count; ++t) {
      std::int8_t bytes[kBlock] = {};
      const Scaled scaled = to_bytes(x + t * cols + k, HWY_MIN(kBlock, cols - k), bytes);
      for (std::size_t i = 0; i < kBlock / 4; ++i) {
        std::memcpy(quants + i * count + t, bytes + 4 * i, sizeof(*quants));
      }
      *scales++ = scaled.scale;
      *sums++ = hn::GetLane(hn::SumOfLanes(IntsTag(), scaled.sum));
    }
    quants += count * (kBlock / 4);
  }
}

}  // namespace decant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace decant {

HWY_EXPORT(pack_blocks);
HWY_EXPORT(quantize);

void quantize_panel(std::span<const float> weights, WeightType type, std::byte* panel) {
  assert(is_integer(type));
  HWY_DYNAMIC_DISPATCH(pack_blocks)
  (weights.data(), weights.size() / PackedMatrix::kPanelRows, type == WeightType::kQ4, panel);
}

void quantize_tile(std::span<const float> x, std::size_t cols, std::size_t tile,
                   std::int32_t* quants, float* scales, std::int32_t* sums) {
  const std::size_t tokens = x.size() / cols;
  const std::size_t blocks = (cols + PackedMatrix::kBlock - 1) / PackedMatrix::kBlock;
  const std::size_t first = tile_begin(tile, tokens);
  const std::size_t at = first * blocks;
  HWY_DYNAMIC_DISPATCH(quantize)
  (x.data() + first * cols, cols, tile_begin(tile + 1, tokens) - first,
   quants + at * (PackedMatrix::kBlock / 4), scales + at, sums + at);
}

}  // namespace decant
#endif  // HWY_ONCE
