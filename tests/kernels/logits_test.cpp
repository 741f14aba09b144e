// The oracle is the definition, in loops over doubles.
#include "logits.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "kernel_test.h"

namespace decant {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kLowest = std::numeric_limits<float>::lowest();

void on_each_target(const std::function<void()>& test) {
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    SCOPED_TRACE(hwy::TargetName(target));
    hwy::SetSupportedTargetsForTest(target);
    test();
  }
  hwy::SetSupportedTargetsForTest(0);
}

RowScan scan(const std::vector<float>& row) {
  std::vector<float> maxima(maxima_count(row.size()));
  const RowScan result = scan_row(row, maxima);
  if (result.finite > 0 && result.bad == row.size()) {
    EXPECT_EQ(*std::ranges::max_element(maxima), result.max);
  }
  return result;
}

TEST(ScanRow, FindsTheMaximumAndCountsAtEveryLength) {
  on_each_target([] {
    std::mt19937 random(1);
    for (std::size_t n = 1; n <= 300; ++n) {
      auto row = random_floats(n, static_cast<unsigned>(n));
      if (n % 3 == 0) {
        for (float& x : row) x = random() % 4 == 0 ? -kInf : x - 10;
      }
      const RowScan result = scan(row);
      EXPECT_EQ(result.bad, n);
      EXPECT_EQ(result.max, *std::ranges::max_element(row));
      EXPECT_EQ(result.finite, n - static_cast<std::size_t>(std::ranges::count(row, -kInf)));
    }
  });
}

TEST(ScanRow, NamesTheFirstEntryThatMustNotBe) {
  on_each_target([] {
    for (const std::size_t n : std::initializer_list<std::size_t>{1, 15, 16, 17, 64, 100, 5000}) {
      for (const std::size_t at : {std::size_t{0}, n / 2, n - 1}) {
        for (const float bad : {kNan, -kNan, kInf}) {
          std::vector<float> row(n, -1.0f);
          row[at] = bad;
          row[n - 1] = bad;
          EXPECT_EQ(scan(row).bad, at);
        }
      }
    }
    const std::vector<float> huge(1000, std::numeric_limits<float>::max());  // the sum overflows
    EXPECT_EQ(scan(huge).bad, 1000u);
    EXPECT_EQ(scan(huge).finite, 1000u);
    EXPECT_EQ(scan(std::vector<float>(40, -kInf)).finite, 0u);
  });
}

// What callers build on: bounds for the largest entries, and where to look for the first maximum.
TEST(ScanRow, TheMaximaBoundTheLargestEntriesAndTellWhereTheyBegin) {
  on_each_target([] {
    for (const std::size_t n : {1u, 16u, 60u, 4095u, 4097u, 9000u, 70000u, 150001u}) {
      for (const std::size_t offset : {0u, 1u, 5u}) {  // however the row lies in memory
        auto values = random_floats(n + offset, 3);
        const std::span<const float> row = std::span(values).subspan(offset);
        values[offset + n / 2] = values[offset + n - 1] = 100;
        std::vector<float> maxima(maxima_count(n));
        scan_row(row, maxima);

        const auto first = find_equal(maxima, 100);
        ASSERT_LT(first, maxima.size());
        EXPECT_LE(maxima_begin(row, first), n / 2);
        EXPECT_EQ(find_equal(row.subspan(maxima_begin(row, first)), 100) + maxima_begin(row, first),
                  n / 2);
        std::vector<float> sorted(row.begin(), row.end());
        std::ranges::sort(sorted, std::ranges::greater{});
        std::ranges::sort(maxima, std::ranges::greater{});
        EXPECT_LE(maxima.size(), n / 256 + 32);
        for (std::size_t k = 0; k < std::min(maxima.size(), n); ++k) {
          ASSERT_LE(maxima[k], sorted[k]);
        }
      }
    }
  });
}

TEST(FindEqual, IsTheNthThatIsEqual) {
  on_each_target([] {
    for (std::size_t n = 0; n <= 70; ++n) {
      std::vector<float> row(n, 1.0f);
      EXPECT_EQ(find_equal(row, 2), n);
      EXPECT_EQ(count_equal(row, 2), 0u);
      for (std::size_t i = n; i-- > 0;) {
        row[i] = 2;
        EXPECT_EQ(find_equal(row, 2), i);
        EXPECT_EQ(find_equal(row, 2, (n - i) / 2), i + (n - i) / 2);
        EXPECT_EQ(count_equal(row, 2), n - i);
        EXPECT_EQ(find_equal(row, 2, n - i), n);
      }
    }
  });
}

