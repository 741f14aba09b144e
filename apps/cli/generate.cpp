// decant generate: text from a prompt.
#include "decant/generate.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <optional>

#include "beam_json.h"
#include "commands.h"
#include "common.h"
#include "constraint_options.h"
#include "decant/error.h"
#include "decant/json.h"
#include "decant/sampling.h"
#include "interrupt.h"
#include "sampling_options.h"
#include "strategy_options.h"
#include "token_report.h"

namespace decant::cli {
namespace {

using Clock = std::chrono::steady_clock;

struct GenerateArgs {
  ModelArgs model;
  TextSource prompt;
  SamplingOptions sampling{chapter_settings()};
  StrategyOptions strategy;
  ConstraintArgs constraint;
  GenerateOptions options;
  std::optional<double> max_time;
  ContextArgs context;
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
  add_integer(command, "--min-new-tokens", args.options.min_new_tokens,
              "tokens to make before one is drawn that ends the text")
      ->default_str("0");
  add_number(command, "--max-time", args.max_time, "seconds after which a text ends");
  add_integer(command, "--num-return-sequences", args.num_return_sequences, "texts to make")
      ->default_str("1");
  command.add_option("--stop", args.options.stop, "a text that ends the output; may be repeated")
      ->allow_extra_args(false);
  add_tokens(command, "--stop-token", args.options.stop_tokens,
             "a token that ends the output; may be repeated");
  args.context.add_to(command);
  args.logprobs_option =
      add_integer(command, "--logprobs", args.logprobs,
                  "with --json: for each token its log-probability, and the N most probable");
  command.add_flag("--echo", args.echo, "print the prompt, too");
  command.add_flag("--raw", args.options.raw, "bytes as they are, not U+FFFD for broken UTF-8");
  command.add_flag("--json", args.json, "one JSON object a text, on a line");
  args.strategy.add_to(command);
  args.constraint.add_to(command);
}

// A shell passes \n on as two characters, which hardly any text has.
void hint_at_line_feeds(const GenerateArgs& args) {
  for (const std::string& stop : args.options.stop) {
    if (stop.find("\\n") == std::string::npos) continue;
    args.model.say(
        "note: --stop '{}' has a backslash and an n; for a line feed the shell has "
        "--stop $'\\n'",
        stop);
  }
}

void resolve(GenerateArgs& args) {
  args.options.context = args.context.policy();
  if (args.wants_logprobs() && !args.json) {
    throw Error(ErrorCode::kInvalidOption, "--logprobs needs --json, which shows them");
  }
  if (args.logprobs < 0) {
    throw Error(ErrorCode::kInvalidOption,
                fmt::format("--logprobs is {}: it must be 0 or more", args.logprobs));
  }
  if (args.max_time) args.options.max_time = std::chrono::duration<double>(*args.max_time);
  if (args.num_return_sequences < 1) {
    throw Error(ErrorCode::kInvalidOption, "--num-return-sequences is 0: it must be 1 or more");
  }
  args.options.strategy = args.strategy.strategy(args.sampling, args.num_return_sequences);
  validate(args.options, args.strategy.sampling_config(args.sampling));
}

Json config_json(const GenerateArgs& args, const SamplingConfig& sampling, const OpenModel& open) {
  Json config = Json::parse(to_json(sampling));
  config.update({{"max_new_tokens", args.options.max_new_tokens},
                 {"stop", args.options.stop},
                 {"stop_tokens", args.options.stop_tokens},
                 {"min_new_tokens", args.options.min_new_tokens},
                 {"max_time", args.max_time ? Json(*args.max_time) : Json()},
                 {"strategy", to_json(args.options.strategy)},
                 {"constraint", args.constraint.to_json()},
                 {"context", args.context.word},
                 {"raw", args.options.raw},
                 {"weights", weight_format_name(open.model.weights())},
                 {"threads", open.group.threads()}});
  return config;
}

Json step_json(const Step& step, Pipeline& pipeline, const Tokenizer& tokenizer,
               const GenerateArgs& args) {
  const auto writable = step.logits.first(std::min(step.logits.size(), tokenizer.vocab_size()));
  Json json =
      to_json(pipeline.report(writable, step.draw.token, args.logprobs, step.history), tokenizer);
  if (args.strategy.draws()) json["u"] = step.draw.u;
  json["final_probability"] = step.draw.probability;
  return json;
}

double per_second(std::size_t tokens, Clock::duration time) {
  const double seconds = std::chrono::duration<double>(time).count();
  return seconds > 0 ? static_cast<double>(tokens) / seconds : 0;
}

// The texts of one prompt, made side by side and printed in their order: the first that is not
// finished streams to stdout, those behind it wait.
class Texts {
 public:
  Texts(const GenerateArgs& args, OpenModel& open, Pipeline& pipeline, const std::string& prompt)
      : args_(args),
        open_(open),
        pipeline_(pipeline),
        prompt_(prompt),
        config_(config_json(args, pipeline.config(), open)),
        tokens_(open.encode(prompt)) {}

