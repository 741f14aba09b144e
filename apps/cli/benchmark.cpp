#include "benchmark.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <utility>

#include "bandwidth.h"

namespace decant::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMinRounds = 3;
constexpr std::size_t kMaxRounds = 15;
constexpr double kRoundSeconds = 15;     // after which no round begins
constexpr double kDecodeSeconds = 0.15;  // of a round, at each place in the window
constexpr std::int64_t kMinSteps = 4;
constexpr std::int64_t kMaxSteps = 64;
constexpr std::array<std::size_t, 2> kBatches = {16, 32};  // sequences
constexpr std::int64_t kBatchSteps = 8;
constexpr std::int64_t kPrompt = 16;
constexpr std::int64_t kPrefill = 512;
constexpr std::int64_t kVerified = 8;  // steps
// Larger than any cache that two cores of a common machine share; a larger buffer tells no more.
constexpr std::size_t kMaxBuffer = std::size_t{1} << 30;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

class Benchmark {
 public:
  Benchmark(const Model& model, int threads, const SamplingConfig& sampling);

  Measurements run();

 private:
  double verify(const Model& model);
  void expect_same(Logits logits, Logits expected, std::int64_t position) const;
  std::vector<Session> forks(std::size_t count) const;
  void round();
  void decode(Decode& place);
  void decode(Batch& batch);

  double measure_arithmetic();

  Draw draw(Logits logits) {
    return pipeline_.sample(logits, {.position = static_cast<std::uint64_t>(session_.position())});
  }
  // The text that all of this is about; what the tokens are makes no difference.
  std::span<const TokenId> tokens(std::int64_t first, std::int64_t count) const {
    return std::span(text_).subspan(static_cast<std::size_t>(first),
                                    static_cast<std::size_t>(count));
  }

  ModelConfig config_;
  SessionGroup group_;
  Session session_;
  Pipeline pipeline_;
  std::vector<TokenId> text_;  // a whole window
  MemoryReader memory_;
  Measurements found_;
};

Benchmark::Benchmark(const Model& model, int threads, const SamplingConfig& sampling)
    : config_(model.config()),
      group_(model, threads),
      session_(group_),
      pipeline_(sampling),
      memory_(std::min(model.weight_bytes(), kMaxBuffer)) {
  found_.threads = group_.threads();
  if (model.weights() == WeightFormat::kQ8 || model.weights() == WeightFormat::kQ4) {
    found_.numbers = Numbers::kBytes;
  }
  found_.buffer_bytes = memory_.bytes();
  const std::int64_t window = session_.capacity();
  for (std::int64_t i = 0; i < window; ++i) {
    text_.push_back(static_cast<TokenId>((i * 7919 + 1) % model.config().vocab_size));
  }
  found_.prompt_tokens = std::clamp<std::int64_t>(window / 4, 1, kPrompt);
  found_.prefill_tokens = std::min(window, kPrefill);
  const double step = verify(model);
  const auto fitting = static_cast<std::int64_t>(std::min(kDecodeSeconds / step, 1e6));
  const std::int64_t steps = std::clamp(fitting, kMinSteps, kMaxSteps);
  for (Decode& place : found_.decode) {
    place.steps = std::clamp<std::int64_t>(window / 4, 1, steps);
  }
  found_.decode[0].position = std::min(found_.prompt_tokens, window - found_.decode[0].steps);
  found_.decode[1].position = window - found_.decode[1].steps;
  for (std::size_t i = 0; i < found_.batches.size(); ++i) {
    found_.batches[i] = {.sequences = kBatches[i],
                         .position = found_.decode[0].position,
                         .steps = std::min(found_.decode[0].steps, kBatchSteps)};
  }
}

// Returns the seconds of a step, about.
double Benchmark::verify(const Model& model) {
  const std::int64_t prompt = found_.prompt_tokens;
  const std::int64_t end = std::min(prompt + kVerified, session_.capacity());
  Session alone(model, 1);
  Logits expected = alone.prefill(tokens(0, prompt));
  session_.prefill(tokens(0, end), [&](std::size_t index, Logits logits, std::span<const float>) {
    const auto position = static_cast<std::int64_t>(index);
    if (position + 1 < prompt) return;
    if (position >= prompt) expected = alone.step(text_[index]);
    expect_same(logits, expected, position);
  });
  session_.truncate(end - 1);
  std::vector<Session> company = forks(kBatches[0]);
  std::vector<SessionGroup::Part> parts;
  parts.reserve(company.size());
  for (Session& one : company) parts.push_back({&one, tokens(end - 1, 1)});
  const Logits logits = group_.append(parts);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    expect_same(logits.subspan(i * expected.size(), expected.size()), expected, end - 1);
  }
  const auto start = Clock::now();
  session_.step(tokens(end - 1, 1)[0]);
  return seconds_since(start);
}

