#include "decant/metrics.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstdint>
#include <map>
#include <numeric>
#include <unordered_map>

namespace decant {
namespace {

using Tokens = std::span<const TokenId>;

struct Before {
  bool operator()(Tokens a, Tokens b) const { return std::ranges::lexicographical_compare(a, b); }
};

template <typename Visit>
void for_each_ngram(Tokens text, std::size_t n, const Visit& visit) {
  assert(n >= 1);
  for (std::size_t i = 0; i + n <= text.size(); ++i) visit(text.subspan(i, n));
}

struct Count {
  std::size_t different = 0;
  std::size_t all = 0;
};

Count count_ngrams(Texts texts, std::size_t n) {
  std::vector<Tokens> ngrams;
  for (const std::vector<TokenId>& text : texts) {
    for_each_ngram(text, n, [&](Tokens ngram) { ngrams.push_back(ngram); });
  }
  std::ranges::sort(ngrams, Before{});
  const auto last = std::unique(ngrams.begin(), ngrams.end(),
                                [](Tokens a, Tokens b) { return std::ranges::equal(a, b); });
  return {static_cast<std::size_t>(last - ngrams.begin()), ngrams.size()};
}

double ratio(std::size_t part, std::size_t whole) {
  return static_cast<double>(part) / static_cast<double>(whole);
}

// How often each n-gram of one text is there.
using Counts = std::map<Tokens, std::size_t, Before>;

Counts ngram_counts(Tokens text, std::size_t n) {
  Counts counts;
  for_each_ngram(text, n, [&](Tokens ngram) { ++counts[ngram]; });
  return counts;
}

// The two texts that have an n-gram most often: whichever text is judged, one of them is another.
struct Most {
  std::size_t text = 0;
  std::size_t count = 0;
  std::size_t second = 0;  // how often the next one has it

  void add(std::size_t other, std::size_t others) {
    if (others > count) {
      *this = {other, others, count};
    } else {
      second = std::max(second, others);
    }
  }
  std::size_t in_others(std::size_t judged) const { return judged == text ? second : count; }
};

// p_n of each text.
std::vector<double> precisions(Texts texts, std::size_t n) {
  constexpr double kEpsilon = 0.1;
  std::vector<Counts> counts;
  std::map<Tokens, Most, Before> most;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    counts.push_back(ngram_counts(texts[i], n));
    for (const auto& [ngram, count] : counts.back()) most[ngram].add(i, count);
  }
  std::vector<double> result;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    std::size_t all = 0;
    std::size_t matched = 0;
    for (const auto& [ngram, count] : counts[i]) {
      all += count;
      matched += std::min(count, most.find(ngram)->second.in_others(i));
    }
    if (matched > 0) {
      result.push_back(ratio(matched, all));
    } else {
      result.push_back(n == 1 ? 0 : kEpsilon / static_cast<double>(std::max<std::size_t>(1, all)));
    }
  }
  return result;
}

std::vector<double> brevity_penalties(Texts texts) {
  std::vector<std::size_t> lengths;
  for (const auto& text : texts) lengths.push_back(text.size());
  std::ranges::sort(lengths);
  std::vector<double> result;
  for (const auto& text : texts) {
    // The references' lengths nearest to its own stand beside it; only a longer one costs anything.
    const std::size_t own = text.size();
    const auto at = std::ranges::lower_bound(lengths, own);
    const std::size_t longer = at + 1 == lengths.end() ? own : *(at + 1);
    const bool nearest = at == lengths.begin() || longer - own < own - *(at - 1);
    result.push_back(longer > own && nearest ? std::exp(1 - ratio(longer, own)) : 1);
  }
  return result;
}

}  // namespace

std::optional<double> distinct(Texts texts, std::size_t n) {
  const Count count = count_ngrams(texts, n);
  if (count.all == 0) return std::nullopt;
  return ratio(count.different, count.all);
}

std::optional<double> repetition(Texts texts, std::size_t n) {
  Count sum;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const Count count = count_ngrams(texts.subspan(i, 1), n);
    sum.different += count.different;
    sum.all += count.all;
  }
  if (sum.all == 0) return std::nullopt;
  return ratio(sum.all - sum.different, sum.all);
}

std::optional<double> diversity(Texts texts) {
  double product = 1;
  for (const std::size_t n : {2U, 3U, 4U}) {
    const auto repeated = repetition(texts, n);
    if (!repeated) return std::nullopt;
    product *= 1 - *repeated;
  }
  return product;
}

std::optional<double> token_repetition(Texts texts, std::size_t window) {
  std::size_t repeated = 0;
  std::size_t all = 0;
  for (const std::vector<TokenId>& text : texts) {
    std::unordered_map<TokenId, std::size_t> last;  // where each token was seen last
    for (std::size_t i = 0; i < text.size(); ++i) {
      const auto [seen, first] = last.try_emplace(text[i], i);
      if (!first && i - seen->second <= window) ++repeated;
      seen->second = i;
    }
    all += text.size();
  }
  if (all == 0) return std::nullopt;
  return ratio(repeated, all);
}

std::optional<double> self_bleu(Texts texts) {
  if (texts.size() < 2) return std::nullopt;
  std::vector<double> bleu = brevity_penalties(texts);
  for (const std::size_t n : {1U, 2U, 3U, 4U}) {
    const std::vector<double> p = precisions(texts, n);
    for (std::size_t i = 0; i < texts.size(); ++i) bleu[i] *= std::pow(p[i], 0.25);
  }
  return std::accumulate(bleu.begin(), bleu.end(), 0.0) / static_cast<double>(texts.size());
}

std::optional<double> mean_logprob(std::span<const double> logprobs) {
  if (logprobs.empty()) return std::nullopt;
  return std::accumulate(logprobs.begin(), logprobs.end(), 0.0) /
         static_cast<double>(logprobs.size());
}

std::optional<double> perplexity(std::span<const double> logprobs) {
  const auto mean = mean_logprob(logprobs);
  if (!mean) return std::nullopt;
  return std::exp(-*mean);
}

std::optional<double> tail_share(std::span<const double> mass_before, double p) {
  if (mass_before.empty()) return std::nullopt;
  const auto outside = std::ranges::count_if(mass_before, [p](double mass) { return mass >= p; });
  return ratio(static_cast<std::size_t>(outside), mass_before.size());
}

}  // namespace decant
