#define HWY_WANT_AVX3_DL  // VNNI
// Vectors without a size at compile time cannot be in arrays.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)

#include "arithmetic.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <thread>
#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "arithmetic.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace decant::cli::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

constexpr bool kFewRegisters =
    HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_SSE4 || HWY_TARGET == HWY_SSSE3;  // 16, else 32
// Sums that do not wait for each other: enough for two or, on NEON, four units of vectors that take
// some cycles each.
constexpr std::size_t kChains = kFewRegisters ? 12 : 16;

// In each lane and in each of kChains sums, `rounds` times one * sum + one; returns the operations
// of a round, or 0 where a sum is not `rounds`.
std::size_t add_floats(std::int64_t rounds, float one) {
  const hn::ScalableTag<float> d;
  const auto ones = hn::Set(d, one);
  hn::Vec<decltype(d)> sums[kChains];
  for (auto& sum : sums) sum = hn::Zero(d);
  for (std::int64_t i = 0; i < rounds; ++i) {
    for (auto& sum : sums) sum = hn::MulAdd(ones, sum, ones);
  }
  for (const auto& sum : sums) {
    if (hn::GetLane(sum) != static_cast<float>(rounds)) return 0;
  }
  return 2 * kChains * hn::Lanes(d);
}

// The same of bytes: in each lane `rounds` times kProducts times one * one. Where there is no
// instruction for it, the engine multiplies lanes as they are.
#if HWY_TARGET == HWY_AVX3_DL || HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2 || \
    HWY_TARGET == HWY_SSE4 || HWY_TARGET == HWY_SSSE3
std::size_t add_bytes(std::int64_t rounds, std::int32_t one) {
  const hn::ScalableTag<std::int32_t> d;
#if HWY_TARGET == HWY_AVX3_DL
  constexpr std::int32_t kProducts = 4;
  constexpr std::size_t kSums = kChains;
  const auto ones = hn::Set(d, one * 0x01010101);
  const auto add = [&](auto sum) HWY_ATTR {
    asm("vpdpbusd %1, %1, %0" : "+v"(sum.raw) : "v"(ones.raw));
    return sum;
  };
#else
  constexpr std::int32_t kProducts = 2;
  constexpr std::size_t kSums = 6;  // a sum waits for an addition only
  const hn::Repartition<std::int16_t, decltype(d)> d16;
  auto ones = hn::BitCast(d16, hn::Set(d, one * 0x00010001));
  auto unused = hn::Zero(d);
  const auto add = [&](auto sum) HWY_ATTR {
    asm volatile("" : "+x"(ones.raw));  // else the products are made once, before the loop
    return hn::ReorderWidenMulAccumulate(d, ones, ones, sum, unused);
  };
#endif
  hn::Vec<decltype(d)> sums[kSums];
  for (auto& sum : sums) sum = hn::Zero(d);
  for (std::int64_t i = 0; i < rounds; ++i) {
    for (auto& sum : sums) sum = add(sum);
  }
  for (const auto& sum : sums) {
    if (hn::GetLane(sum) != kProducts * static_cast<std::int32_t>(rounds)) return 0;
  }
  return std::size_t{2} * kProducts * kSums * hn::Lanes(d);
}
#else
std::size_t add_bytes(std::int64_t rounds, std::int32_t one) {
  return add_floats(rounds, static_cast<float>(one));
}
#endif

}  // namespace decant::cli::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace decant::cli {

HWY_EXPORT(add_floats);
HWY_EXPORT(add_bytes);

double operations_per_second(Numbers numbers, int threads) {
  constexpr std::int64_t kRounds = 2'000'000;
  std::vector<std::size_t> operations(static_cast<std::size_t>(threads));  // of a round
  // Not a constant that the compiler could compute with.
  volatile std::int32_t one = 1;
  const auto run = [&](std::size_t thread) {
    operations[thread] = numbers == Numbers::kFloats
                             ? HWY_DYNAMIC_DISPATCH(add_floats)(kRounds, static_cast<float>(one))
                             : HWY_DYNAMIC_DISPATCH(add_bytes)(kRounds, one);
  };
  const auto start = std::chrono::steady_clock::now();
  {
    std::vector<std::jthread> others;
    for (std::size_t i = 1; i < operations.size(); ++i) others.emplace_back(run, i);
    run(0);
  }
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
  double total = 0;
  for (const std::size_t of_thread : operations) {
    if (of_thread == 0) throw std::runtime_error("this machine adds up wrongly");
    total += static_cast<double>(of_thread) * static_cast<double>(kRounds);
  }
  return total / time.count();
}

}  // namespace decant::cli
#endif  // HWY_ONCE
