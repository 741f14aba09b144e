// How fast text becomes tokens and tokens become text, one thread, against the speed of memcpy.
//
//     build/tokenizer_bench [TEXT] [--benchmark_...]
//
// TEXT defaults to Tiny Shakespeare where the checkout has it beside it, and to generated English
// otherwise. Before anything is timed, decode(encode(TEXT)) must be TEXT.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "decant/error.h"
#include "decant/tokenizer.h"
#include "file.h"
#include "gpt2.h"

namespace decant {
namespace {

constexpr std::size_t kMaxText = std::size_t{1} << 30;

std::string generated_text() {
  constexpr const char* kWords[] = {"the",    "king",  " shall", " not",  " be", "\n",
                                    "ROMEO:", " o'er", " I'll",  " moon", ",",   " against",
                                    ".",      " thou", "\n\n",   " 12"};
  std::string text;
  for (std::uint32_t state = 1; text.size() < 1'000'000; state = state * 1664525 + 1013904223) {
    text += kWords[state >> 28];
  }
  return text;
}

void report(benchmark::State& state, std::size_t bytes) {
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes));
}

void memcpy_floor(benchmark::State& state, const std::string& text) {
  std::string copy(text.size(), '\0');
  for (auto _ : state) {
    std::memcpy(copy.data(), text.data(), text.size());
    benchmark::DoNotOptimize(copy.data());
    benchmark::ClobberMemory();
  }
  report(state, text.size());
}

void encode(benchmark::State& state, const Tokenizer& tokenizer, const std::string& text) {
  for (auto _ : state) benchmark::DoNotOptimize(tokenizer.encode(text));
  report(state, text.size());
}

void decode(benchmark::State& state, const Tokenizer& tokenizer, const std::string& text) {
  const std::vector<TokenId> ids = tokenizer.encode(text);
  for (auto _ : state) benchmark::DoNotOptimize(tokenizer.decode(ids));
  report(state, text.size());
}

void build_gpt2(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(gpt2_vocabulary());
}

int run(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  const std::filesystem::path beside = DECANT_SOURCE_DIR "/../shared/data/tinyshakespeare.txt";
  std::string text;
  if (argc > 1) {
    text = read_file(argv[1], kMaxText);
  } else {
    text = std::filesystem::exists(beside) ? read_file(beside, kMaxText) : generated_text();
  }
  const Tokenizer tokenizer = Tokenizer::gpt2();
  const std::vector<TokenId> ids = tokenizer.encode(text);
  if (tokenizer.decode(ids) != text) {
    std::fprintf(stderr, "tokenizer_bench: decode(encode(text)) is not the text\n");
    return 1;
  }
  std::printf("%zu bytes, %zu tokens\n", text.size(), ids.size());

  benchmark::RegisterBenchmark("memcpy (the floor)", memcpy_floor, text);
  benchmark::RegisterBenchmark("encode", encode, tokenizer, text);
  benchmark::RegisterBenchmark("decode", decode, tokenizer, text);
  const struct {
    const char* name;
    std::string text;
  } kLongWords[] = {{"encode 1 MB of one letter", std::string(1'000'000, 'a')},
                    {"encode 1 MB of one space", std::string(1'000'000, ' ')}};
  for (const auto& word : kLongWords) {
    benchmark::RegisterBenchmark(word.name, encode, tokenizer, word.text)
        ->Unit(benchmark::kMillisecond);
  }
  benchmark::RegisterBenchmark("build GPT-2's tables", build_gpt2)->Unit(benchmark::kMillisecond);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

}  // namespace
}  // namespace decant

int main(int argc, char** argv) {
  try {
    return decant::run(argc, argv);
  } catch (const decant::Error& error) {
    std::fprintf(stderr, "tokenizer_bench: %s\n", error.what());
    return 1;
  }
}
