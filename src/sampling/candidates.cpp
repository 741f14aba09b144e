#include "candidates.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>

#include "decant/error.h"

namespace decant {
namespace {

constexpr float kLowest = std::numeric_limits<float>::lowest();
constexpr TokenId kLastToken = std::numeric_limits<TokenId>::max();

// The smallest float that is at least `value`.
float float_from(double value) {
  if (value <= static_cast<double>(kLowest)) return kLowest;
  const auto nearest = static_cast<float>(value);
  return static_cast<double>(nearest) >= value ? nearest : next_above(nearest);
}

// Larger values have smaller keys.
std::uint32_t descending_key(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value + 0.0f);  // -0 is 0
  return bits >> 31 != 0 ? bits : ~bits & 0x7fffffff;
}

// In a tenth of the time that comparing a vocabulary takes. Equals keep their order: candidates of
// one value are visited by their ids.
void sort_by_digits(std::vector<Place>& places) {
  constexpr int kBits = 11;
  std::vector<Place> sorted(places.size());
  for (int shift = 0; shift < 32; shift += kBits) {
    const auto digit = [shift](const Place& place) {
      return descending_key(place.value) >> shift & ((1U << kBits) - 1);
    };
    std::array<std::uint32_t, 1U << kBits> begin = {};
    for (const Place& place : places) ++begin[digit(place)];
    std::exclusive_scan(begin.begin(), begin.end(), begin.begin(), std::uint32_t{0});
    for (const Place& place : places) sorted[begin[digit(place)]++] = place;
    places.swap(sorted);
  }
}

}  // namespace

void Candidates::assign(Logits logits) {
  maxima_.resize(maxima_count(logits.size()));
  const RowScan scan = scan_row(logits, maxima_);
  if (scan.bad < logits.size()) {
    throw Error(ErrorCode::kInvalidLogits,
                fmt::format("logits[{}] is {}: the model is broken; check its weights", scan.bad,
                            std::isnan(logits[scan.bad]) ? "NaN" : "+inf"));
  }
  if (scan.finite == 0) {
    throw Error(
        ErrorCode::kInvalidLogits,
        fmt::format("none of the {} logits is finite: no token is possible", logits.size()));
  }
  for (RowBuffer& buffer : buffers_) buffer.reserve(logits.size());
  crossings_.reserve(logits.size());
  vocab_size_ = logits.size();
  row_ = {logits};
  current_ = -1;
  maxima_hold_ = true;
  size_ = scan.finite;
  max_ = scan.max;
  temperature_ = 1;
  few_ = false;
  ties_ = {};
  floor_.reset();
  forget_mass();
  rank_if_few();
  rank_if_tied();
}

void Candidates::forget_mass() {
  mass_.reset();
  exact_mass_.reset();
}

double Candidates::mass() {
  if (few_) return exact_mass();
  if (!mass_) mass_ = exp_sum(row_.values, kLowest, max_, temperature_);
  return *mass_;
}

double Candidates::exact_mass() {
  if (exact_mass_) return *exact_mass_;
  if (few_) {
    double sum = 0;
    for (const Ranked& c : ranked()) sum += c.weight;
    exact_mass_ = sum + static_cast<double>(ties_.count) * ties_.weight;
  } else {
    exact_mass_ = exp_sum_exact(row_.values, kLowest, max_, temperature_);
  }
  return *exact_mass_;
}

double Candidates::entropy() {
  // With weights w = exp(-d) and Z their sum, -sum p log p = log Z + sum p d.
  if (!few_) {
    const ExpMoments moments = exp_moments(row_.values, max_, temperature_);
    exact_mass_ = moments.sum;
    return std::log(moments.sum) + moments.distances / moments.sum;
  }
  double mean = 0;
  const double max = max_;
  const Weighing by = weighing();
  for_each([&](TokenId, float value) {
    const double weight = by.weight(value);
    if (weight > 0) mean += weight * ((max - static_cast<double>(value)) / temperature_);
  });
  return std::log(exact_mass()) + mean / exact_mass();
}

double Candidates::logprob(TokenId token) {
  double logprob = -std::numeric_limits<double>::infinity();
  const double log_mass = std::log(exact_mass());
  for_each([&](TokenId candidate, float value) {
    if (candidate != token) return;
    logprob = (static_cast<double>(value) - static_cast<double>(max_)) / temperature_ - log_mass;
  });
  return logprob;
}

