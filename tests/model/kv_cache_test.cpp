#include "kv_cache.h"

#include <gtest/gtest.h>

namespace decant {
namespace {

TEST(KvCache, EachHeadFindsItsOwnKeysAndValues) {
  const ModelConfig config{.block_size = 20, .n_layer = 3, .n_head = 2, .n_embd = 6};
  KvCache cache(config);
  EXPECT_EQ(cache.stride() % kPositionAlign, 0);
  EXPECT_GE(cache.stride(), 20);
  const auto key = [](std::int64_t layer, std::int64_t position, std::int64_t channel) {
    return static_cast<float>(layer * 10000 + position * 100 + channel);
  };
  for (std::int64_t layer = 0; layer < 3; ++layer) {
    for (std::int64_t position = 0; position < 20; ++position) {
      std::vector<float> keys;
      std::vector<float> values;
      for (std::int64_t c = 0; c < 6; ++c) {
        keys.push_back(key(layer, position, c));
        values.push_back(-key(layer, position, c));
      }
      cache.store(layer, position, keys, values);
    }
  }
  for (std::int64_t layer = 0; layer < 3; ++layer) {
    for (std::int64_t head = 0; head < 2; ++head) {
      const HeadCache view = cache.head(layer, head);
      for (std::int64_t position = 0; position < 20; ++position) {
        for (std::int64_t i = 0; i < 3; ++i) {
          EXPECT_EQ(view.keys[i * view.stride + position], key(layer, position, head * 3 + i));
          EXPECT_EQ(view.values[position * 3 + i], -key(layer, position, head * 3 + i));
        }
      }
    }
  }
}

}  // namespace
}  // namespace decant
