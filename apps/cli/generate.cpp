// decant generate: text from a prompt.
#include "decant/generate.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <random>

#include "commands.h"
#include "common.h"
#include "decant/error.h"
#include "decant/json.h"
#include "decant/logprobs.h"
#include "decant/sampling.h"
#include "sampling_options.h"

namespace decant::cli {
namespace {

using Clock = std::chrono::steady_clock;

std::atomic<bool> interrupted = false;  // lock-free, as a handler on any thread writes it
static_assert(std::atomic<bool>::is_always_lock_free);

// The first Ctrl-C ends the text cleanly; a second one, should that hang, ends the program.
void on_interrupt(int) {
  interrupted = true;
  std::signal(SIGINT, SIG_DFL);
}

// A job that a shell put into the background has SIGINT ignored, and keeps it so.
void catch_interrupt() {
  if (std::signal(SIGINT, on_interrupt) == SIG_IGN) std::signal(SIGINT, SIG_IGN);
}

struct GenerateArgs {
  ModelArgs model;
  TextSource prompt;
  SamplingOptions sampling{chapter_settings()};
  GenerateOptions options;
  std::string context = "crop";
  std::uint64_t num_return_sequences = 1;
  const CLI::Option* logprobs_option = nullptr;
  std::int64_t logprobs = 0;
  bool echo = false;
  bool json = false;

