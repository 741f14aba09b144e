// What sampling one token costs, chain by chain, beside a sort of the vocabulary and beside the
// floor, one read of the logits. Every answer is compared with the sort's before it is timed.
//
//     build/sampling_bench [CHAIN [V]]      only the chains whose name contains CHAIN
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <numeric>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "decant/sampling.h"

namespace decant {
namespace {

using Clock = std::chrono::steady_clock;

struct Chain {
  std::string_view name;
  SamplingConfig config;
};

const std::vector<Chain> kChains = {
    {"greedy", {.temperature = 0}},
    {"min-p .05", {.min_p = .05}},
    {"T .8", {.temperature = .8}},
    {"T .8, top-p .9", {.temperature = .8, .top_p = .9}},
    {"T .8, top-k 50, top-p .9", {.temperature = .8, .top_k = 50, .top_p = .9}},
    {"T .8, top-k 1000", {.temperature = .8, .top_k = 1000}},
    {"epsilon .0003", {.epsilon_cutoff = 3e-4}},
    {"eta .0003", {.eta_cutoff = 3e-4}},
    {"top-n-sigma 1", {.top_n_sigma = 1}},
    {"typical .9", {.typical_p = .9}},
};

// The kinds of rows that a chain is measured on.
struct Shape {
  std::string_view name;
  float (*logit)(std::size_t i, std::size_t n, std::mt19937& random);
};

float normal(std::mt19937& random, double deviation) {
  return static_cast<float>(std::normal_distribution<double>(0, deviation)(random));
}

const std::vector<Shape> kShapes = {
    {"normal", [](std::size_t, std::size_t, std::mt19937& r) { return normal(r, 3); }},
    {"peaked", [](std::size_t i, std::size_t n,
                  std::mt19937& r) { return normal(r, 2) + (i % (n / 16) == 7 ? 14.0f : 0.0f); }},
    {"flat", [](std::size_t, std::size_t, std::mt19937& r) { return normal(r, .01); }},
    {"all equal", [](std::size_t, std::size_t, std::mt19937&) { return 1.5f; }},
    {"sorted", [](std::size_t i, std::size_t n,
                  std::mt19937&) { return -20 * static_cast<float>(i) / static_cast<float>(n); }},
    {"reversed", [](std::size_t i, std::size_t n,
                    std::mt19937&) { return 20 * static_cast<float>(i) / static_cast<float>(n); }},
    {"one spike",
     [](std::size_t i, std::size_t n, std::mt19937&) { return i == n / 3 ? 12.0f : 0.0f; }},
};

// The textbook's way: probabilities, a full sort for each filter, a walk for the draw.
TokenId sample_by_sorting(std::span<const float> logits, const SamplingConfig& config, double u) {
  struct Token {
    double p;
    TokenId id;
  };
  const auto max = static_cast<double>(*std::ranges::max_element(logits));
  std::vector<Token> tokens(logits.size());
  const double t = config.temperature == 0 ? 1 : config.temperature;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    tokens[i] = {std::exp((static_cast<double>(logits[i]) - max) / t), static_cast<TokenId>(i)};
  }
  const auto mass = [&] {
    return std::accumulate(tokens.begin(), tokens.end(), 0.0,
                           [](double sum, const Token& token) { return sum + token.p; });
  };
  std::ranges::stable_sort(tokens, std::ranges::greater{}, &Token::p);
  if (config.temperature == 0) tokens.resize(1);
  if (const auto k = static_cast<std::size_t>(config.top_k); k > 0 && k < tokens.size()) {
    const double kth = tokens[k - 1].p;
    std::erase_if(tokens, [kth](const Token& token) { return token.p < kth; });
  }
  if (config.top_p < 1) {
    const double enough = config.top_p * mass();
    double sum = 0;
    std::size_t kept = 0;
    while (kept < tokens.size() && sum < enough) sum += tokens[kept++].p;
    tokens.resize(kept);
  }
  const double total = mass();
  double entropy = 0;
  for (const Token& token : tokens) {
    if (token.p > 0) entropy -= token.p / total * std::log(token.p / total);
  }
  double floor = config.min_p;
  if (config.epsilon_cutoff > 0) floor = config.epsilon_cutoff * total;
  if (const double eta = config.eta_cutoff; eta > 0) {
    floor = std::min(eta, std::sqrt(eta) * std::exp(-entropy)) * total;
  }
  if (config.top_n_sigma > 0) {
    double sum = 0;
    double squares = 0;
    for (const float logit : logits) sum += static_cast<double>(logit);
    const double mean = sum / static_cast<double>(logits.size());
    for (const float logit : logits) squares += std::pow(static_cast<double>(logit) - mean, 2);
    floor = std::exp(-config.top_n_sigma * std::sqrt(squares / static_cast<double>(logits.size())));
  }
  std::erase_if(tokens, [=, most = tokens.front().p](const Token& token) {
    return token.p < std::min(floor, most);
  });
  if (config.typical_p < 1) {
    const auto distance = [&](const Token& token) {
      return std::abs(-std::log(token.p / total) - entropy);
    };
    std::ranges::stable_sort(tokens, {}, distance);
    double sum = 0;
    std::size_t kept = 0;
    while (kept < tokens.size() && sum < config.typical_p * total) sum += tokens[kept++].p;
    tokens.resize(kept);
    std::ranges::stable_sort(tokens, std::ranges::greater{}, &Token::p);
  }
  const double end = u * mass();
  double sum = 0;
  for (const Token& token : tokens) {
    sum += token.p;
    if (sum > end) return token.id;
  }
  return tokens.back().id;
}

double median_us(std::size_t calls, const std::function<void(std::size_t)>& call) {
  std::vector<double> times(calls);
  for (std::size_t i = 0; i < calls; ++i) {
    const auto start = Clock::now();
    call(i);
    times[i] = std::chrono::duration<double, std::micro>(Clock::now() - start).count();
  }
  std::ranges::nth_element(times, times.begin() + static_cast<std::ptrdiff_t>(calls / 2));
  return times[calls / 2];
}

#ifdef __x86_64__
#define DECANT_FOR_AVX2 __attribute__((target_clones("default", "avx2")))
#else
#define DECANT_FOR_AVX2
#endif

// What cannot be avoided: each logit is read once.
DECANT_FOR_AVX2 std::uint32_t read(std::span<const float> logits) {
  std::uint32_t bits = 0;
  for (const float logit : logits) bits ^= std::bit_cast<std::uint32_t>(logit);
  return bits;
}

int run(std::string_view filter, std::string_view size) {
  constexpr std::size_t kRows = 2;
  constexpr std::size_t kCalls = 2001;
  fmt::print("{:<26} {:<10} {:>8} {:>10} {:>10} {:>10}\n", "chain", "logits", "V", "us a token",
             "floor, us", "sort, us");
  volatile double sink = 0;
  for (const Chain& chain : kChains) {
    if (chain.name.find(filter) == std::string_view::npos) continue;
    for (const std::size_t n : {50257u, 128256u, 262144u}) {
      if (!size.empty() && size != std::to_string(n)) continue;
      for (const Shape& shape : kShapes) {
        std::mt19937 random(1);
        std::vector<std::vector<float>> rows(kRows, std::vector<float>(n));
        for (auto& row : rows) {
          for (std::size_t i = 0; i < n; ++i) row[i] = shape.logit(i, n, random);
        }
        std::vector<double> luck(97);
        for (double& u : luck) u = std::uniform_real_distribution<double>(0, 1)(random);
        const auto row = [&](std::size_t i) -> const std::vector<float>& {
          return rows[i % kRows];
        };
        const auto u = [&](std::size_t i) { return luck[i % luck.size()]; };

        Pipeline pipeline(chain.config);
        for (std::size_t i = 0; i < 8; ++i) {
          const TokenId ours = pipeline.sample_at(row(i), u(i)).token;
          const TokenId theirs = sample_by_sorting(row(i), chain.config, u(i));
          if (ours == theirs) continue;
          fmt::print(stderr, "{}, {}, V {}, u {}: token {}, and {} by sorting\n", chain.name,
                     shape.name, n, u(i), ours, theirs);
          return 1;
        }
        const double sorting = median_us(
            5, [&](std::size_t i) { sink = sink + sample_by_sorting(row(i), chain.config, u(i)); });
        const double ours = median_us(
            kCalls, [&](std::size_t i) { sink = sink + pipeline.sample_at(row(i), u(i)).token; });
        const double floor = median_us(kCalls, [&](std::size_t i) { sink = sink + read(row(i)); });
        fmt::print("{:<26} {:<10} {:>8} {:>10.1f} {:>10.1f} {:>10.0f}\n", chain.name, shape.name, n,
                   ours, floor, sorting);
        std::fflush(stdout);
      }
    }
  }
  return 0;
}

}  // namespace
}  // namespace decant

int main(int argc, char** argv) {
  return decant::run(argc > 1 ? argv[1] : "", argc > 2 ? argv[2] : "");
}