double Candidates::value_deviation() {
  double sum = 0;
  for_each([&](TokenId, float value) { sum += value; });
  const auto n = static_cast<double>(size_);
  const double mean = sum / n;
  double squares = 0;
  for_each([&](TokenId, float value) { squares += (value - mean) * (value - mean); });
  return std::sqrt(squares / n);
}

void Candidates::divide(double temperature) {
  // Beyond these, no two floats are told apart any better, or any worse.
  temperature_ = std::clamp(temperature_ * temperature, 1e-60, 1e60);
  forget_mass();
  if (few_) weigh();
}

void Candidates::weigh() {
  const Weighing by = weighing();
  for (Ranked& c : ranked()) c.weight = by.weight(c.place.value);
  ties_.weight = ties_.count > 0 ? by.weight(ties_.value) : 0;
}

float Candidates::rounded(double value) {
  constexpr double kMost = std::numeric_limits<float>::max();
  if (value == -std::numeric_limits<double>::infinity()) return kImpossible;
  return static_cast<float>(std::clamp(value, -kMost, kMost));
}

float* Candidates::writable(TokenId token) {
  spread_ties();
  if (few_) {
    const auto found =
        std::ranges::find(ranked(), token, [](const Ranked& c) { return c.place.token; });
    return found == ranked().end() ? nullptr : &found->place.value;
  }
  if (current_ < 0) {  // what the caller lent is not ours to change
    std::ranges::copy(row_.values, buffers_[0].values.begin());
    row_ = {{buffers_[0].values.data(), row_.size()}};
    current_ = 0;
  }
  std::size_t index = 0;
  if (row_.ids == nullptr) {
    if (token < 0 || static_cast<std::size_t>(token) >= row_.size()) return nullptr;
    index = static_cast<std::size_t>(token);
  } else {
    const TokenId* end = row_.ids + row_.size();
    const TokenId* found = std::lower_bound(row_.ids, end, token);
    if (found == end || *found != token) return nullptr;
    index = static_cast<std::size_t>(found - row_.ids);
  }
  float& value = buffers_[current_].values[index];
  return value == kImpossible ? nullptr : &value;
}

bool Candidates::settle() {
  forget_mass();
  if (few_) {
    const std::span<Ranked> all = ranked();
    const auto gone = std::remove_if(all.begin(), all.end(),
                                     [](const Ranked& c) { return c.place.value == kImpossible; });
    size_ -= static_cast<std::size_t>(all.end() - gone);
    if (size_ == 0) return false;
    order();
    max_ = best().value;
    weigh();
    return true;
  }
  maxima_.resize(maxima_count(row_.size()));
  const RowScan scan = scan_row(row_.values, maxima_);
  maxima_hold_ = true;
  size_ = scan.finite;
  max_ = scan.max;
  if (size_ == 0) return false;
  rank_if_few();
  rank_if_tied();
  return true;
}

bool Candidates::keep_only(const TokenMask& mask) {
  spread_ties();
  if (few_) {
    for (Ranked& c : ranked()) {
      if (!mask.contains(c.place.token)) c.place.value = kImpossible;
    }
  } else {
    RowBuffer& kept = spare();
    std::size_t count = 0;
    const auto keep = [&](std::size_t i, TokenId token) {
      kept.values[count] = row_.values[i];
      kept.ids[count] = token;
      ++count;
    };
    if (row_.ids == nullptr) {  // what is in the mask tells where to look
      for (std::size_t begin = 0; const std::uint64_t word : mask.words()) {
        for (std::uint64_t rest = word; rest != 0; rest &= rest - 1) {
          const std::size_t i = begin + static_cast<std::size_t>(std::countr_zero(rest));
          if (i >= row_.size()) break;
          keep(i, row_.id(i));
        }
        begin += TokenMask::kWordBits;
      }
    } else {
      for (std::size_t i = 0; i < row_.size(); ++i) {
        if (mask.contains(row_.ids[i])) keep(i, row_.ids[i]);
      }
    }
    adopt({{kept.values.data(), count}, kept.ids.data()});
  }
  return settle();
}

void Candidates::adopt(const Row& row) {
  current_ = &spare() == buffers_ ? 0 : 1;
  row_ = row;
  size_ = row.size();
  maxima_hold_ = false;
  forget_mass();
}

void Candidates::rank_if_few() {
  if (few_ || size_ > kFew) return;
  if (row_.size() > size_) adopt(spare().select(row_, kLowest, max_));
  rank(row_);
}