  bool wants_logprobs() const { return logprobs_option->count() > 0; }
};

void add_options(CLI::App& command, GenerateArgs& args) {
  args.model.add_checkpoint_options(command);
  args.model.add_tokenizer_option(command);
  args.model.add_compute_options(command);
  args.prompt.add_prompt_options(command);
  args.sampling.add_to(command, "a fresh one");
  add_integer(command, "--max-new-tokens", args.options.max_new_tokens, "tokens to make")
      ->default_str("200");
  add_integer(command, "--num-return-sequences", args.num_return_sequences, "texts to make")
      ->default_str("1");
  command.add_option("--stop", args.options.stop, "a text that ends the output; may be repeated")
      ->allow_extra_args(false);
  command
      .add_option("--context", args.context,
                  "when the window is full: crop it at each step, slide by half, or stop")
      ->capture_default_str();
  args.logprobs_option =
      add_integer(command, "--logprobs", args.logprobs,
                  "with --json: for each token its log-probability, and the N most probable");
  command.add_flag("--echo", args.echo, "print the prompt, too");
  command.add_flag("--raw", args.options.raw, "bytes as they are, not U+FFFD for broken UTF-8");
  command.add_flag("--json", args.json, "one JSON object a text, on a line");
}

void resolve(GenerateArgs& args) {
  args.options.context = pick<ContextPolicy>("--context", args.context,
                                             {{"crop", ContextPolicy::kCrop},
                                              {"slide", ContextPolicy::kSlide},
                                              {"stop", ContextPolicy::kStop}});
  if (args.wants_logprobs() && !args.json) {
    throw Error(ErrorCode::kInvalidOption, "--logprobs needs --json, which shows them");
  }
  if (args.logprobs < 0) {
    throw Error(ErrorCode::kInvalidOption,
                fmt::format("--logprobs is {}: it must be 0 or more", args.logprobs));
  }
  validate(args.options);
  if (args.num_return_sequences < 1) {
    throw Error(ErrorCode::kInvalidOption, "--num-return-sequences is 0: it must be 1 or more");
  }
}

Json config_json(const GenerateArgs& args, const SamplingConfig& sampling, const OpenModel& open) {
  Json config = Json::parse(to_json(sampling));
  config.update({{"max_new_tokens", args.options.max_new_tokens},
                 {"stop", args.options.stop},
                 {"stop_tokens", args.options.stop_tokens},
                 {"context", args.context},
                 {"raw", args.options.raw},
                 {"weights", weight_format_name(open.model.weights())},
                 {"threads", open.session.threads()}});
  return config;
}

Json step_json(const Step& step, const Tokenizer& tokenizer, std::int64_t top) {
  const TokenScore score = score_token(step.logits, step.draw.token);
  Json candidates = Json::array();
  for (const TokenScore& other : top_tokens(step.logits, top)) {
    candidates.push_back(
        {{"token", other.token},
         {"text", tokenizer.contains(other.token) ? tokenizer.token_bytes(other.token) : ""},
         {"logprob", other.logprob}});
  }
  return {{"token", step.draw.token},
          {"text", step.bytes},
          {"u", step.draw.u},
          {"logprob", score.logprob},
          {"final_probability", step.draw.probability},
          {"rank", score.rank},
          {"top", std::move(candidates)}};
}

double per_second(std::size_t tokens, Clock::duration time) {
  const double seconds = std::chrono::duration<double>(time).count();
  return seconds > 0 ? static_cast<double>(tokens) / seconds : 0;
}

// One text: streamed to stdout, or collected into a line of JSON.
Generation make_text(const GenerateArgs& args, OpenModel& open, Pipeline& pipeline,
                     const std::string& prompt, std::span<const TokenId> tokens) {
  std::string text;
  Json steps = Json::array();
  const auto start = Clock::now();
  auto first = start;  // when the first token was drawn: the prefill is over
  Listener listener{.on_text =
                        [&](std::string_view part) {
                          if (args.json) {
                            text += part;
                          } else {
                            write_out(part);
                          }
                        },
                    .on_step =
                        [&](const Step& step) {
                          if (first == start) first = Clock::now();
                          if (args.wants_logprobs()) {
                            steps.push_back(step_json(step, open.tokenizer, args.logprobs));
                          }
                        },
                    .cancelled = [] { return interrupted.load(); }};
  if (args.echo && !args.json) write_out(prompt);  // JSON has it as "prompt" anyway
  Generation made =
      generate(open.session, open.tokenizer, pipeline, tokens, args.options, listener);
  const auto end = Clock::now();

  if (args.json) {
    Json object = {{"prompt", prompt},
                   {"text", text},
                   {"tokens", made.tokens},
                   {"finish_reason", finish_reason_name(made.finish_reason)},
                   {"seed", args.options.seed},
                   {"sequence", args.options.sequence},
                   {"config", config_json(args, pipeline.config(), open)}};
    if (args.wants_logprobs()) object["steps"] = std::move(steps);
    if (!made.error.empty()) object["error"] = made.error;
    write_json(object);
  } else if (::isatty(STDOUT_FILENO) != 0 || args.num_return_sequences > 1) {
    write_out("\n");
  }
  if (!made.tokens.empty()) {
    const std::size_t prefilled =
        std::min(tokens.size(), static_cast<std::size_t>(open.session.capacity()));
    args.model.say(
        "prefill {} tokens, {:.0f} tokens/s; decode {} tokens, {:.0f} tokens/s; {} threads",
        prefilled, per_second(prefilled, first - start), made.tokens.size(),
        per_second(made.tokens.size() - 1, end - first), open.session.threads());
  }
  return made;
}

int run(GenerateArgs& args) {
  resolve(args);
  Pipeline pipeline(args.sampling.config());
  const std::string prompt = args.prompt.read();
  OpenModel open(args.model);
  const std::vector<TokenId> tokens = open.encode(prompt);
  if (const auto end = open.tokenizer.end_of_text()) args.options.stop_tokens.push_back(*end);
  if (const auto seed = args.sampling.seed()) {
    args.options.seed = *seed;
  } else {
    args.options.seed = std::random_device{}();
    args.model.say("seed {0} (--seed {0} makes this text again)", args.options.seed);
  }

  catch_interrupt();
  for (std::uint64_t i = 0; i < args.num_return_sequences; ++i) {
    args.options.sequence = i;
    if (args.num_return_sequences > 1 && !args.json) write_out(fmt::format("--- {} ---\n", i));
    const Generation made = make_text(args, open, pipeline, prompt, tokens);
    if (made.finish_reason == FinishReason::kCancelled) return kInterrupted;
    if (made.finish_reason == FinishReason::kError) {
      throw Error(ErrorCode::kInvalidWeights,
                  fmt::format("after {} tokens: {}", made.tokens.size(), made.error));
    }
  }
  return kDone;
}

}  // namespace

Command add_generate(CLI::App& app) {
  auto* command = app.add_subcommand("generate", "text from a prompt");
  auto args = std::make_shared<GenerateArgs>();
  add_options(*command, *args);
  command->footer(
      "Example:  decant generate --prompt \"ROMEO:\" --temperature 0.8 --top-p 0.9 --seed 1");
  return {command, [args] { return run(*args); }};
}

}  // namespace decant::cli