TEST(Select, KeepsWhatIsInsideInItsOrder) {
  on_each_target([] {
    std::mt19937 random(5);
    for (std::size_t n = 0; n <= 200; ++n) {
      std::vector<float> row(n);
      for (float& x : row) x = random() % 9 == 0 ? -kInf : static_cast<float>(random() % 10);
      std::vector<std::int32_t> ids(n);
      for (std::size_t i = 0; i < n; ++i) ids[i] = static_cast<std::int32_t>(3 * i + 1);
      const auto low = static_cast<float>(random() % 10);
      const float high = low + static_cast<float>(random() % 5);
      for (const bool has_ids : {false, true}) {
        std::vector<float> out(n + kSelectPadding);
        std::vector<std::int32_t> out_ids(n + kSelectPadding);
        const std::size_t count =
            select(row, has_ids ? ids.data() : nullptr, 7, low, high, out.data(), out_ids.data());
        std::size_t expected = 0;
        for (std::size_t i = 0; i < n; ++i) {
          if (row[i] < low || row[i] > high) continue;
          ASSERT_LT(expected, count);
          EXPECT_EQ(out[expected], row[i]);
          EXPECT_EQ(out_ids[expected], has_ids ? ids[i] : static_cast<std::int32_t>(i) + 7);
          ++expected;
        }
        EXPECT_EQ(count, expected);
      }
    }
  });
}

long double exact_sum(const std::vector<float>& row, float low, float max, double temperature) {
  long double sum = 0;
  for (const float x : row) {
    if (x < low) continue;
    sum += std::exp((static_cast<long double>(x) - static_cast<long double>(max)) /
                    static_cast<long double>(temperature));
  }
  return sum;
}

TEST(ExpSum, IsWithinItsErrorOfTheSum) {
  on_each_target([] {
    for (const double temperature : {1e-6, .01, .3, .8, 1.0, 2.0, 77.7, 1e6, 1e35}) {
      for (const double scale : {1e-30, .01, 3.0, 50.0, 1e4, 1e30}) {
        for (const std::size_t n : {1u, 17u, 63u, 64u, 65u, 1000u, 3001u}) {
          auto row = random_floats(n, 9, scale);
          row[n / 2] = -kInf;
          if (n == 1) row[0] = static_cast<float>(scale);
          const float max = *std::ranges::max_element(row);
          for (const float low : {kLowest, static_cast<float>(scale)}) {
            const long double expected = exact_sum(row, low, max, temperature);
            const auto is_near = [&](double actual, double error) {
              return std::abs(actual - expected) <= error * expected + 1e-30L;
            };
            EXPECT_PRED2(is_near, exp_sum(row, low, max, temperature), kExpSumError)
                << expected << ", n " << n << ", scale " << scale << ", T " << temperature;
            EXPECT_PRED2(is_near, exp_sum_exact(row, low, max, temperature), 1e-13)
                << expected << ", n " << n << ", scale " << scale << ", T " << temperature;
          }
        }
      }
    }
  });
}

TEST(ExpMoments, AreTheSumAndTheSumOfTheDistances) {
  on_each_target([] {
    for (const double temperature : {1e-6, .3, 1.0, 77.7, 1e35}) {
      for (const double scale : {1e-30, .01, 3.0, 50.0, 1e30}) {
        for (const std::size_t n : {1u, 17u, 63u, 64u, 65u, 3001u}) {
          auto row = random_floats(n, 9, scale);
          row[n / 2] = -kInf;
          if (n == 1) row[0] = static_cast<float>(scale);
          const float max = *std::ranges::max_element(row);
          long double expected = 0;
          for (const float x : row) {
            const long double d = (static_cast<long double>(max) - static_cast<long double>(x)) /
                                  static_cast<long double>(temperature);
            if (x > -kInf) expected += std::exp(-d) * d;
          }
          const ExpMoments moments = exp_moments(row, max, temperature);
          EXPECT_NEAR(moments.distances, static_cast<double>(expected),
                      1e-12 * static_cast<double>(expected) + 1e-300)
              << "n " << n << ", scale " << scale << ", T " << temperature;
          EXPECT_EQ(moments.sum, exp_sum_exact(row, kLowest, max, temperature));
        }
      }
    }
  });
}

TEST(ExpSum, CountsAtAnInfiniteTemperature) {
  on_each_target([] {
    auto row = random_floats(1000, 2, 1e10);
    row[3] = -kInf;
    row[5] = kLowest;
    const float max = *std::ranges::max_element(row);
    EXPECT_EQ(exp_sum(row, kLowest, max, kInf), 999);
    EXPECT_EQ(exp_sum_exact(row, kLowest, max, kInf), 999);
    EXPECT_EQ(exp_sum(row, max, max, kInf), 1);
  });
}

TEST(ExpSum, HasTheSameBitsOnEveryTarget) {
  const auto row = random_floats(5003, 4, 3);
  const float max = *std::ranges::max_element(row);
  on_every_target([&] {
    // The doubles, in three floats each.
    std::vector<float> parts;
    for (double sum : {exp_sum(row, kLowest, max, .8), exp_sum_exact(row, kLowest, max, .8),
                       exp_moments(row, max, .8).distances}) {
      for (int i = 0; i < 3; ++i) {
        parts.push_back(static_cast<float>(sum));
        sum -= static_cast<double>(parts.back());
      }
    }
    return parts;
  });
}

}  // namespace
}  // namespace decant
