// What the strategies cost and gain: `strategies_bench [SHAPE]` times a step of each against a step
// of one sequence of the same model, in turns, with random weights of that shape (gpt2).
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "decant/error.h"
#include "decant/generate.h"

namespace decant {
namespace {

constexpr std::int64_t kTokens = 256;
constexpr int kRounds = 5;

struct Case {
  std::string_view name;
  SamplingConfig sampling;
  Strategy strategy;
  std::string_view baseline;  // the case that it is compared with; empty: itself
  const Constraint* constraint = nullptr;
};

// Random weights repeat nothing, unless they have few tokens to choose from.
std::vector<Case> cases(const Constraint& few_tokens) {
  const SamplingConfig greedy{.temperature = 0};
  const Sampling lookup{{.prompt_lookup_num_tokens = 10}};
  return {
      {"sampling, temperature 1", {}, Sampling{}, ""},
      {"lookup, nothing repeats", {}, lookup, "sampling, temperature 1"},
      {"greedy", greedy, Sampling{}, ""},
      {"sampling, few tokens", {}, Sampling{}, "", &few_tokens},
      {"lookup, mostly wrong", {}, lookup, "sampling, few tokens", &few_tokens},
      {"greedy, few tokens", greedy, Sampling{}, "", &few_tokens},
      {"lookup, mostly right", greedy, lookup, "greedy, few tokens", &few_tokens},
      {"2 beams", {}, BeamSearch{.num_beams = 2}, "greedy"},
      {"4 beams", {}, BeamSearch{.num_beams = 4}, "greedy"},
      {"8 beams", {}, BeamSearch{.num_beams = 8}, "greedy"},
      {"contrastive search, k = 4", {}, ContrastiveSearch{}, "greedy"},
  };
}

struct Timing {
  std::vector<double> seconds;  // a token
  Generation made;
};

double median(std::vector<double> values) {
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
  return values[values.size() / 2];
}

void compare(const ModelConfig& shape, WeightFormat format) {
  const Model model(Checkpoint::random(shape), {.weights = format});
  const Tokenizer tokenizer = Tokenizer::gpt2();
  Session session(model);
  const std::vector<TokenId> prompt = tokenizer.encode("ROMEO:");
  const Constraint few_tokens(tokenizer,
                              {.allowed_tokens = tokenizer.encode("O Romeo, wherefore art thou")});
  const std::vector<Case> all = cases(few_tokens);
  std::map<std::string_view, Timing> timings;
  for (int round = 0; round < kRounds; ++round) {
    for (const Case& one : all) {
      Pipeline pipeline(one.sampling);
      const auto start = std::chrono::steady_clock::now();
      Timing& timing = timings[one.name];
      timing.made = generate(
          session, tokenizer, pipeline, prompt,
          {.strategy = one.strategy, .max_new_tokens = kTokens, .constraint = one.constraint});
      const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
      timing.seconds.push_back(taken.count() / static_cast<double>(timing.made.tokens.size()));
    }
  }
  fmt::print("| {} | ms a token | times | guesses | right |\n| --- | --- | --- | --- | --- |\n",
             weight_format_name(format));
  for (const Case& one : all) {
    const Timing& timing = timings.at(one.name);
    const Timing& baseline = timings.at(one.baseline.empty() ? one.name : one.baseline);
    std::vector<double> ratios;
    for (std::size_t i = 0; i < timing.seconds.size(); ++i) {
      ratios.push_back(timing.seconds[i] / baseline.seconds[i]);
    }
    fmt::print("| {} | {:.2f} | {:.2f} | {} | {} |\n", one.name, 1e3 * median(timing.seconds),
               median(ratios), timing.made.guessed, timing.made.guessed_right);
  }
}

}  // namespace
}  // namespace decant

int main(int argc, char** argv) {
  try {
    const decant::ModelConfig shape = decant::gpt2_config(argc > 1 ? argv[1] : "gpt2");
    for (const auto format : {decant::WeightFormat::kBF16, decant::WeightFormat::kQ8}) {
      decant::compare(shape, format);
    }
    return 0;
  } catch (const decant::Error& error) {
    fmt::print(stderr, "strategies_bench: {}\n", error.what());
    return 1;
  }
}
