// decant compare: strategies side by side, on one prompt and the same luck.
#include <unistd.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "commands.h"
#include "common.h"
#include "compare_html.h"
#include "compare_json.h"
#include "compare_table.h"
#include "comparison.h"
#include "decant/error.h"
#include "decant/generate.h"
#include "interrupt.h"
#include "strategy_list.h"

namespace decant::cli {
namespace {

using Clock = std::chrono::steady_clock;

// All texts are kept until the last one is made: this many of 200 tokens take 200 MB a strategy.
constexpr std::uint64_t kMostSamples = 10'000;

struct CompareArgs {
  ModelArgs model;
  TextSource prompt;
  std::vector<std::string> strategies;
  std::uint64_t samples = 4;
  GenerateOptions options;
  ContextArgs context;
  std::optional<Seed> seed;
  std::optional<std::string> html;
  bool json = false;
};

void add_options(CLI::App& command, CompareArgs& args) {
  args.model.add_checkpoint_options(command);
  args.model.add_tokenizer_option(command);
  args.model.add_compute_options(command);
  args.prompt.add_prompt_options(command);
  command
      .add_option(
          "--strategy", args.strategies,
          "options of decant generate, with a name or without: \"calm: --temperature 0.5\"; "
          "may be repeated (default: nine well-known ones)")
      ->allow_extra_args(false);
  add_integer(command, "--samples", args.samples, "texts of each strategy")->default_str("4");
  add_integer(command, "--max-new-tokens", args.options.max_new_tokens, "tokens of each text")
      ->default_str("200");
  args.context.add_to(command);
  add_integer(command, "--seed", args.seed, "same seed, same luck (default: a fresh one)");
  command.add_option("--html", args.html, "write a page with all texts into this file")
      ->type_name("FILE");
  command.add_flag("--json", args.json, "everything as a JSON value on a line");
}

std::vector<ListedStrategy> parse(CompareArgs& args) {
  args.options.context = args.context.policy();
  if (args.samples < 1 || args.samples > kMostSamples) {
    throw Error(ErrorCode::kInvalidOption, fmt::format("--samples is {}: it must be from 1 to {}",
                                                       args.samples, kMostSamples));
  }
  validate(args.options);
  if (args.options.max_new_tokens == 0) {
    throw Error(ErrorCode::kInvalidOption,
                "--max-new-tokens is 0: it must be 1 or more, as there is nothing to compare");
  }
  if (args.html) expect_writable("--html", *args.html);
  std::vector<ListedStrategy> strategies;
  for (const std::string& entry :
       args.strategies.empty() ? default_strategies() : args.strategies) {
    const ListedStrategy& added = strategies.emplace_back(entry);
    for (std::size_t i = 0; i + 1 < strategies.size(); ++i) {
      if (strategies[i].name() != added.name()) continue;
      throw Error(ErrorCode::kInvalidOption,
                  fmt::format("--strategy '{}': another has the name '{}': write a different one "
                              "and a colon before the options",
                              entry, added.name()));
    }
  }
  return strategies;
}

// One strategy after the other, so that each has the machine to itself.
class Comparer {
 public:
  Comparer(const CompareArgs& args, OpenModel& open, const std::string& prompt)
      : args_(args), open_(open), options_(args.options) {
    if (const auto end = open.tokenizer.end_of_text()) options_.stop_tokens.push_back(*end);
    comparison_ = {.prompt = prompt,
                   .prompt_tokens = open.encode(prompt),
                   .seed = args.options.seed,
                   .samples = args.samples,
                   .max_new_tokens = args.options.max_new_tokens,
                   .context = args.context.word,
                   .model = args.model.model_path().filename().string(),
                   .weights = std::string(weight_format_name(open.model.weights())),
                   .threads = open.group.threads(),
                   .interrupted = false,
                   .strategies = {}};
  }

  // Ends with the first strategy that is interrupted.
  int make(std::vector<ListedStrategy>& strategies) {
    ProgressBar bar("comparing", args_.model.quiet);
    for (const ListedStrategy& strategy : strategies) {
      if (interrupted()) break;
      if (::isatty(STDERR_FILENO) == 0) {  // where the bar does not show
        args_.model.say("{} of {}: {}", comparison_.strategies.size() + 1, strategies.size(),
                        strategy.name());
      }
      ComparedStrategy compared = make(strategy);
      judge_all(compared);
      if (!compared.texts.empty()) comparison_.strategies.push_back(std::move(compared));
      bar.show(static_cast<double>(comparison_.strategies.size()) /
               static_cast<double>(strategies.size()));
    }
    const auto& made = comparison_.strategies;
    comparison_.interrupted =
        made.size() < strategies.size() || (!made.empty() && made.back().interrupted);
    return comparison_.interrupted ? kInterrupted : kDone;
  }

