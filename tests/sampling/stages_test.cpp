// Tables of distributions: what goes in, what must come out, worked out by hand.
#include "stages.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "decant/error.h"

namespace decant {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

// The distribution after the stage, by token id; 0 for what was removed.
template <typename S>
std::vector<double> apply_to_logits(const S& stage, const std::vector<float>& logits) {
  Candidates candidates;
  candidates.assign(logits);
  stage.apply(candidates);
  const double mass = candidates.mass();
  const double max = candidates.max_logit();
  std::vector<double> result(logits.size());
  for (const Candidate& c : candidates.rank_first(candidates.size())) {
    result[static_cast<std::size_t>(c.token)] = std::exp(c.logit - max) / mass;
  }
  return result;
}

template <typename S>
void expect(const S& stage, const std::vector<double>& probabilities,
            const std::vector<double>& expected) {
  std::vector<float> logits;
  for (const double p : probabilities) logits.push_back(static_cast<float>(std::log(p)));
  const std::vector<double> actual = apply_to_logits(stage, logits);
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) {
    EXPECT_NEAR(actual[i], expected[i], 1e-6) << "token " << i;
    EXPECT_EQ(actual[i] == 0, expected[i] == 0) << "token " << i;
  }
}

TEST(TemperatureStage, Table) {
  expect(Temperature{1}, {.1, .2, .3, .4}, {.1, .2, .3, .4});
  expect(Temperature{.5}, {.1, .2, .3, .4}, {1 / 30., 4 / 30., 9 / 30., 16 / 30.});  // squares
  expect(Temperature{2}, {.04, .16, .64, .16}, {1 / 9., 2 / 9., 4 / 9., 2 / 9.});    // roots
}

TEST(TemperatureStage, ZeroIsGreedyAndTheLowestIdWinsATie) {
  expect(Temperature{0}, {.1, .4, .1, .4}, {0, 1, 0, 0});
  EXPECT_EQ(apply_to_logits(Temperature{0}, {-kInf, -5}), (std::vector<double>{0, 1}));
}

TEST(TemperatureStage, NeitherTinyNorHugeOverflows) {
  for (const double t : {1e-300, 1e-45, 1e-6}) {
    EXPECT_EQ(apply_to_logits(Temperature{t}, {3e38f, -3e38f, 3.0e38f}),
              (std::vector<double>{.5, 0, .5}));
    EXPECT_EQ(apply_to_logits(Temperature{t}, {1, 2, -kInf}), (std::vector<double>{0, 1, 0}));
  }
  const auto flat = apply_to_logits(Temperature{1e300}, {3e38f, -3e38f, 0, -kInf});
  EXPECT_NEAR(flat[0], 1 / 3., 1e-12);
  EXPECT_NEAR(flat[1], 1 / 3., 1e-12);
  EXPECT_EQ(flat[3], 0);
}

TEST(TopKStage, Table) {
  expect(TopK{0}, {.1, .2, .3, .4}, {.1, .2, .3, .4});
  expect(TopK{1}, {.1, .2, .3, .4}, {0, 0, 0, 1});
  expect(TopK{2}, {.1, .2, .3, .4}, {0, 0, 3 / 7., 4 / 7.});
  expect(TopK{4}, {.1, .2, .3, .4}, {.1, .2, .3, .4});
  expect(TopK{std::numeric_limits<std::int64_t>::max()}, {.1, .2, .3, .4}, {.1, .2, .3, .4});
}

TEST(TopKStage, TiesWithTheKthStay) {
  expect(TopK{1}, {.25, .25, .25, .25}, {.25, .25, .25, .25});
  expect(TopK{2}, {.2, .4, .2, .2}, {.2, .4, .2, .2});
  expect(TopK{1}, {.1, .4, .1, .4}, {0, .5, 0, .5});
  EXPECT_EQ(apply_to_logits(TopK{1}, {-kInf, -kInf, 1}), (std::vector<double>{0, 0, 1}));
}

TEST(TopPStage, InclusiveKeepsTheTokenThatCrosses) {
  expect(TopP{1}, {.1, .2, .3, .4}, {.1, .2, .3, .4});
  expect(TopP{.75}, {.1, .2, .3, .4}, {0, 2 / 9., 3 / 9., 4 / 9.});
  expect(TopP{.65}, {.1, .2, .3, .4}, {0, 0, 3 / 7., 4 / 7.});
  expect(TopP{.39}, {.1, .2, .3, .4}, {0, 0, 0, 1});
  expect(TopP{1e-300}, {.1, .2, .3, .4}, {0, 0, 0, 1});
}

TEST(TopPStage, ExclusiveDropsTheTokenThatCrossesButKeepsOne) {
  constexpr auto kExclusive = TopPRule::kExclusive;
  expect(TopP{1, kExclusive}, {.1, .2, .3, .4}, {.1, .2, .3, .4});
  expect(TopP{.75, kExclusive}, {.1, .2, .3, .4}, {0, 0, 3 / 7., 4 / 7.});
  expect(TopP{.65, kExclusive}, {.1, .2, .3, .4}, {0, 0, 0, 1});
  expect(TopP{.1, kExclusive}, {.1, .2, .3, .4}, {0, 0, 0, 1});
}

// Equal logits make every cumulative sum exact: landing on p is reaching p.
TEST(TopPStage, ASumThatLandsExactlyOnPEndsThere) {
  for (int n = 1; n <= 64; ++n) {
    const std::vector<float> logits(static_cast<std::size_t>(n), 1.5f);
    for (int k = 1; k <= n; ++k) {
      for (const auto rule : {TopPRule::kInclusive, TopPRule::kExclusive}) {
        const auto p = apply_to_logits(TopP{static_cast<double>(k) / n, rule}, logits);
        // Lower ids rank first on ties.
        for (int i = 0; i < n; ++i) {
          EXPECT_EQ(p[static_cast<std::size_t>(i)] > 0, i < k)
              << n << " tokens, p = " << k << "/" << n;
        }
      }
    }
  }
}

TEST(TopPStage, OneKeepsTheLastDenormal) {
  const auto p = apply_to_logits(TopP{1}, {0, -740});  // exp(-740) is a denormal double
  EXPECT_GT(p[1], 0);
}

TEST(StageTable, RefusesValuesOutOfRangeByName) {
  const auto refuses = [](const SamplingConfig& config, std::string_view name) {
    for (const StageRow& row : stage_table()) {
      if (row.name != name) continue;
      try {
        row.make(config);
        ADD_FAILURE() << name << " accepted a bad value";
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::kInvalidOption);
        EXPECT_EQ(std::string_view(error.what()).substr(0, name.size()), name);
      }
    }
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const double t : {-1.0, -1e-300, nan, double{kInf}})
    refuses({.temperature = t}, "temperature");
  refuses({.top_k = -1}, "top_k");
  for (const double p : {0.0, -0.1, 1.0000001, nan}) refuses({.top_p = p}, "top_p");
}

}  // namespace
}  // namespace decant