void Candidates::rank_if_tied() {
  if (few_) return;
  // Most rows are not of this kind, and three entries tell.
  const std::span<const float> values = row_.values;
  const float value = values[values.size() / 2];
  if (values[values.size() / 4] != value || values[values.size() * 3 / 4] != value) return;
  if (value == kImpossible) return;
  const Row few = spare().select(row_, next_above(value), max_);
  const std::size_t count = count_equal(values, value);
  if (few.size() > kFew || few.size() + count != size_) return;
  ties_ = {.value = value, .count = count};
  rank(few);
}

void Candidates::rank(const Row& few) {
  for (std::size_t i = 0; i < few.size(); ++i) ranked_[i].place = {few.values[i], few.id(i)};
  order();
  few_ = true;
  weigh();
  forget_mass();
}

void Candidates::order() { std::ranges::sort(ranked(), ranks_before, &Ranked::place); }

void Candidates::spread_ties() {
  if (ties_.count == 0) return;
  const Place last{ties_.value, tie(ties_.count - 1)};
  few_ = false;
  ties_ = {};
  keep_to(last);
  floor_.reset();
}

Place Candidates::best() const {
  if (few_) return ranked().empty() ? Place{ties_.value, tie(0)} : ranked_[0].place;
  // Looked for only from where the entries begin that share a maximum with it.
  const std::size_t begin = maxima_hold_ ? maxima_begin(row_.values, find_equal(maxima_, max_)) : 0;
  return {max_, row_.id(begin + find_equal(row_.values.subspan(begin), max_))};
}

void Candidates::keep_to(const Place& last) {
  if (few_) {
    const auto gone =
        std::ranges::find_if(ranked(), [&](const Ranked& c) { return last.ranks_before(c.place); });
    auto count = static_cast<std::size_t>(gone - ranked().begin());
    if (ties_.count > 0 && last.value <= ties_.value) {
      const std::size_t ties =
          count_equal(row_.first(row_.count_to(last.token)).values, ties_.value);
      count += last.value < ties_.value ? ties_.count : std::min(ties_.count, ties);
    }
    keep_first(count);
    return;
  }
  floor_ = last.value;
  // Ids ascend, so of the ties those that stay come before those that go.
  const std::size_t split = row_.count_to(last.token);
  const Row head = spare().select(row_.first(split), last.value, max_);
  adopt(spare().select(row_.from(split), next_above(last.value), max_, head.size()));
  rank_if_few();
}

void Candidates::keep_first(std::size_t count) {
  const std::size_t few = ranked().size();
  ties_.count = count > few ? count - few : 0;
  size_ = count;
  floor_ = ties_.count > 0 ? ties_.value : ranked_[count - 1].place.value;
  forget_mass();
}

void Candidates::keep_best() {
  ranked_[0] = {best(), 1};
  ties_ = {};
  few_ = true;
  size_ = 1;
  forget_mass();
}

void Candidates::keep_top(std::size_t k, TopKRule rule) {
  if (k >= size_) return;
  const auto last = [rule](const Place& kth) {
    return rule == TopKRule::kTies ? Place{kth.value, kLastToken} : kth;
  };
  if (!few_ && maxima_hold_ && k < maxima_.size()) {
    // The k-th largest of the maxima is at most the k-th largest value: most go at once.
    const auto kth = maxima_.begin() + static_cast<std::ptrdiff_t>(k - 1);
    std::nth_element(maxima_.begin(), kth, maxima_.end(), std::greater{});
    maxima_hold_ = false;
    if (*kth > kImpossible) keep_to({*kth, kLastToken});
  }
  if (few_) {
    if (k <= ranked().size()) {
      keep_to(last(ranked_[k - 1].place));
    } else if (rule == TopKRule::kExact) {
      keep_first(k);
    }
    return;
  }
  // Mass at an infinite temperature is a count.
  const Weighing count{max_, std::numeric_limits<double>::infinity()};
  const Threshold threshold{static_cast<double>(k) / static_cast<double>(size_)};
  keep_to(last(crossings_.find(row_, count, threshold).place));
}

std::size_t Candidates::few_to_reach(const Threshold& threshold) {
  const double total = exact_mass();
  double cumulative = 0;
  std::size_t count = 0;
  for (const Ranked& c : ranked()) {
    cumulative += c.weight;
    ++count;
    if (threshold.reached(cumulative, total)) return count;
  }
  if (ties_.count == 0 || ties_.weight == 0) return count;
  return count + static_cast<std::size_t>(ties_to_reach(threshold, cumulative, ties_.weight,
                                                        static_cast<double>(ties_.count), total));
}

