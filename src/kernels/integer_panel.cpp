// A panel of integers: within a block of inputs the sums are exact, in whatever order; each output
// is one chain of fused multiply-adds over the blocks.
#define HWY_WANT_AVX3_DL  // the dot product of four bytes, VNNI

#include <cstddef>
#include <cstring>

#include "panel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "integer_panel.cpp"
#include <hwy/foreach_target.h>

#include "float_tile.h"
#include "to_bytes.h"

HWY_BEFORE_NAMESPACE();
namespace decant::HWY_NAMESPACE {

constexpr std::size_t kBlock = PackedMatrix::kBlock;

// sum + the four products of each lane's bytes, those of w unsigned, those of x signed.
HWY_INLINE Ints add_dot(Ints sum, Ints w, Ints x) {
#if HWY_TARGET == HWY_AVX3_DL
  // Not by its intrinsic: Highway 1.0 checks that the machine has this instruction, but tells the
  // compiler that it has the one of 256 bits.
  asm("vpdpbusd %2, %1, %0" : "+v"(sum.raw) : "v"(w.raw), "v"(x.raw));
  return sum;
#elif HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_SSE4 || \
    HWY_TARGET == HWY_SSSE3
  // By pairs of 16 bits, which on x86 are added up in their own lane: the bytes 0 and 2, 1 and 3.
  const IntsTag d;
  const hn::Repartition<std::int16_t, IntsTag> d16;
  const hn::Repartition<std::uint16_t, IntsTag> du16;
  Ints unused = hn::Zero(d);
  const auto w16 = hn::BitCast(du16, w);
  const auto x16 = hn::BitCast(d16, x);
  const auto w_even = hn::BitCast(d16, hn::And(w16, hn::Set(du16, 0xff)));
  const auto w_odd = hn::BitCast(d16, hn::ShiftRight<8>(w16));
  const auto x_even = hn::ShiftRight<8>(hn::ShiftLeft<8>(x16));
  const auto x_odd = hn::ShiftRight<8>(x16);
  sum = hn::ReorderWidenMulAccumulate(d, w_even, x_even, sum, unused);
  return hn::ReorderWidenMulAccumulate(d, w_odd, x_odd, sum, unused);
#else
  const IntsTag d;
  const hn::RebindToUnsigned<IntsTag> du;
  const auto bytes = hn::BitCast(du, w);
  const Ints w0 = hn::BitCast(d, hn::And(bytes, hn::Set(du, 0xff)));
  const Ints w1 = hn::BitCast(d, hn::And(hn::ShiftRight<8>(bytes), hn::Set(du, 0xff)));
  const Ints w2 = hn::BitCast(d, hn::And(hn::ShiftRight<16>(bytes), hn::Set(du, 0xff)));
  const Ints w3 = hn::BitCast(d, hn::ShiftRight<24>(bytes));
  sum = hn::Add(sum, hn::Mul(w0, hn::ShiftRight<24>(hn::ShiftLeft<24>(x))));
  sum = hn::Add(sum, hn::Mul(w1, hn::ShiftRight<24>(hn::ShiftLeft<16>(x))));
  sum = hn::Add(sum, hn::Mul(w2, hn::ShiftRight<24>(hn::ShiftLeft<8>(x))));
  return hn::Add(sum, hn::Mul(w3, hn::ShiftRight<24>(x)));
#endif
}

HWY_INLINE Ints load_quants(const std::byte* at) {
  return hn::LoadU(IntsTag(), reinterpret_cast<const std::int32_t*>(at));
}

// How the blocks of a panel lie in memory.
struct Q8Blocks {
  static constexpr std::size_t kBytes = kQ8BlockBytes;
  static constexpr std::size_t kStepInputs = 4;  // that one read of every row's four bytes holds
  static constexpr int kZero = kQ8Zero;
  static HWY_INLINE void split(Ints bytes, Ints (&quants)[1]) { quants[0] = bytes; }
};

struct Q4Blocks {
  static constexpr std::size_t kBytes = kQ4BlockBytes;
  static constexpr std::size_t kStepInputs = 8;
  static constexpr int kZero = kQ4Zero;
  static HWY_INLINE void split(Ints bytes, Ints (&quants)[2]) {
    const IntsTag d;
    const Ints mask = hn::Set(d, 0x0f0f0f0f);
    quants[0] = hn::And(bytes, mask);
    quants[1] = hn::And(hn::ShiftRight<4>(bytes), mask);
  }
};

template <typename Blocks>
struct IntegerTile {
  // Only the dots need registers: sums are touched once a block. Four vectors are a panel's whole
  // width, so that it is read as it lies in memory, once.
  static constexpr std::size_t kVectors = kFewRegisters ? 1 : 4;

