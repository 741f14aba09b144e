// The oracle sorts everything and walks.
#include "crossing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

namespace decant {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

struct Expected {
  std::vector<Place> ranking = {};
  std::vector<double> cumulative = {};  // share of the mass down to and including each
};

Expected sorted(const Row& row, const Weighing& weighing) {
  Expected e;
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (row.values[i] > -kInf) e.ranking.push_back({row.values[i], row.id(i)});
  }
  std::ranges::sort(e.ranking, [](const Place& a, const Place& b) { return a.ranks_before(b); });
  long double sum = 0;
  std::vector<long double> sums;
  for (const Place& place : e.ranking) {
    sum += weighing.weight(place.value);
    sums.push_back(sum);
  }
  for (const long double s : sums) e.cumulative.push_back(static_cast<double>(s / sum));
  return e;
}

void expect_found(CrossingFinder& finder, const Row& row, const Weighing& weighing,
                  const Expected& expected, const Threshold& threshold) {
  const Crossing actual = finder.find(row, weighing, threshold);
  const auto at =
      std::ranges::find_if(expected.cumulative, [&](double c) { return threshold.reached(c, 1); });
  const std::size_t i = std::min(static_cast<std::size_t>(at - expected.cumulative.begin()),
                                 expected.ranking.size() - 1);
  ASSERT_EQ(actual.place.token, expected.ranking[i].token)
      << "share " << threshold.share << " of " << row.size() << ", rank " << i;
  ASSERT_EQ(actual.place.value, expected.ranking[i].value);
  ASSERT_EQ(actual.weight, weighing.weight(actual.place.value));
}

std::vector<float> random_row(std::mt19937& random) {
  const std::size_t n = 1 + random() % (random() % 4 == 0 ? 5000 : 300);
  const double scales[] = {1e-3, 1, 4, 20};
  std::normal_distribution<double> normal(0, scales[random() % 4]);
  std::vector<float> row(n);
  for (float& x : row) x = static_cast<float>(normal(random));
  switch (random() % 6) {
    case 0:  // ties everywhere
      for (float& x : row) x = std::round(x);
      break;
    case 1:  // many at the bottom
      for (float& x : row) x = std::max(x, 1.0f);
      break;
    case 2:  // many at the top
      for (float& x : row) x = std::min(x, 0.5f);
      break;
    case 3:
      std::ranges::sort(row);
      break;
    case 4:
      for (float& x : row) x = random() % 2 == 0 ? x : -kInf;
      row[0] = 0;
      break;
    default:
      break;
  }
  return row;
}

TEST(CrossingFinder, FindsWhatASortFinds) {
  std::mt19937 random(1);
  std::uniform_real_distribution<double> uniform(0, 1);
  for (int round = 0; round < 3000; ++round) {
    const std::vector<float> values = random_row(random);
    const Row row{values, nullptr, static_cast<TokenId>(random() % 3)};
    const double temperatures[] = {.1, .8, 1, 30, kInf};
    const Weighing weighing{*std::ranges::max_element(values), temperatures[random() % 5]};
    const Expected expected = sorted(row, weighing);
    CrossingFinder finder;
    finder.reserve(row.size());
    for (int i = 0; i < 10; ++i) {
      expect_found(finder, row, weighing, expected, {uniform(random), random() % 2 == 0});
    }
  }
}

// Shares that lie just off a boundary, nearer than sums in float can tell: only double can.
TEST(CrossingFinder, DecidesInDoubleWhereFloatCannot) {
  std::mt19937 random(2);
  for (int round = 0; round < 300; ++round) {
    const std::vector<float> values = random_row(random);
    const Row row{values};
    const Weighing weighing{*std::ranges::max_element(values), 1};
    const Expected expected = sorted(row, weighing);
    CrossingFinder finder;
    finder.reserve(row.size());
    for (int i = 0; i < 20; ++i) {
      const std::size_t boundary = random() % expected.ranking.size();
      const double share = expected.cumulative[boundary] * (1 + (i % 2 == 0 ? 1e-10 : -1e-10));
      // Where the next boundary is as near, rounding in double may matter, too.
      const auto is_near = [share](double c) { return std::abs(c - share) < .5e-10 * share; };
      if (share >= 1 || std::ranges::any_of(expected.cumulative, is_near)) continue;
      expect_found(finder, row, weighing, expected, {share, i % 4 < 2});
    }
  }
}

// Shares that are prefix sums, and their neighbours: rounding may decide for one of the places
// beside the boundary, but for no other.
TEST(CrossingFinder, StaysAtTheBoundaryThatAShareIsRoundedTo) {
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    std::vector<float> values(2000);
    for (float& x : values) x = static_cast<float>(random() >> 8) * 0x1p-21f;
    const Weighing weighing{*std::ranges::max_element(values), round % 2 == 0 ? 1 : .5};
    const Expected expected = sorted({values}, weighing);
    std::vector<double> sums;
    double sum = 0;
    for (const Place& place : expected.ranking) {
      sums.push_back(sum += weighing.weight(place.value));
    }
    CrossingFinder finder;
    finder.reserve(values.size());
    for (int i = 0; i < 200; ++i) {
      const std::size_t at = random() % (values.size() - 1);
      double share = sums[at] / sum;
      if (i % 3 == 1) share = std::nextafter(share, 0.0);
      if (i % 3 == 2) share = std::nextafter(share, 1.0);
      const Place found = finder.find({values}, weighing, {share, i % 2 == 0}).place;
      const auto rank = std::ranges::find(expected.ranking, found.token, &Place::token) -
                        expected.ranking.begin();
      // Beyond, the weights are less than the rounding of the sums.
      const auto slack = static_cast<std::ptrdiff_t>(1e-13 / weighing.weight(found.value));
      ASSERT_NEAR(static_cast<double>(rank), static_cast<double>(at),
                  static_cast<double>(1 + slack))
          << "round " << round << ", share " << share;
    }
  }
}

// Equal weights sum up without rounding: landing on the share reaches it and does not exceed it.
TEST(CrossingFinder, LandsExactly) {
  for (const std::size_t n : {1u, 10u, 64u, 65u, 1000u, 50257u}) {
    const std::vector<float> values(n, -2.5f);
    CrossingFinder finder;
    finder.reserve(n);
    for (std::size_t k = 1; k < n; k += 1 + n / 17) {
      const double share = static_cast<double>(k) / static_cast<double>(n);
      const Weighing weighing{-2.5f, .8};
      EXPECT_EQ(finder.find({values}, weighing, {share, false}).place.token,
                static_cast<TokenId>(k) - 1)
          << n;
      EXPECT_EQ(finder.find({values}, weighing, {share, true}).place.token, static_cast<TokenId>(k))
          << n;
    }
  }
}

TEST(CrossingFinder, EndsAtTheLastThatWeighsAnything) {
  // The others' weights underflow to 0, and the cumulative sum never exceeds the largest u by much.
  std::vector<float> values(1000, -1e6f);
  for (std::size_t i = 100; i < 200; ++i) values[i] = static_cast<float>(i) / 1e4f;
  CrossingFinder finder;
  finder.reserve(values.size());
  const Weighing weighing{values[199], .8};
  for (const double u : {1 - 0x1p-53, 1 - 0x1p-52, 1 - 1e-15}) {
    EXPECT_EQ(finder.find({values}, weighing, {u, true}).place.token, 100);
  }
}

}  // namespace
}  // namespace decant
