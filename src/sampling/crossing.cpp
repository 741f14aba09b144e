#include "crossing.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <limits>

#include "logits.h"

namespace decant {
namespace {

// So few candidates are put in order; of more, so many are looked at to guess where to cut.
constexpr std::size_t kFew = 64;
// How far off in the ordered sample a guess may be: one and a half standard deviations, and some.
std::ptrdiff_t margin(std::ptrdiff_t at) {
  const double share = static_cast<double>(at + 1) / kFew;
  return 3 + static_cast<std::ptrdiff_t>(1.5 * std::sqrt(kFew * share * (1 - share)));
}

constexpr float kLowest = std::numeric_limits<float>::lowest();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

float next_below(float value) { return std::nextafter(value, -kInfinity); }

}  // namespace

double Weighing::weight(float value) const {
  if (value == -kInfinity) return 0;  // also at an infinite temperature
  return std::exp((static_cast<double>(value) - static_cast<double>(max)) / temperature);
}

double ties_to_reach(const Threshold& threshold, double above, double weight, double count,
                     double total) {
  const auto reached = [&](double j) { return threshold.reached(above + j * weight, total); };
  double j = std::clamp(std::ceil((threshold.share * total - above) / weight), 1.0, count);
  // The quotient may be off by one or two in its last place.
  while (j > 1 && reached(j - 1)) --j;
  while (j < count && !reached(j)) ++j;
  return j;
}

std::size_t Row::count_to(TokenId last) const {
  if (ids != nullptr) {
    return static_cast<std::size_t>(std::upper_bound(ids, ids + size(), last) - ids);
  }
  const auto count = static_cast<std::int64_t>(last) - first_id + 1;
  return static_cast<std::size_t>(
      std::clamp<std::int64_t>(count, 0, static_cast<std::int64_t>(size())));
}

void RowBuffer::reserve(std::size_t n) {
  if (values.size() >= n + kSelectPadding) return;
  values.resize(n + kSelectPadding);
  ids.resize(n + kSelectPadding);
}

Row RowBuffer::select(const Row& row, float low, float high, std::size_t begin) {
  assert(values.size() >= begin + row.size() + kSelectPadding);
  const std::size_t count = decant::select(row.values, row.ids, row.first_id, low, high,
                                           values.data() + begin, ids.data() + begin);
  return {{values.data(), begin + count}, ids.data()};
}

void CrossingFinder::reserve(std::size_t n) {
  for (RowBuffer& buffer : buffers_) buffer.reserve(n);
}

// One attempt, with sums in float or in double.
struct CrossingFinder::Search {
  const Weighing& weighing;
  const Threshold& threshold;
  bool exact;
  RowBuffer* buffers;

  // The part of the row that the crossing lies in, and the mass of all that ranks before it.
  Row view = {};
  float top = 0;           // no value in view is larger
  float bottom = kLowest;  // nor smaller
  double mass = 0;
  double above = 0;
  double total = 0;
  RowBuffer* spare = buffers;  // the buffer that view does not lie in

  enum class Answer { kNo, kYes, kUnsure };

  // Is the threshold reached where the cumulative mass is this?
  Answer reached(double cumulative) const {
    // A quotient of two sums is off by both their errors. Counts are exact.
    const double error = exact || std::isinf(weighing.temperature) ? 0 : 2 * kExpSumError;
    if (error > 0 && std::abs(cumulative / total - threshold.share) <= error) {
      return Answer::kUnsure;
    }
    return threshold.reached(cumulative, total) ? Answer::kYes : Answer::kNo;
  }

  double sum(const Row& row, float low) const {
    return (exact ? exp_sum_exact : exp_sum)(row.values, low, weighing.max, weighing.temperature);
  }

  // Selects from view into the spare buffer.
  Row part(float low, float high) { return spare->select(view, low, high); }

  // Makes view what part() last returned.
  void descend(const Row& row, float new_bottom, float new_top, double new_mass) {
    view = row;
    bottom = std::max(bottom, new_bottom);
    top = new_top;
    mass = new_mass;
    spare = spare == buffers ? buffers + 1 : buffers;
  }