void Benchmark::expect_same(Logits logits, Logits expected, std::int64_t position) const {
  if (std::ranges::equal(logits, expected)) return;
  throw std::runtime_error(
      fmt::format("at position {} the logits on {} threads are not those on one, step by step and "
                  "alone: this is a bug, please report it with this machine's processor",
                  position, group_.threads()));
}

std::vector<Session> Benchmark::forks(std::size_t count) const {
  std::vector<Session> sessions;
  for (std::size_t i = 0; i < count; ++i) sessions.push_back(session_.fork());
  return sessions;
}

void Benchmark::decode(Decode& place) {
  const double bandwidth = memory_.bytes_per_second(session_.threads());
  double bytes = 0;
  double stepping = 0;
  double sampling = 0;
  TokenId token = text_[static_cast<std::size_t>(place.position)];
  session_.step(token);  // not timed: reading the buffer took the caches
  session_.truncate(place.position);
  for (std::int64_t i = 0; i < place.steps; ++i) {
    bytes += static_cast<double>(session_.step_bytes());
    const auto start = Clock::now();
    const Logits logits = session_.step(token);
    const auto stepped = Clock::now();
    token = draw(logits).token;
    sampling += seconds_since(stepped);
    stepping += std::chrono::duration<double>(stepped - start).count();
  }
  const auto steps = static_cast<double>(place.steps);
  place.bytes = bytes / steps;
  place.seconds.push_back(stepping / steps);
  place.floor.push_back(place.bytes / bandwidth);
  found_.bandwidth.push_back(bandwidth);
  found_.sampling.push_back(sampling / steps);
}

double Benchmark::measure_arithmetic() {
  found_.arithmetic.push_back(operations_per_second(found_.numbers, session_.threads()));
  return found_.arithmetic.back();
}

// Several texts from one prompt.
void Benchmark::decode(Batch& batch) {
  session_.truncate(batch.position);
  const double reading =
      static_cast<double>(session_.step_bytes()) / memory_.bytes_per_second(session_.threads());
  const double multiplying = static_cast<double>(batch.sequences) *
                             operations(config_, batch.position, 1) / measure_arithmetic();
  batch.floor.push_back(std::max(reading, multiplying));
  std::vector<Session> sessions = forks(batch.sequences);
  std::vector<SessionGroup::Part> parts(batch.sequences);
  const auto step = [&](std::int64_t i) {
    for (std::size_t s = 0; s < sessions.size(); ++s) {
      // Each continues with another token.
      const auto at = static_cast<std::int64_t>(s) + i;
      parts[s] = {&sessions[s], tokens(at % session_.capacity(), 1)};
    }
    group_.append(parts);
  };
  step(0);  // not timed: reading the buffer took the caches
  for (Session& session : sessions) session.truncate(batch.position);
  const auto start = Clock::now();
  for (std::int64_t i = 0; i < batch.steps; ++i) step(i);
  batch.seconds.push_back(seconds_since(start) / static_cast<double>(batch.steps));
}

void Benchmark::round() {
  session_.truncate(0);
  auto start = Clock::now();
  draw(session_.prefill(tokens(0, found_.prompt_tokens)));
  found_.first_token.push_back(seconds_since(start));
  session_.truncate(found_.decode[0].position);
  decode(found_.decode[0]);
  for (Batch& batch : found_.batches) decode(batch);

  session_.truncate(0);
  found_.prefill_floor.push_back(operations(config_, 0, found_.prefill_tokens) /
                                 measure_arithmetic());
  start = Clock::now();
  session_.prefill(tokens(0, found_.prefill_tokens));
  found_.prefill.push_back(seconds_since(start));
  const std::int64_t far = found_.decode[1].position;
  if (session_.position() < far) {
    session_.prefill(tokens(session_.position(), far - session_.position()));
  }
  session_.truncate(far);
  decode(found_.decode[1]);
}

Measurements Benchmark::run() {
  const auto start = Clock::now();
  for (std::size_t rounds = 0; rounds < kMaxRounds; ++rounds) {
    if (rounds >= kMinRounds && seconds_since(start) > kRoundSeconds) break;
    round();
  }
  return std::move(found_);
}

}  // namespace

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

Measurements measure(const Model& model, int threads, const SamplingConfig& sampling) {
  return Benchmark(model, threads, sampling).run();
}

double operations(const ModelConfig& config, std::int64_t position, std::int64_t tokens) {
  const auto P = static_cast<double>(position);
  const auto T = static_cast<double>(tokens);
  const auto C = static_cast<double>(config.n_embd);
  const auto layers = static_cast<double>(config.n_layer);
  const double weights = layers * (4 * C * C + 2 * C * static_cast<double>(config.n_inner));
  const double head = C * static_cast<double>(config.vocab_size);
  const double seen = T * P + T * (T + 1) / 2;  // tokens, by all tokens
  return 2 * (weights * T + head + layers * 2 * C * seen);
}

}  // namespace decant::cli
