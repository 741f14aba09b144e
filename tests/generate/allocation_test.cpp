// No allocation in the token loop: counts operator new between two tokens.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "decant/generate.h"
#include "small_model.h"

namespace {
std::atomic<long> allocations = 0;
}

// The replacements pair malloc with free, which the compiler cannot see.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {  // std::stable_sort's
  ++allocations;
  return std::malloc(size == 0 ? 1 : size);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace decant {
namespace {

void expect_no_allocation(ContextPolicy context, const SamplingConfig& sampling) {
  SmallModel small;
  Pipeline pipeline(sampling);
  constexpr int kWarmUp = 10;
  long before = 0;
  long after = 0;
  int step = 0;
  generate(
      small.session, small.tokenizer, pipeline, small.data.tokens,
      {.max_new_tokens = kWarmUp + 101, .context = context, .stop = {"never ~ever"}, .seed = 4},
      {.on_text = [](std::string_view) {},
       .on_step =
           [&](const Step&) {
             ++step;
             if (step == kWarmUp) before = allocations;
             if (step == kWarmUp + 100) after = allocations;
           }});
  ASSERT_EQ(step, kWarmUp + 101);
  EXPECT_EQ(after - before, 0);
}

TEST(Allocation, NoneInAHundredTokens) {
  for (const auto context : {ContextPolicy::kCrop, ContextPolicy::kSlide}) {
    expect_no_allocation(context, {.temperature = .8, .top_k = 50, .top_p = .9});
    expect_no_allocation(context, {.temperature = 1.5});
    expect_no_allocation(context, {.top_p = .5, .top_p_rule = TopPRule::kExclusive});
    expect_no_allocation(context, {.temperature = 0});
    expect_no_allocation(context, {.temperature = .9,
                                   .top_k = 200,
                                   .top_p = .99,
                                   .min_p = .001,
                                   .typical_p = .99,
                                   .epsilon_cutoff = 1e-4,
                                   .eta_cutoff = 1e-4,
                                   .top_n_sigma = 4,
                                   .repetition_penalty = 1.1,
                                   .presence_penalty = .1,
                                   .frequency_penalty = .1,
                                   .no_repeat_ngram_size = 4,
                                   .logit_bias = {{1, 1.5}}});
  }
}

TEST(Allocation, TheCounterCounts) {
  const long before = allocations;
  const std::vector<int> one(1000);
  EXPECT_GT(allocations, before);
}

}  // namespace
}  // namespace decant