  // Makes all of them; ends with the first batch in which one was cancelled. Throws Error where one
  // went wrong.
  int make() {
    start_ = Clock::now();
    int status = kDone;
    if (args_.strategy.beams()) {
      status = make_beams();
    } else {
      while (first_of_batch_ < args_.num_return_sequences && status != kInterrupted) {
        status = std::max(status, make_batch());
      }
    }
    report();
    return status;
  }

 private:
  // As many as are made side by side: memory does not grow with the number of texts.
  int make_batch() {
    texts_.clear();
    texts_.resize(
        std::min<std::uint64_t>(kMostAtOnce, args_.num_return_sequences - first_of_batch_));
    printing_ = 0;
    std::vector<GenerateRequest> requests;
    for (std::size_t i = 0; i < texts_.size(); ++i) {
      requests.push_back({tokens_, args_.options, listener(i)});
      requests.back().options.sequence = first_of_batch_ + i;
    }
    begin();
    const auto made = generate(open_.group, open_.tokenizer, pipeline_, requests);
    first_of_batch_ += texts_.size();
    int status = kDone;
    for (const Generation& one : made) status = std::max(status, account(one));
    return status;
  }

  // One search, which gives all texts; an empty one, where it was over before the first token.
  int make_beams() {
    const auto cancelled = [this] {
      if (!first_) first_ = Clock::now();  // asked before each token, first when the prompt is read
      return interrupted();
    };
    const GenerateRequest request{tokens_, args_.options, {.cancelled = cancelled}};
    const Generation made =
        generate(open_.group, open_.tokenizer, pipeline_, {&request, 1}).front();
    const double length_penalty = std::get<BeamSearch>(args_.options.strategy).length_penalty;
    for (const Hypothesis& one : made.hypotheses) {
      texts_.resize(1);
      texts_[0] = {one.text, Json::array(),
                   Generation{.tokens = one.tokens, .finish_reason = one.finish_reason}};
      if (args_.wants_logprobs()) texts_[0].steps = steps_json(made, one, open_.tokenizer);
      texts_[0].score = score_json(one, length_penalty);
      if (first_of_batch_ == 0) texts_[0].beam_tree = tree_json(made.beam_tree, open_.tokenizer);
      begin();
      end();
      args_.model.say("score {:.4f} = {:.4f} / {}^{}", one.final_score, one.score, one.length,
                      length_penalty);
      ++first_of_batch_;
    }
    if (made.hypotheses.empty()) {
      texts_.resize(1);
      texts_[0] = {"", Json::array(), made};
      texts_[0].beam_tree = tree_json(made.beam_tree, open_.tokenizer);
      begin();
      end();
    }
    return account(made);
  }

  // The exit status that it leads to. Throws Error where it went wrong.
  int account(const Generation& made) {
    made_tokens_ += made.tokens.size();
    guessed_ += made.guessed;
    guessed_right_ += made.guessed_right;
    if (made.finish_reason == FinishReason::kError) {
      throw Error(ErrorCode::kInvalidWeights,
                  fmt::format("after {} tokens: {}", made.tokens.size(), made.error));
    }
    if (made.finish_reason == FinishReason::kNoCandidates) {
      write_err(
          fmt::format("decant: a text ends after {} tokens: {}", made.tokens.size(), made.error));
      return kFailed;
    }
    if (made.finish_reason == FinishReason::kTime) {
      args_.model.say("--max-time was over after {} tokens", made.tokens.size());
    }
    return made.finish_reason == FinishReason::kCancelled ? kInterrupted : kDone;
  }

  // What it took, on stderr, once they are made.
  void report() const {
    if (!first_) return;
    const auto end = Clock::now();
    const auto seen =
        std::min(tokens_.size(), static_cast<std::size_t>(open_.model.config().block_size));
    // Prefill gives the first token of each text; a beam search counts as one.
    const auto texts = args_.strategy.beams() ? 1 : args_.num_return_sequences;
    const auto after_first = made_tokens_ - std::min<std::uint64_t>(made_tokens_, texts);
    args_.model.say(
        "prefill {} tokens, {:.0f} tokens/s; decode {} tokens, {:.0f} tokens/s; {} threads", seen,
        per_second(seen, *first_ - start_), made_tokens_, per_second(after_first, end - *first_),
        open_.group.threads());
    if (guessed_ > 0) args_.model.say("guessed {} tokens, {} right", guessed_, guessed_right_);
  }