  const std::byte* HWY_RESTRICT panel;
  const QuantizedRows& x;
  float* HWY_RESTRICT out;  // (T, kPanelRows)
  Ahead ahead = {};

  template <std::size_t vectors, std::size_t tokens>
  HWY_INLINE void run(std::size_t row, std::size_t token) {
    constexpr std::size_t kParts = Blocks::kStepInputs / 4;
    const Floats d;
    const IntsTag di;
    const std::size_t lanes = hn::Lanes(d);
    Vector sums[tokens][vectors];
    for (auto& of_token : sums) {
      for (Vector& sum : of_token) sum = hn::Zero(d);
    }
    const std::byte* weight = panel + row * 4;
    const std::byte* weight_scales = panel + Blocks::kBytes - kScaleBytes + row * 2;
    const std::int32_t* inputs = x.quants + token * x.blocks * (kBlock / 4);
    const float* input_scales = x.scales + token * x.blocks;
    const std::int32_t* input_sums = x.sums + token * x.blocks;
    for (std::size_t b = 0; b < x.blocks; ++b) {
      // The weights' zero is not at 0: what that adds is taken off beforehand.
      Ints dots[tokens][vectors];
      for (std::size_t t = 0; t < tokens; ++t) {
        for (Ints& dot : dots[t]) dot = hn::Set(di, -Blocks::kZero * input_sums[t]);
      }
      // Not the whole block, which the compiler would unroll: processors foresee what a load reads
      // next by where it stands in the program, and lose sight of 32 loads.
      HWY_UNROLL(2)
      for (std::size_t step = 0; step < kBlock / Blocks::kStepInputs; ++step) {
        ahead.ask();
        Ints weights[vectors][kParts];
        for (std::size_t v = 0; v < vectors; ++v) {
          Blocks::split(load_quants(weight + (step * kPanelRows + v * lanes) * 4), weights[v]);
        }
        for (std::size_t part = 0; part < kParts; ++part) {
          for (std::size_t t = 0; t < tokens; ++t) {
            const Ints four = hn::Set(di, inputs[(step * kParts + part) * tokens + t]);
            for (std::size_t v = 0; v < vectors; ++v) {
              dots[t][v] = add_dot(dots[t][v], weights[v][part], four);
            }
          }
        }
      }
      for (std::size_t v = 0; v < vectors; ++v) {
        const Vector scale =
            load_weights(reinterpret_cast<const std::uint16_t*>(weight_scales + v * lanes * 2));
        for (std::size_t t = 0; t < tokens; ++t) {
          const Vector both = hn::Mul(scale, hn::Set(d, input_scales[t]));
          sums[t][v] = hn::MulAdd(hn::ConvertTo(d, dots[t][v]), both, sums[t][v]);
        }
      }
      weight += Blocks::kBytes;
      weight_scales += Blocks::kBytes;
      inputs += tokens * (kBlock / 4);
      input_scales += tokens;
      input_sums += tokens;
    }
    for (std::size_t t = 0; t < tokens; ++t) {
      for (std::size_t v = 0; v < vectors; ++v) {
        hn::StoreU(sums[t][v], d, out + (token + t) * kPanelRows + row + v * lanes);
      }
    }
  }
};

template <typename Blocks>
HWY_INLINE void multiply(const std::byte* panel, const QuantizedRows& x, std::size_t tokens,
                         float* sums) {
  const std::size_t bytes = x.blocks * Blocks::kBytes;
  const Ahead next_panel(panel + bytes, bytes);
  run_tiles(IntegerTile<Blocks>{panel, x, sums, tokens <= kTileTokens ? Ahead() : next_panel},
            kPanelRows, tokens);
}

void multiply_q8(const std::byte* panel, const QuantizedRows& x, std::size_t tokens, float* sums) {
  multiply<Q8Blocks>(panel, x, tokens, sums);
}

void multiply_q4(const std::byte* panel, const QuantizedRows& x, std::size_t tokens, float* sums) {
  multiply<Q4Blocks>(panel, x, tokens, sums);
}

}  // namespace decant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace decant {

HWY_EXPORT(multiply_q8);
HWY_EXPORT(multiply_q4);

void multiply_integer_panel(const PackedMatrix& w, std::int64_t panel, const QuantizedRows& x,
                            std::size_t tokens, float* sums) {
  const auto multiply = w.type() == WeightType::kQ8 ? HWY_DYNAMIC_DISPATCH(multiply_q8)
                                                    : HWY_DYNAMIC_DISPATCH(multiply_q4);
  multiply(w.panel(panel), x, tokens, sums);
}

}  // namespace decant
#endif  // HWY_ONCE
