// decant bench: how fast a model loads, reads and writes on this machine, and how near that is to
// what the machine's memory allows.
#include <algorithm>
#include <chrono>

#include "benchmark.h"
#include "commands.h"
#include "common.h"
#include "sampling_options.h"
#include "svg.h"

namespace decant::cli {
namespace {

using Clock = std::chrono::steady_clock;

struct BenchArgs {
  ModelArgs model;
  std::optional<std::string> shape;
  bool json = false;

  std::string name() const { return shape ? *shape : model.model_path().string(); }
};

struct Loaded {
  Model model;
  double seconds;  // median
};

Loaded load(const BenchArgs& args) {
  constexpr std::size_t kMinLoads = 3;
  constexpr std::size_t kMaxLoads = 7;
  constexpr double kLoadSeconds = 3;
  // Random numbers are there before the clock starts; a file is opened each time.
  std::optional<Checkpoint> checkpoint;
  if (args.shape) {
    checkpoint = Checkpoint::random(gpt2_config(*args.shape));
  } else {
    args.model.open_checkpoint();  // says what it notes, once
  }
  std::optional<Model> model;
  std::vector<double> seconds;
  double total = 0;
  while (seconds.size() < kMinLoads || (seconds.size() < kMaxLoads && total < kLoadSeconds)) {
    model.reset();  // one at a time in memory
    const auto start = Clock::now();
    if (!args.shape) {
      checkpoint = Checkpoint::open(args.model.model_path(), args.model.checkpoint_options());
    }
    model = args.model.load(*checkpoint);
    seconds.push_back(std::chrono::duration<double>(Clock::now() - start).count());
    total += seconds.back();
  }
  return {std::move(*model), median(seconds)};
}

// What was reached of what the machine allows.
double share_of_floor(const std::vector<double>& seconds, const std::vector<double>& floor) {
  std::vector<double> shares;
  for (std::size_t i = 0; i < seconds.size(); ++i) shares.push_back(floor[i] / seconds[i]);
  return median(shares);
}

struct Report {
  const BenchArgs& args;
  const Loaded& loaded;
  const Measurements& found;

  const ModelConfig& config() const { return loaded.model.config(); }
  std::string_view weights() const { return weight_format_name(loaded.model.weights()); }
  double weight_bytes() const { return static_cast<double>(loaded.model.weight_bytes()); }
  double prefill_operations() const {  // per second
    return operations(config(), 0, found.prefill_tokens) / median(found.prefill);
  }
  double batch_operations(const Batch& batch) const {
    return static_cast<double>(batch.sequences) * operations(config(), batch.position, 1) /
           median(batch.seconds);
  }
  double sampling_share() const {
    const double sampling = median(found.sampling);
    return sampling / (sampling + median(found.decode[0].seconds));
  }

