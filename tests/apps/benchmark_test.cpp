#include "benchmark.h"

#include <gtest/gtest.h>

namespace decant::cli {
namespace {

TEST(Benchmark, Median) {
  EXPECT_EQ(median({7}), 7);
  EXPECT_EQ(median({9, 1, 4}), 4);
  EXPECT_EQ(median({8, 1, 2, 100}), 5);
}

// Counted one multiplication after the other, as the textbook's loops do them.
TEST(Benchmark, OperationsOfSomeTokens) {
  const ModelConfig config = {
      .vocab_size = 11, .block_size = 8, .n_layer = 3, .n_head = 2, .n_embd = 6, .n_inner = 10};
  for (const auto& [first, end] : {std::pair(0, 5), std::pair(0, 1), std::pair(4, 5)}) {
    std::int64_t multiplications = 6 * 11;  // logits after the last token
    for (std::int64_t layer = 0; layer < 3; ++layer) {
      for (std::int64_t token = first; token < end; ++token) {
        multiplications += 4 * 6 * 6;   // queries, keys, values, and what follows attention
        multiplications += 2 * 6 * 10;  // the feed-forward layer
        for (std::int64_t seen = 0; seen <= token; ++seen) multiplications += 6 + 6;  // k, then v
      }
    }
    EXPECT_EQ(operations(config, first, end - first), static_cast<double>(2 * multiplications));
  }
}

// The smallest windows have no room for what is measured in large ones.
TEST(Benchmark, MeasuresInAnyWindow) {
  for (const std::int64_t window : {1, 40}) {
    const ModelConfig config = {.vocab_size = 70,
                                .block_size = window,
                                .n_layer = 2,
                                .n_head = 1,
                                .n_embd = 16,
                                .n_inner = 64,
                                .tied_head = true};
    const Model model(Checkpoint::random(config), {.weights = WeightFormat::kF32});
    const Measurements found = measure(model, 2, {});
    EXPECT_EQ(found.threads, 2);
    EXPECT_EQ(found.prefill_tokens, std::min<std::int64_t>(window, 512));
    EXPECT_LE(found.prompt_tokens, window);
    EXPECT_EQ(found.decode[1].position + found.decode[1].steps, window);
    const std::size_t rounds = found.prefill.size();
    EXPECT_GE(rounds, 3u);
    EXPECT_EQ(found.first_token.size(), rounds);
    EXPECT_EQ(found.sampling.size(), 2 * rounds);
    EXPECT_EQ(found.bandwidth.size(), 2 * rounds);
    EXPECT_EQ(found.arithmetic.size(), 3 * rounds);
    EXPECT_EQ(found.prefill_floor.size(), rounds);
    for (const Decode& place : found.decode) {
      EXPECT_GE(place.position, 0);
      EXPECT_GE(place.steps, 1);
      EXPECT_LE(place.position + place.steps, window);
      EXPECT_EQ(place.seconds.size(), rounds);
      EXPECT_EQ(place.floor.size(), rounds);
      // Keys and values of 2 layers of 16 channels, in f32, of all positions before each step.
      const double before = static_cast<double>(2 * place.position + place.steps - 1) / 2;
      EXPECT_DOUBLE_EQ(place.bytes, static_cast<double>(model.weight_bytes()) + before * 256);
    }
    EXPECT_EQ(found.batches[0].sequences, 16u);
    EXPECT_EQ(found.batches[1].sequences, 32u);
    for (const Batch& batch : found.batches) {
      EXPECT_GE(batch.steps, 1);
      EXPECT_LE(batch.position + batch.steps, window);
      EXPECT_EQ(batch.seconds.size(), rounds);
      EXPECT_EQ(batch.floor.size(), rounds);
    }
  }
}

}  // namespace
}  // namespace decant::cli