void Candidates::keep_nucleus(double share, TopPRule rule) {
  // By the exclusive rule the one that crosses goes, unless it is the first.
  const bool exclusive = rule == TopPRule::kExclusive;
  const Threshold threshold{share, exclusive};
  if (few_) {
    const std::size_t count = few_to_reach(threshold);
    keep_first(exclusive && count > 1 ? count - 1 : count);
    return;
  }
  Place last = crossings_.find(row_, weighing(), threshold).place;
  if (!exclusive || !best().ranks_before(last)) {
    keep_to(last);
    return;
  }
  --last.token;  // what ranks before it, whatever that is
  keep_to(last);
  float lowest = max_;
  for_each([&](TokenId, float value) { lowest = std::min(lowest, value); });
  floor_ = lowest;
}

void Candidates::keep_from(double floor) {
  keep_to({float_from(std::min(floor, double{max_})), kLastToken});
  floor_ = floor;
}

void Candidates::keep_probable(double least) {
  const auto floor_by = [&](double mass) { return max_ + temperature_ * std::log(least * mass); };
  double floor = floor_by(mass());
  if (!few_) {
    // Only for a value so near the floor does the rounding of a sum in float matter.
    const double error = 2 * kExpSumError * temperature_;
    const Row near = spare().select(row_, float_from(floor - error), float_from(floor + error));
    if (near.size() > 0) floor = floor_by(exact_mass());
  }
  keep_from(floor);
}

void Candidates::keep_typical(double share) {
  spread_ties();  // so that ids ascend in the row that is made below
  const double total = exact_mass();
  const double log_total = std::log(total);
  const double expected = entropy();
  const Weighing by = weighing();
  const auto distance = [&](float value) {
    const double surprise =
        log_total + (static_cast<double>(max_) - static_cast<double>(value)) / temperature_;
    return std::abs(surprise - expected);
  };
  const auto before = [](const Typical& a, const Typical& b) {
    return a.distance < b.distance || (a.distance == b.distance && a.token < b.token);
  };
  typical_.clear();
  typical_.reserve(vocab_size_);
  for_each([&](TokenId token, float value) {
    typical_.push_back({distance(value), by.weight(value), token});
  });
  // Mostly few are kept, so only as many are put in order as are looked at.
  const auto at = [this](std::size_t i) {
    return typical_.begin() + static_cast<std::ptrdiff_t>(std::min(i, typical_.size()));
  };
  const Threshold threshold{share};
  double cumulative = 0;
  std::size_t kept = 0;
  for (std::size_t begin = 0, end = 64; begin < size_; begin = end, end *= 4) {
    if (end < size_) std::nth_element(at(begin), at(end), at(size_), before);
    std::sort(at(begin), at(end), before);
    while (kept < std::min(end, size_) && !threshold.reached(cumulative, total)) {
      cumulative += typical_[kept++].weight;
    }
    if (threshold.reached(cumulative, total)) break;
  }
  const Typical last = typical_[kept - 1];
  RowBuffer& buffer = spare();
  std::size_t count = 0;
  float max = kImpossible;
  for_each([&](TokenId token, float value) {
    if (before(last, {distance(value), 0, token})) return;
    buffer.values[count] = value;
    buffer.ids[count] = token;
    ++count;
    max = std::max(max, value);
  });
  adopt({{buffer.values.data(), count}, buffer.ids.data()});
  max_ = max;
  few_ = false;
  rank_if_few();
}

std::vector<Place> Candidates::ranking(std::size_t count) const {
  std::vector<Place> places;
  places.reserve(size_);
  for_each([&](TokenId token, float value) { places.push_back({value, token}); });
  count = std::min(count, size_);
  if (count < size_ / 16) {
    const auto end = places.begin() + static_cast<std::ptrdiff_t>(count);
    std::partial_sort(places.begin(), end, places.end(), ranks_before);
  } else if (size_ < 1000) {
    std::ranges::sort(places, ranks_before);
  } else {
    sort_by_digits(places);
  }
  places.resize(count);
  return places;
}

Candidates::Drawn Candidates::draw(double u) {
  const Threshold threshold{u, true};
  if (!few_) {
    const Crossing crossing = crossings_.find(row_, weighing(), threshold);
    return {crossing.place.token, crossing.weight / crossing.total};
  }
  std::size_t at = few_to_reach(threshold) - 1;
  const double total = exact_mass();
  if (at >= ranked().size()) return {tie(at - ranked().size()), ties_.weight / total};
  // One whose weight underflowed to 0 is never drawn, also not as the last, where rounding leaves u
  // beyond the end.
  while (ranked_[at].weight == 0) --at;
  return {ranked_[at].place.token, ranked_[at].weight / total};
}

}  // namespace decant
