// How fast the model that ships (or `generate_bench MODEL`) decodes and prefills, and how near that
// is to the floor: decoding reads every weight once a token, so no token can take less than reading
// weight_bytes does on the same number of threads.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <numeric>
#include <vector>

#include "decant/generate.h"
#include "thread_pool.h"

namespace decant {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Seconds to read a buffer of `bytes` once, the best of many rounds.
double read_seconds(std::size_t bytes, int threads) {
  const std::vector<std::uint64_t> buffer(bytes / sizeof(std::uint64_t), 1);
  ThreadPool pool(threads);
  std::vector<std::uint64_t> sums(static_cast<std::size_t>(threads));
  double best = 1e9;
  for (int round = 0; round < 200; ++round) {
    const auto start = Clock::now();
    pool.parallel_for(static_cast<std::int64_t>(buffer.size()), 1 << 12,
                      [&](int thread, std::int64_t begin, std::int64_t end) {
                        sums[static_cast<std::size_t>(thread)] += std::accumulate(
                            buffer.begin() + begin, buffer.begin() + end, std::uint64_t{0});
                      });
    best = std::min(best, seconds_since(start));
  }
  benchmark::DoNotOptimize(sums.data());
  return best;
}

struct Setup {
  Model model;
  Tokenizer tokenizer;
  std::vector<TokenId> prompt;
};

std::vector<TokenId> text_of(Setup& setup, int threads, std::int64_t tokens) {
  Session session(setup.model, threads);
  Pipeline pipeline({.temperature = .8, .top_k = 50, .top_p = .9});
  return generate(session, setup.tokenizer, pipeline, setup.prompt,
                  {.max_new_tokens = tokens, .seed = 1})
      .tokens;
}

// 200 new tokens, sampled with the chapter's settings.
void decode(benchmark::State& state, Setup& setup) {
  const auto threads = static_cast<int>(state.range(0));
  constexpr std::int64_t kTokens = 200;
  Session session(setup.model, threads);
  Pipeline pipeline({.temperature = .8, .top_k = 50, .top_p = .9});
  for (auto _ : state) {
    benchmark::DoNotOptimize(generate(session, setup.tokenizer, pipeline, setup.prompt,
                                      {.max_new_tokens = kTokens, .seed = 1}));
  }
  const double floor = read_seconds(setup.model.weight_bytes(), threads);
  state.counters["tokens/s"] = benchmark::Counter(static_cast<double>(state.iterations() * kTokens),
                                                  benchmark::Counter::kIsRate);
  state.counters["floor_tokens/s"] = 1 / floor;
}

// A whole window at once.
void prefill(benchmark::State& state, Setup& setup) {
  Session session(setup.model, static_cast<int>(state.range(0)));
  std::vector<TokenId> window;
  for (std::int64_t i = 0; i < session.capacity(); ++i) {
    window.push_back(setup.prompt[static_cast<std::size_t>(i) % setup.prompt.size()]);
  }
  for (auto _ : state) {
    session.truncate(0);
    benchmark::DoNotOptimize(session.prefill(window));
  }
  state.counters["tokens/s"] = benchmark::Counter(
      static_cast<double>(state.iterations()) * static_cast<double>(window.size()),
      benchmark::Counter::kIsRate);
}

int run(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  const std::filesystem::path path = argc > 1 ? argv[1] : DECANT_SOURCE_DIR "/models/shakespeare";
  const Checkpoint checkpoint = Checkpoint::open(path);
  Setup setup{Model(checkpoint),
              Tokenizer::load(std::filesystem::is_directory(path) ? path : path.parent_path()),
              {}};
  setup.prompt = setup.tokenizer.encode("ROMEO:");

  // A fast wrong answer is worth nothing: all thread counts must make the same text.
  const auto expected = text_of(setup, 1, 300);
  for (int threads = 2; threads <= available_cores(); ++threads) {
    if (text_of(setup, threads, 300) == expected) continue;
    fmt::print(stderr, "generate_bench: {} threads make another text than one\n", threads);
    return 1;
  }

  for (const auto body : {decode, prefill}) {
    benchmark::RegisterBenchmark(body == decode ? "decode" : "prefill",
                                 [&setup, body](benchmark::State& state) { body(state, setup); })
        ->ArgName("threads")
        ->DenseRange(1, available_cores())
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

}  // namespace
}  // namespace decant

int main(int argc, char** argv) { return decant::run(argc, argv); }
