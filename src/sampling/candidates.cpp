#include "candidates.h"

#include <fmt/format.h>

#include <algorithm>

#include "decant/error.h"

namespace decant {
namespace {

bool ranks_before(const Candidate& a, const Candidate& b) {
  return a.logit > b.logit || (a.logit == b.logit && a.token < b.token);
}

}  // namespace

void Candidates::assign(Logits logits) {
  items_.clear();
  items_.reserve(logits.size());
  ranked_ = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (logits[i] == -INFINITY) continue;
    if (!std::isfinite(logits[i])) {
      throw Error(ErrorCode::kInvalidLogits,
                  fmt::format("logits[{}] is {}: the model is broken; check its weights", i,
                              std::isnan(logits[i]) ? "NaN" : "+inf"));
    }
    items_.push_back({static_cast<TokenId>(i), logits[i]});
  }
  if (items_.empty()) {
    throw Error(
        ErrorCode::kInvalidLogits,
        fmt::format("none of the {} logits is finite: no token is possible", logits.size()));
  }
}

double Candidates::max_logit() const {
  if (ranked_ > 0) return items_.front().logit;
  return std::max_element(items_.begin(), items_.end(),
                          [](const Candidate& a, const Candidate& b) { return a.logit < b.logit; })
      ->logit;
}

double Candidates::mass() const {
  const double max = max_logit();
  double sum = 0;
  for (const Candidate& candidate : items_) sum += std::exp(candidate.logit - max);
  return sum;
}

std::span<const Candidate> Candidates::rank_first(std::size_t count) {
  count = std::min(count, items_.size());
  if (count > ranked_) {
    const auto at = [this](std::size_t i) {
      return items_.begin() + static_cast<std::ptrdiff_t>(i);
    };
    if (count < items_.size()) {
      std::nth_element(at(ranked_), at(count - 1), items_.end(), ranks_before);
    }
    std::sort(at(ranked_), at(count), ranks_before);
    ranked_ = count;
  }
  return {items_.data(), count};
}

void Candidates::keep_first(std::size_t count) {
  items_.resize(rank_first(std::max<std::size_t>(count, 1)).size());
  ranked_ = items_.size();
}

void Candidates::keep_at_least(double floor) {
  // The sorted prefix is cut at its end, so what is left of it is still sorted.
  std::erase_if(items_, [floor](const Candidate& candidate) { return candidate.logit < floor; });
  ranked_ = std::min(ranked_, items_.size());
}

void Candidates::divide(double temperature) {
  const double max = max_logit();
  for (Candidate& candidate : items_) candidate.logit = (candidate.logit - max) / temperature;
  ranked_ = 0;  // logits that differed may have become equal, and then the lower id goes first
}

}  // namespace decant
