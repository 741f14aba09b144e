// The oracle is softmax(q k / sqrt(D)) v in double.
#include <cmath>
#include <limits>

#include "kernel_test.h"
#include "kernels.h"

namespace decant {
namespace {

constexpr CacheType kAllTypes[] = {CacheType::kF32, CacheType::kBF16, CacheType::kQ8};

constexpr std::size_t kHeads = 3;

// One layer's cache of `positions` positions, in memory of its own.
class Cache {
 public:
  Cache(std::int64_t positions, std::size_t depth, CacheType type) {
    for (std::int64_t p = 0; p < positions; p += kCachePositions) {
      memory_.emplace_back(kOffset + layer_bytes(kHeads, depth, type), std::byte{0xff});
    }
    for (auto& block : memory_) blocks_.push_back(block.data());
    layer_ = {blocks_, kOffset, kHeads, depth, type};
  }

  const LayerCache& layer() const { return layer_; }

 private:
  static constexpr std::size_t kOffset = 64;  // some other layer comes first
  std::vector<std::vector<std::byte>> memory_;
  std::vector<std::byte*> blocks_;
  LayerCache layer_{};
};

struct Text {
  std::size_t depth;
  std::int64_t positions;
  std::vector<float> q, keys, values;  // (positions, heads, depth)

  Text(std::size_t d, std::int64_t n)
      : depth(d),
        positions(n),
        q(random_floats(kHeads * d * static_cast<std::size_t>(n), 1, 2)),
        keys(random_floats(q.size(), 2)),
        values(random_floats(q.size(), 3)) {}

  // Where one head of a position begins.
  std::size_t at(std::int64_t position, std::size_t head) const {
    return (static_cast<std::size_t>(position) * kHeads + head) * depth;
  }
  std::span<const float> of(const std::vector<float>& all, std::int64_t position,
                            std::size_t head) const {
    return std::span(all).subspan(at(position, head), depth);
  }

  Cache cache(CacheType type) const {
    Cache made(positions, depth, type);
    // In pieces of every length, as texts grow; the first two heads together.
    for (const Heads heads : {Heads{0, 2}, Heads{2, 1}}) {
      std::int64_t piece = 1;
      for (std::int64_t p = 0; p < positions; p += piece++) {
        piece = std::min(piece, positions - p);
        const std::size_t first = at(p, heads.first);
        store_positions(made.layer(), heads, p,
                        {.keys = &keys[first],
                         .values = &values[first],
                         .stride = kHeads * depth,
                         .count = static_cast<std::size_t>(piece)});
      }
    }
    return made;
  }

  // The answers (count, heads' count, D) to queries first, first + 1, ..., each of which sees what
  // came before it.
  std::vector<float> attend_to(const Cache& cache, std::int64_t first, std::size_t count,
                               Heads heads = {0, 1}) const {
    std::vector<float> out(count * heads.count * depth);
    std::vector<float> workspace(attend_workspace_size(heads.count * count, positions, depth), NAN);
    attend({.queries = &q[at(first, heads.first)],
            .query_stride = kHeads * depth,
            .out = out.data(),
            .out_stride = heads.count * depth,
            .count = count},
           cache.layer(), heads, first + 1, workspace);
    return out;
  }

  std::vector<double> definition(std::int64_t query, std::size_t head, CacheType type) const {
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
        score += double{of(q, query, head)[i]} * held(of(keys, p, head), i);
      }
      weights.push_back(std::exp(score / std::sqrt(static_cast<double>(depth))));
      sum += weights.back();
    }
    std::vector<double> out(depth);
    for (std::size_t i = 0; i < depth; ++i) {
      for (std::size_t p = 0; p < weights.size(); ++p) {
        out[i] += weights[p] / sum * held(of(values, static_cast<std::int64_t>(p), head), i);
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
        const std::size_t head = static_cast<std::size_t>(query) % kHeads;
        const auto y = on_every_target([&] { return text.attend_to(cache, query, 1, {head, 1}); });
        const auto expected = text.definition(query, head, type);
        for (std::size_t i = 0; i < depth; ++i) {
          ASSERT_NEAR(y[i], expected[i], 1e-5) << query << ", depth " << depth;
        }
      }
    }
  }
}

TEST(Attend, NeighbouringQueriesAndHeadsChangeNoBit) {
  for (const CacheType type : kAllTypes) {
    for (const std::size_t depth : {20u, 64u}) {
      const Text text(depth, 140);
      const Cache cache = text.cache(type);
      for (std::size_t count = 1; count <= kAttendQueries; ++count) {
        for (const std::int64_t first : {0, 1, 57, 60, 63, 64, 100, 134}) {
          for (const Heads heads : {Heads{0, 1}, Heads{1, 2}, Heads{0, kHeads}}) {
            const auto together = text.attend_to(cache, first, count, heads);
            for (std::size_t i = 0; i < count * heads.count; ++i) {
              const auto position = first + static_cast<std::int64_t>(i / heads.count);
              const auto alone =
                  text.attend_to(cache, position, 1, {heads.first + i % heads.count, 1});
              EXPECT_TRUE(std::equal(alone.begin(), alone.end(),
                                     together.begin() + static_cast<std::ptrdiff_t>(i * depth)))
                  << first << ", answer " << i << " of " << count << " x " << heads.count;
            }
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
    for (std::size_t i = text.at(70, 0); i < text.keys.size(); ++i) {
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
    text.values[text.at(65, 0)] = std::numeric_limits<float>::infinity();
    const auto after = text.attend_to(text.cache(type), 60, 6);
    EXPECT_TRUE(std::equal(before.begin(), before.begin() + 5 * 16, after.begin()));
    EXPECT_FALSE(std::isfinite(after[5 * 16]));
  }
}

TEST(Attend, NanIsNotHidden) {
  for (const CacheType type : kAllTypes) {
    Text text(16, 100);
    text.keys[text.at(3, 0)] = std::numeric_limits<float>::quiet_NaN();
    EXPECT_TRUE(std::isnan(text.attend_to(text.cache(type), 80, 1)[0]));
  }
}

TEST(Attend, HugeScoresDoNotOverflow) {
  Text text(1, 16);
  text.q[text.at(15, 0)] = 1000;
  for (std::int64_t p = 0; p < 16; ++p) {
    text.keys[text.at(p, 0)] = static_cast<float>(p);
    text.values[text.at(p, 0)] = static_cast<float>(p);
  }
  EXPECT_EQ(text.attend_to(text.cache(CacheType::kF32), 15, 1)[0], 15);
}

}  // namespace
}  // namespace decant
