// The oracle is softmax(q k / sqrt(D)) v in double.
#include <cmath>
#include <limits>

#include "kernel_test.h"
#include "kernels.h"

namespace decant {
namespace {

constexpr CacheType kAllTypes[] = {CacheType::kF32, CacheType::kBF16, CacheType::kQ8};

// One head's cache of `positions` positions, in memory of its own.
class Cache {
 public:
  Cache(std::int64_t positions, std::size_t depth, CacheType type) {
    const auto width = static_cast<std::int64_t>(depth);
    for (std::int64_t p = 0; p < positions; p += kCachePositions) {
      memory_.emplace_back(kOffset + head_bytes(width, type), std::byte{0xff});
    }
    for (auto& block : memory_) blocks_.push_back(block.data());
    head_ = {blocks_, kOffset, width, type};
  }

  const HeadCache& head() const { return head_; }

 private:
  static constexpr std::size_t kOffset = 64;  // some other head comes first
  std::vector<std::vector<std::byte>> memory_;
  std::vector<std::byte*> blocks_;
  HeadCache head_{};
};

struct Text {
  std::size_t depth;
  std::int64_t positions;
  std::vector<float> q, keys, values;  // (positions, depth)

  Text(std::size_t d, std::int64_t n)
      : depth(d),
        positions(n),
        q(random_floats(d * static_cast<std::size_t>(n), 1, 2)),
        keys(random_floats(q.size(), 2)),
        values(random_floats(q.size(), 3)) {}

  std::span<const float> of(const std::vector<float>& all, std::int64_t position) const {
    return std::span(all).subspan(static_cast<std::size_t>(position) * depth, depth);
  }

  Cache cache(CacheType type) const {
    Cache made(positions, depth, type);
    // In pieces of every length, as texts grow.
    std::int64_t piece = 1;
    for (std::int64_t p = 0; p < positions; p += piece++) {
      piece = std::min(piece, positions - p);
      store_positions(made.head(), p, static_cast<std::size_t>(piece),
                      {of(keys, p).data(), of(values, p).data(), depth});
    }
    return made;
  }

  // The answers to queries first, first + 1, ..., each of which sees what came before it.
  std::vector<float> attend_to(const Cache& cache, std::int64_t first, std::size_t count) const {
    std::vector<float> out(count * depth);
    std::vector<float> workspace(attend_workspace_size(positions, static_cast<std::int64_t>(depth)),
                                 NAN);
    attend({.queries = of(q, first).data(),
            .query_stride = depth,
            .out = out.data(),
            .out_stride = depth,
            .count = count},
           cache.head(), first + 1, workspace);
    return out;
  }

  std::vector<double> definition(std::int64_t query, CacheType type) const {
    // An entry of `row`, as the cache rounds it.
    const auto held = [&](std::span<const float> row, std::size_t i) {
      if (type == CacheType::kF32) return double{row[i]};
      if (type == CacheType::kBF16) return double{widen_bf16(narrow_bf16(row[i]))};
      float largest = 0;
      for (const float value : row) largest = std::max(largest, std::abs(value));
      return std::nearbyint(row[i] * (127.0f / largest)) * double{largest} / 127;
    };
    std::vector<double> weights;
    double sum = 0;
    for (std::int64_t p = 0; p <= query; ++p) {
      double score = 0;
      for (std::size_t i = 0; i < depth; ++i) {
        score += double{of(q, query)[i]} * held(of(keys, p), i);
      }
      weights.push_back(std::exp(score / std::sqrt(static_cast<double>(depth))));
      sum += weights.back();
    }
    std::vector<double> out(depth);
    for (std::size_t i = 0; i < depth; ++i) {
      for (std::size_t p = 0; p < weights.size(); ++p) {
        out[i] += weights[p] / sum * held(of(values, static_cast<std::int64_t>(p)), i);
      }
    }
    return out;
  }
};

TEST(Attend, IsTheFormulaForEveryLengthAndDepth) {
  for (const CacheType type : kAllTypes) {
    for (const std::size_t depth : {1u, 8u, 20u, 33u, 64u, 80u}) {
      const Text text(depth, 140);
      const Cache cache = text.cache(type);
      for (std::int64_t query = 0; query < text.positions; ++query) {
        const auto y = on_every_target([&] { return text.attend_to(cache, query, 1); });
        const auto expected = text.definition(query, type);
        for (std::size_t i = 0; i < depth; ++i) {
          ASSERT_NEAR(y[i], expected[i], 1e-5) << query << ", depth " << depth;
        }
      }
    }
  }
}

TEST(Attend, NeighbouringQueriesChangeNoBit) {
  for (const CacheType type : kAllTypes) {
    for (const std::size_t depth : {20u, 64u}) {
      const Text text(depth, 140);
      const Cache cache = text.cache(type);
      for (std::size_t count = 2; count <= kAttendQueries; ++count) {
        for (const std::int64_t first : {0, 1, 57, 60, 63, 64, 100, 134}) {
          const auto together = text.attend_to(cache, first, count);
          for (std::size_t i = 0; i < count; ++i) {
            const auto alone = text.attend_to(cache, first + static_cast<std::int64_t>(i), 1);
            EXPECT_TRUE(std::equal(alone.begin(), alone.end(),
                                   together.begin() + static_cast<std::ptrdiff_t>(i * depth)))
                << first << " + " << i << " of " << count;
          }
        }
      }
    }
  }
}

// What lies behind the last position, stale keys of a longer text, must not matter.
TEST(Attend, LooksAtNothingBehindTheLastPosition) {
  for (const CacheType type : kAllTypes) {
    Text text(16, 100);
    const auto before = text.attend_to(text.cache(type), 69, 1);
    for (std::size_t i = 70 * 16; i < text.keys.size(); ++i) {
      text.keys[i] = std::numeric_limits<float>::quiet_NaN();
      text.values[i] = std::numeric_limits<float>::infinity();
    }
    EXPECT_EQ(text.attend_to(text.cache(type), 69, 1), before);
  }
}

// Nor what a neighbour answered together with it sees.
TEST(Attend, ALaterTokensInfinityStaysItsOwn) {
  for (const CacheType type : kAllTypes) {
    Text text(16, 140);
    const auto before = text.attend_to(text.cache(type), 60, 6);
    text.values[65 * 16] = std::numeric_limits<float>::infinity();
    const auto after = text.attend_to(text.cache(type), 60, 6);
    EXPECT_TRUE(std::equal(before.begin(), before.begin() + 5 * 16, after.begin()));
    EXPECT_FALSE(std::isfinite(after[5 * 16]));
  }
}

TEST(Attend, NanIsNotHidden) {
  for (const CacheType type : kAllTypes) {
    Text text(16, 100);
    text.keys[3 * 16] = std::numeric_limits<float>::quiet_NaN();  // of position 3
    EXPECT_TRUE(std::isnan(text.attend_to(text.cache(type), 80, 1)[0]));
  }
}

TEST(Attend, HugeScoresDoNotOverflow) {
  Text text(1, 16);
  text.q.back() = 1000;
  for (std::size_t p = 0; p < 16; ++p) {
    text.keys[p] = static_cast<float>(p);
    text.values[p] = static_cast<float>(p);
  }
  EXPECT_EQ(text.attend_to(text.cache(CacheType::kF32), 15, 1)[0], 15);
}

}  // namespace
}  // namespace decant