  struct Text {
    std::string text;  // not printed yet
    Json steps = Json::array();
    std::optional<Generation> made;
    Json score = {};      // of beams
    Json beam_tree = {};  // the same, with the first of them
  };

  Listener listener(std::size_t index) {
    return {.on_text =
                [this, index](std::string_view part) {
                  if (index == printing_ && !args_.json) {
                    write_out(part);
                  } else {
                    texts_[index].text += part;
                  }
                },
            .on_step =
                [this, index](const Step& step) {
                  if (!first_) first_ = Clock::now();
                  if (!args_.wants_logprobs()) return;
                  texts_[index].steps.push_back(step_json(step, pipeline_, open_.tokenizer, args_));
                },
            .on_finish =
                [this, index](const Generation& made) {
                  texts_[index].made = made;
                  while (printing_ < texts_.size() && texts_[printing_].made) {
                    end();
                    ++printing_;
                    begin();
                  }
                },
            .cancelled = interrupted};
  }

  // Prints what there is of the text whose turn it is.
  void begin() {
    if (printing_ == texts_.size() || args_.json) return;
    if (args_.num_return_sequences > 1) {
      write_out(fmt::format("--- {} ---\n", first_of_batch_ + printing_));
    }
    if (args_.echo) write_out(prompt_);
    write_out(texts_[printing_].text);
  }

  void end() {
    Text& text = texts_[printing_];
    if (!args_.json) {
      if (::isatty(STDOUT_FILENO) != 0 || args_.num_return_sequences > 1) write_out("\n");
      return;
    }
    Json object = {{"prompt", prompt_},
                   {"text", std::move(text.text)},
                   {"tokens", text.made->tokens},
                   {"finish_reason", finish_reason_name(text.made->finish_reason)},
                   {"seed", args_.strategy.draws() ? Json(args_.options.seed) : Json()},
                   {"sequence", first_of_batch_ + printing_},
                   {"config", config_}};
    if (!text.score.is_null()) object["score"] = std::move(text.score);
    if (!text.beam_tree.is_null()) object["beam_tree"] = std::move(text.beam_tree);
    if (args_.wants_logprobs()) object["steps"] = std::move(text.steps);
    if (!text.made->error.empty()) object["error"] = text.made->error;
    write_json(object);
  }

  const GenerateArgs& args_;
  OpenModel& open_;
  Pipeline& pipeline_;
  const std::string& prompt_;
  const Json config_;
  std::vector<TokenId> tokens_;
  std::uint64_t first_of_batch_ = 0;  // the sequence of texts_[0]
  std::vector<Text> texts_;
  std::size_t printing_ = 0;  // the text whose turn it is
  std::size_t made_tokens_ = 0;
  std::int64_t guessed_ = 0;
  std::int64_t guessed_right_ = 0;
  Clock::time_point start_;
  std::optional<Clock::time_point> first_;  // when the first token was drawn: the prefill is over
};

int run(GenerateArgs& args) {
  resolve(args);
  Pipeline pipeline(args.strategy.sampling_config(args.sampling));
  hint_at_line_feeds(args);
  const std::string prompt = args.prompt.read_prompt();
  OpenModel open(args.model);
  for (const TokenId token : args.options.stop_tokens) {
    expect_token("--stop-token", token, open.tokenizer);
  }
  check_tokens(pipeline.config(), open.tokenizer);
  if (const auto end = open.tokenizer.end_of_text()) args.options.stop_tokens.push_back(*end);
  args.strategy.open_draft(args.model, args.options.strategy);
  const auto constraint = args.constraint.make(open.tokenizer, args.options.stop_tokens);
  if (constraint) args.options.constraint = &*constraint;
  if (args.wants_logprobs()) args.options.logprobs = args.logprobs;
  if (args.strategy.draws()) {
    args.options.seed = choose_seed(args.sampling.seed(), args.model);
  }
  Texts texts(args, open, pipeline, prompt);
  catch_interrupt();
  return texts.make();
}

}  // namespace

Command add_generate(CLI::App& app) {
  auto* command = app.add_subcommand("generate", "text from a prompt");
  auto args = std::make_shared<GenerateArgs>();
  add_options(*command, *args);
  command->footer(
      "The defaults of --temperature, --top-k and --top-p are for drawing tokens. Beams without "
      "--do-sample\nand contrastive search draw none, and start with all of them off.\n"
      "Example:  decant generate --prompt \"ROMEO:\" --temperature 0.8 --top-p 0.9 --seed 1");
  return {command, [args] { return run(*args); }};
}

}  // namespace decant::cli