  // Two values between which the crossing probably lies.
  std::pair<float, float> guess() const {
    std::array<float, kFew> sample;
    const std::size_t n = view.size();
    for (std::size_t i = 0; i < kFew; ++i) {
      // One of each stretch of the row, at no regular distance: rows may have patterns.
      const std::size_t within = ((i + 1) * 0x9E3779B97F4A7C15 >> 32) % (n / kFew);
      sample[i] = std::max(view.values[i * n / kFew + within], kLowest);
    }
    std::sort(sample.begin(), sample.end(), std::greater{});
    // A sample often misses the few large values that hold most of the mass, but tells well how
    // much mass lies below a value. So the crossing is searched from below.
    const double below = above + mass - threshold.share * total;
    const double each = static_cast<double>(n) / kFew;
    double seen = 0;
    std::ptrdiff_t at = kFew - 1;
    for (; at >= 0; --at) {
      // In float, as it is a guess.
      const float x = sample[static_cast<std::size_t>(at)] - weighing.max;
      seen += each * static_cast<double>(std::exp(x / static_cast<float>(weighing.temperature)));
      if (seen > below) break;
    }
    const std::ptrdiff_t high = at - margin(at);
    const std::ptrdiff_t low = at + margin(at);
    return {
        low < static_cast<std::ptrdiff_t>(kFew) ? sample[static_cast<std::size_t>(low)] : kLowest,
        high >= 0 ? sample[static_cast<std::size_t>(high)] : top};
  }

  // The crossing among the `count` candidates of one value, of which the lower id goes first.
  std::optional<Crossing> among_ties(float value, double count) const {
    const double weight = weighing.weight(value);
    const double j = ties_to_reach(threshold, above, weight, count, total);
    if (j > 1 && reached(above + (j - 1) * weight) == Answer::kUnsure) return {};
    if (reached(above + j * weight) == Answer::kUnsure) return {};
    const std::size_t at = find_equal(view.values, value, static_cast<std::size_t>(j) - 1);
    return Crossing{{value, view.id(at)}, weight, total};
  }

  // The crossing among few candidates.
  std::optional<Crossing> among_few() const {
    std::array<Place, kFew> places;
    const auto end = places.begin() + static_cast<std::ptrdiff_t>(view.size());
    for (std::size_t i = 0; i < view.size(); ++i) places[i] = {view.values[i], view.id(i)};
    std::sort(places.begin(), end, ranks_before);
    double cumulative = above;
    for (auto place = places.begin(); place != end; ++place) {
      const double weight = weighing.weight(place->value);
      cumulative += weight;
      switch (reached(cumulative)) {
        case Answer::kYes:
          return Crossing{*place, weight, total};
        case Answer::kUnsure:
          return {};
        case Answer::kNo:
          break;
      }
    }
    return {};
  }

  std::optional<Crossing> run(const Row& row) {
    total = sum(row, kLowest);
    descend(row, kLowest, weighing.max, total);
    while (view.size() > kFew) {
      auto [low, high] = guess();
      const double before = high < top ? sum(view, next_above(high)) : 0;
      switch (reached(above + before)) {
        case Answer::kUnsure:
          return {};
        case Answer::kYes:
          descend(part(next_above(high), top), next_above(high), top, before);
          continue;
        case Answer::kNo:
          break;
      }
      Row inside;
      if (low < high) {
        inside = part(low, high);
        if (inside.size() == view.size()) {
          // Nothing was cut off, as many are equal: to the lowest, or else to the highest.
          low = low > kLowest ? next_above(low) : high;
          inside = part(low, high);
        }
      }
      const auto ties = low == high ? static_cast<double>(count_equal(view.values, low)) : 0;
      const double within = low == high ? ties * weighing.weight(low) : sum(inside, kLowest);
      switch (reached(above + before + within)) {
        case Answer::kUnsure:
          return {};
        case Answer::kYes:
          above += before;
          if (low == high) return among_ties(low, ties);
          descend(inside, low, high, within);
          break;
        case Answer::kNo:
          above = above + before + within;  // summed as it was compared
          descend(part(kLowest, next_below(low)), kLowest, next_below(low), mass - before - within);
          break;
      }
    }
    return among_few();
  }
};

Crossing CrossingFinder::find(const Row& row, const Weighing& weighing,
                              const Threshold& threshold) {
  float bottom = kLowest;
  for (const bool exact : {false, true}) {
    Search search{weighing, threshold, exact, buffers_};
    if (const auto crossing = search.run(row)) return *crossing;
    bottom = search.bottom;
  }
  // The walk through the last few ended an ulp short of the threshold that their sum had reached:
  // the last of them that has any probability is meant.
  Crossing last{.total = exp_sum_exact(row.values, kLowest, weighing.max, weighing.temperature)};
  last.place.value = kInfinity;
  for (std::size_t i = 0; i < row.size(); ++i) {
    const Place place{row.values[i], row.id(i)};
    if (place.value < bottom || !last.place.ranks_before(place)) continue;
    const double weight = weighing.weight(place.value);
    if (weight / last.total == 0) continue;
    last.place = place;
    last.weight = weight;
  }
  return last;
}

}  // namespace decant