  const Comparison& comparison() const { return comparison_; }

  // Throws Error where a text went wrong: it is among the others as far as it came.
  void report_failure() const {
    for (const ComparedStrategy& strategy : comparison_.strategies) {
      for (const ComparedText& text : strategy.texts) {
        const bool no_candidates = text.made.finish_reason == FinishReason::kNoCandidates;
        if (!no_candidates && text.made.finish_reason != FinishReason::kError) continue;
        throw Error(no_candidates ? ErrorCode::kNoCandidates : ErrorCode::kInvalidWeights,
                    fmt::format("strategy '{}', text {}, after {} tokens: {}", strategy.name,
                                text.sequence, text.made.tokens.size(), text.made.error));
      }
    }
  }

 private:
  ComparedStrategy make(const ListedStrategy& strategy) {
    ComparedStrategy compared{.name = strategy.name(),
                              .words = strategy.words(),
                              .sampling = strategy.sampling(),
                              .strategy = strategy.strategy(),
                              .deterministic = strategy.deterministic(),
                              .interrupted = false,
                              .texts = {},
                              .seconds = 0,
                              .figures = {}};
    compared.texts.resize(compared.deterministic ? 1 : args_.samples);
    std::vector<GenerateRequest> requests;
    for (std::size_t i = 0; i < compared.texts.size(); ++i) {
      ComparedText& text = compared.texts[i];
      text.sequence = i;
      requests.push_back({comparison_.prompt_tokens,
                          options_,
                          {.on_text = [&text](std::string_view part) { text.text += part; },
                           .cancelled = interrupted}});
      requests.back().options.strategy = strategy.strategy();
      requests.back().options.sequence = i;
    }
    Pipeline pipeline(strategy.sampling());
    const auto start = Clock::now();
    std::vector<Generation> made = generate(open_.group, open_.tokenizer, pipeline, requests);
    compared.interrupted = interrupted();
    compared.seconds = std::chrono::duration<double>(Clock::now() - start).count();
    for (std::size_t i = 0; i < made.size(); ++i) compared.texts[i].made = std::move(made[i]);
    if (compared.interrupted) {
      std::erase_if(compared.texts, [](const auto& text) { return text.made.tokens.empty(); });
    }
    return compared;
  }

  void judge_all(ComparedStrategy& compared) {
    Session session(open_.group);
    for (ComparedText& text : compared.texts) {
      text.reports = judge(session, comparison_.prompt_tokens, text.made.tokens, options_.context,
                           open_.tokenizer.vocab_size());
    }
    compared.figures = figures_of(compared, args_.samples);
  }

  const CompareArgs& args_;
  OpenModel& open_;
  GenerateOptions options_;
  Comparison comparison_;
};

int run(CompareArgs& args) {
  std::vector<ListedStrategy> strategies = parse(args);
  const std::string prompt = args.prompt.read_prompt();
  OpenModel open(args.model);
  for (ListedStrategy& strategy : strategies) strategy.open(args.model, open.tokenizer);
  catch_interrupt();
  args.options.seed = choose_seed(args.seed, args.model);

  Comparer comparer(args, open, prompt);
  const int status = comparer.make(strategies);
  if (status == kInterrupted) {
    args.model.say("interrupted: {} of {} strategies were begun",
                   comparer.comparison().strategies.size(), strategies.size());
  }
  if (args.html) write_file(*args.html, compare_html(comparer.comparison(), open.tokenizer));
  if (args.json) {
    write_json(to_json(comparer.comparison(), open.tokenizer));
  } else {
    constexpr std::size_t kTextLines = 16;
    write_out(compare_table(comparer.comparison(), kTextLines));
  }
  comparer.report_failure();
  return status;
}

}  // namespace

Command add_compare(CLI::App& app) {
  auto* command = app.add_subcommand("compare", "strategies side by side: figures and texts");
  auto args = std::make_shared<CompareArgs>();
  add_options(*command, *args);
  command->footer(
      "Example:  decant compare --prompt \"ROMEO:\" --samples 16 --seed 1 --html compare.html\n"
      "          decant compare --prompt \"ROMEO:\" --strategy \"calm: --temperature 0.5\" "
      "--strategy \"--num-beams 4\"");
  return {command, [args] { return run(*args); }};
}

}  // namespace decant::cli