  Json json() const;
  std::string text() const;
};

Json Report::json() const {
  const double prefill = median(found.prefill);
  Json decode = Json::array();
  for (const Decode& place : found.decode) {
    const double seconds = median(place.seconds);
    decode.push_back({{"position", place.position},
                      {"tokens", place.steps},
                      {"tokens_per_second", 1 / seconds},
                      {"seconds_per_token", seconds},
                      {"bytes_per_token", place.bytes},
                      {"floor_seconds_per_token", median(place.floor)},
                      {"share_of_floor", share_of_floor(place.seconds, place.floor)}});
  }
  Json batches = Json::array();
  for (const Batch& batch : found.batches) {
    const double seconds = median(batch.seconds);
    batches.push_back({{"sequences", batch.sequences},
                       {"position", batch.position},
                       {"tokens_per_second", static_cast<double>(batch.sequences) / seconds},
                       {"seconds_per_step", seconds},
                       {"operations_per_second", batch_operations(batch)},
                       {"floor_seconds_per_step", median(batch.floor)},
                       {"share_of_floor", share_of_floor(batch.seconds, batch.floor)}});
  }
  return {{"model", args.name()},
          {"random_weights", args.shape.has_value()},
          {"weights", weights()},
          {"weight_bytes", loaded.model.weight_bytes()},
          {"threads", found.threads},
          {"rounds", found.prefill.size()},
          {"bandwidth",
           {{"buffer_bytes", found.buffer_bytes}, {"bytes_per_second", median(found.bandwidth)}}},
          {"arithmetic", {{"operations_per_second", median(found.arithmetic)}}},
          {"load",
           {{"seconds", loaded.seconds}, {"bytes_per_second", weight_bytes() / loaded.seconds}}},
          {"first_token",
           {{"prompt_tokens", found.prompt_tokens}, {"seconds", median(found.first_token)}}},
          {"prefill",
           {{"tokens", found.prefill_tokens},
            {"seconds", prefill},
            {"tokens_per_second", static_cast<double>(found.prefill_tokens) / prefill},
            {"operations_per_second", prefill_operations()},
            {"floor_seconds", median(found.prefill_floor)},
            {"share_of_floor", share_of_floor(found.prefill, found.prefill_floor)}}},
          {"sampling",
           {{"seconds_per_token", median(found.sampling)}, {"share_of_step", sampling_share()}}},
          {"decode", std::move(decode)},
          {"batches", std::move(batches)}};
}

// Three digits, in the unit that suits.
std::string time_text(double seconds) {
  const auto [factor, unit] = seconds >= 1      ? std::pair(1.0, "s")
                              : seconds >= 1e-3 ? std::pair(1e3, "ms")
                                                : std::pair(1e6, "us");
  const double value = seconds * factor;
  return fmt::format("{:.{}f} {}", value, value < 9.995 ? 2 : value < 99.95 ? 1 : 0, unit);
}

std::string per_second(double value) {
  return value < 100 ? fmt::format("{:.1f}", value) : count(static_cast<std::int64_t>(value + .5));
}

std::string Report::text() const {
  const ModelConfig& sizes = config();
  const double prefill = median(found.prefill);
  std::string out = fmt::format(
      "model        {}{}\n"
      "             {} layers of {} channels, vocabulary {}, context {}\n"
      "weights      {}, {:.1f} MB\n"
      "threads      {}, which read a buffer of {:.1f} MB at {:.1f} GB/s\n"
      "             and multiply and add {} at {} Gop/s\n\n",
      args.name(), args.shape ? ", random weights" : "", sizes.n_layer, count(sizes.n_embd),
      count(sizes.vocab_size), count(sizes.block_size), weights(), weight_bytes() / 1e6,
      found.threads, static_cast<double>(found.buffer_bytes) / 1e6, median(found.bandwidth) / 1e9,
      found.numbers == Numbers::kBytes ? "bytes" : "floats",
      per_second(median(found.arithmetic) / 1e9));
  const auto line = [&out](std::string_view name, const std::string& value,
                           const std::string& detail) {
    out += fmt::format("{:<12} {:>14}   {}\n", name, value, detail);
  };
  line("load", time_text(loaded.seconds),
       fmt::format("{} MB/s{}", per_second(weight_bytes() / loaded.seconds / 1e6),
                   args.shape ? ", without a file" : ""));
  line("first token", time_text(median(found.first_token)),
       fmt::format("behind {} tokens", found.prompt_tokens));
  line("prefill", per_second(static_cast<double>(found.prefill_tokens) / prefill) + " tokens/s",
       fmt::format("{} tokens at once, {} Gop/s, {:.0f}% of the arithmetic", found.prefill_tokens,
                   per_second(prefill_operations() / 1e9),
                   100 * share_of_floor(found.prefill, found.prefill_floor)));
  line("sampling", time_text(median(found.sampling)),
       fmt::format("{} of a step (temperature 0.8, top-k 50, top-p 0.9)",
                   percent(sampling_share())));
  out += fmt::format("\n{:<16} {:>10} {:>12} {:>12} {:>12} {:>9}\n", "decode at", "tokens/s",
                     "a token", "reads", "the floor", "reached");
  for (const Decode& place : found.decode) {
    const double seconds = median(place.seconds);
    out += fmt::format(
        "{:<16} {:>10} {:>12} {:>12} {:>12} {:>9}\n",
        fmt::format("{} to {}", count(place.position), count(place.position + place.steps - 1)),
        per_second(1 / seconds), time_text(seconds), fmt::format("{:.1f} MB", place.bytes / 1e6),
        time_text(median(place.floor)),
        fmt::format("{:.0f}%", 100 * share_of_floor(place.seconds, place.floor)));
  }
  out += fmt::format("\n{:<16} {:>10} {:>12} {:>12} {:>12} {:>9}\n", "at once", "tokens/s",
                     "a step", "Gop/s", "the floor", "reached");
  for (const Batch& batch : found.batches) {
    const double seconds = median(batch.seconds);
    out += fmt::format(
        "{:<16} {:>10} {:>12} {:>12} {:>12} {:>9}\n", fmt::format("{} sequences", batch.sequences),
        per_second(static_cast<double>(batch.sequences) / seconds), time_text(seconds),
        per_second(batch_operations(batch) / 1e9), time_text(median(batch.floor)),
        fmt::format("{:.0f}%", 100 * share_of_floor(batch.seconds, batch.floor)));
  }
  return out;
}

int run(const BenchArgs& args) {
  if (args.shape) gpt2_config(*args.shape);  // a wrong name is told before anything is done
  args.model.say("measuring; what else runs here shows in the numbers");
  const Loaded loaded = load(args);
  const Measurements found = measure(loaded.model, args.model.threads, chapter_settings());
  const Report report{args, loaded, found};
  if (args.json) {
    write_json(report.json());
  } else {
    write_out(report.text());
  }
  return kDone;
}

}  // namespace

Command add_bench(CLI::App& app) {
  auto* command = app.add_subcommand("bench", "how fast a model is, and how near to its floor");
  auto args = std::make_shared<BenchArgs>();
  args->model.add_checkpoint_options(*command);
  auto* shape = command->add_option(
      "--shape", args->shape,
      "no file: random weights of the sizes of gpt2, gpt2-medium, gpt2-large or gpt2-xl");
  for (const char* other : {"--model", "--n-head", "--names"}) {
    shape->excludes(command->get_option(other));
  }
  args->model.add_compute_options(*command);
  command->add_flag("--json", args->json, "as a JSON object, in seconds and bytes");
  command->footer(
      "The floor of a token is the time in which as many threads read its bytes from memory: all\n"
      "weights once, and the keys and values of the text so far. That of a prompt or of several\n"
      "sequences is its multiplications and additions (Gop/s: billions a second), as fast as the\n"
      "threads do them with nothing else to do. Everything is the median of 3 to 15 rounds, in\n"
      "which the floors are measured again each time.\n\n"
      "Example:  decant bench --shape gpt2 --weights bf16");
  return {command, [args] { return run(*args); }};
}

}  // namespace decant::cli
