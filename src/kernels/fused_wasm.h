// Fused multiply-add for WebAssembly, which has none: a product of two floats is exact in double,
// and the sum rounded to double and then to float is the sum rounded once, but where the first
// rounding has made it a tie of the second, or where floats have fewer bits. There, the C library
// does it.
//
// Takes the place of Highway's own, also within its mathematics, so that logits have the same bits
// as on other machines. Included by simd.h only, before those.
#pragma once

#include <wasm_simd128.h>

#include <cmath>

HWY_BEFORE_NAMESPACE();
namespace hwy::HWY_NAMESPACE {

HWY_INLINE v128_t rounded_twice(v128_t sum) {
  const v128_t tie = wasm_i64x2_eq(wasm_v128_and(sum, wasm_i64x2_const_splat(0x1fffffff)),
                                   wasm_i64x2_const_splat(0x10000000));
  const v128_t small = wasm_f64x2_lt(wasm_f64x2_abs(sum), wasm_f64x2_const_splat(0x1p-125));
  return wasm_v128_or(tie, wasm_v128_and(small, wasm_f64x2_ne(sum, wasm_f64x2_const_splat(0))));
}

HWY_INLINE v128_t upper(v128_t v) { return wasm_i64x2_shuffle(v, v, 1, 1); }

HWY_INLINE v128_t sum_in_double(v128_t mul, v128_t x, v128_t add) {
  return wasm_f64x2_add(
      wasm_f64x2_mul(wasm_f64x2_promote_low_f32x4(mul), wasm_f64x2_promote_low_f32x4(x)),
      wasm_f64x2_promote_low_f32x4(add));
}

// Out of line: it is as good as never called.
HWY_NOINLINE inline v128_t fused_one_by_one(v128_t mul, v128_t x, v128_t add) {
  float a[4];
  float b[4];
  float c[4];
  wasm_v128_store(a, mul);
  wasm_v128_store(b, x);
  wasm_v128_store(c, add);
  for (int i = 0; i < 4; ++i) c[i] = std::fma(a[i], b[i], c[i]);
  return wasm_v128_load(c);
}

template <size_t N>
HWY_INLINE Vec128<float, N> FusedMulAdd(Vec128<float, N> mul, Vec128<float, N> x,
                                        Vec128<float, N> add) {
  const v128_t low = sum_in_double(mul.raw, x.raw, add.raw);
  const v128_t high = sum_in_double(upper(mul.raw), upper(x.raw), upper(add.raw));
  if (HWY_UNLIKELY(wasm_v128_any_true(wasm_v128_or(rounded_twice(low), rounded_twice(high))))) {
    return Vec128<float, N>{fused_one_by_one(mul.raw, x.raw, add.raw)};
  }
  return Vec128<float, N>{wasm_i64x2_shuffle(wasm_f32x4_demote_f64x2_zero(low),
                                             wasm_f32x4_demote_f64x2_zero(high), 0, 2)};
}

template <size_t N>
HWY_INLINE Vec128<float, N> FusedMulSub(Vec128<float, N> mul, Vec128<float, N> x,
                                        Vec128<float, N> sub) {
  return FusedMulAdd(mul, x, Neg(sub));
}

template <size_t N>
HWY_INLINE Vec128<float, N> FusedNegMulAdd(Vec128<float, N> mul, Vec128<float, N> x,
                                           Vec128<float, N> add) {
  return FusedMulAdd(Neg(mul), x, add);
}

}  // namespace hwy::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#define MulAdd FusedMulAdd
#define MulSub FusedMulSub
#define NegMulAdd FusedNegMulAdd
