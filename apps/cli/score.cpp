// decant score: log-probability and perplexity of a text.
#include "decant/score.h"

#include <cmath>

#include "commands.h"
#include "common.h"
#include "decant/json.h"
#include "decant/metrics.h"
#include "sampling_options.h"
#include "svg.h"
#include "token_report.h"

namespace decant::cli {
namespace {

struct ScoreArgs {
  ModelArgs model;
  TextSource text;
  SamplingOptions sampling{SamplingConfig()};
  std::optional<std::int64_t> stride;
  bool tokens = false;
  bool json = false;
};

void check_shown(const ScoreArgs& args) {
  const CLI::Option* typed = args.sampling.first_typed();
  if (typed == nullptr || args.tokens || args.json) return;
  throw Error(ErrorCode::kInvalidOption,
              fmt::format("{} needs --tokens or --json, which show what the stages make of each "
                          "token",
                          typed->get_name()));
}

// A line of --tokens. The text is last: how wide it is, the terminal decides.
std::string line(std::string_view rank, std::string_view logprob, std::string_view entropy,
                 std::string_view after, std::string_view token, std::string_view text) {
  return fmt::format("{:>7}{:>10}{:>9}{}{:>8}  {}\n", rank, logprob, entropy, after, token, text);
}

// The column of what all stages leave; none where no stage acts.
std::string after_cell(const TokenReport& report, std::string_view word) {
  return report.after.empty() ? "" : fmt::format("{:>11}", word);
}

std::string line(const TokenReport& report, std::string_view bytes) {
  std::string after;
  if (!report.after.empty()) {
    const double logprob = report.after.back().logprob;
    after = std::isfinite(logprob) ? fixed(logprob, 3) : "removed";
  }
  return line(count(report.rank + 1), fixed(report.logprob, 3), fixed(report.entropy, 3),
              after_cell(report, after), std::to_string(report.token), visible_token(bytes, 30));
}

int run(const ScoreArgs& args) {
  check_shown(args);
  ScoreOptions options{.stride = args.stride, .sampling = args.sampling.config()};
  const std::string text = args.text.read();
  const Checkpoint checkpoint = args.model.open_checkpoint();
  const std::int64_t block_size = checkpoint.config().block_size;
  validate(options, block_size);
  const Tokenizer tokenizer = args.model.open_tokenizer(checkpoint.config());
  check_tokens(options.sampling, tokenizer);
  const Model model = args.model.load(checkpoint);
  Session session(model, args.model.threads);
  const std::vector<TokenId> tokens = tokenizer.encode(text);

  std::vector<double> logprobs;
  double entropy = 0;
  Json steps = Json::array();
  const auto show = [&](std::size_t index, const TokenReport& report) {
    logprobs.push_back(report.logprob);
    entropy += report.entropy;
    const auto bytes = tokenizer.token_bytes(report.token);
    if (args.json) steps.push_back(to_json(report, tokenizer));
    if (!args.tokens) return;
    if (index == 1) {
      const auto first = tokenizer.token_bytes(tokens[0]);
      write_out(
          line("rank", "log-prob", "entropy", after_cell(report, "after all"), "token", "text") +
          line("", "given", "", after_cell(report, ""), std::to_string(tokens[0]),
               visible_token(first, 30)));
    }
    write_out(line(report, bytes));
  };
  options.vocab_size = tokenizer.vocab_size();
  score(session, tokens, show, options);

  // The first token is given, not predicted: neither it nor its bytes are counted.
  const std::size_t bytes = text.size() - tokenizer.token_bytes(tokens.front()).size();
  const auto scored = static_cast<double>(logprobs.size());
  const double mean = mean_logprob(logprobs).value();
  const double per_byte = -mean * scored / static_cast<double>(bytes);
  if (args.json) {
    Json config = Json::parse(to_json(options.sampling));
    config.update({{"stride", options.stride_for(block_size)},
                   {"weights", weight_format_name(model.weights())}});
    write_json({{"tokens", logprobs.size()},
                {"bytes", bytes},
                {"logprob", mean * scored},
                {"perplexity", perplexity(logprobs).value()},
                {"entropy", entropy / scored},
                {"nats_per_byte", per_byte},
                {"config", std::move(config)},
                {"steps", std::move(steps)}});
  } else {
    write_out(
        fmt::format("{}tokens scored    {}\nlog-probability  {:.4f} ({:.4f} a token)\n"
                    "perplexity       {:.4f} a token\nentropy          {:.4f} a token\n"
                    "nats per byte    {:.4f}\n",
                    args.tokens ? "\n" : "", logprobs.size(), mean * scored, mean,
                    perplexity(logprobs).value(), entropy / scored, per_byte));
  }
  return kDone;
}

}  // namespace

Command add_score(CLI::App& app) {
  auto* command = app.add_subcommand("score", "log-probability and perplexity of a text");
  auto args = std::make_shared<ScoreArgs>();
  args->model.add_checkpoint_options(*command);
  args->model.add_tokenizer_option(*command);
  args->model.add_compute_options(*command);
  args->text.add_text_options(*command);
  add_integer(*command, "--stride", args->stride,
              "how far the window moves over a text that is longer (default: half a window)");
  auto* tokens = command->add_flag("--tokens", args->tokens,
                                   "each token's rank, log-probability and entropy, as a table");
  command->add_flag("--json", args->json, "as a JSON object, with each token's score")
      ->excludes(tokens);
  args->sampling.add_stages_to(*command);
  command->footer("Example:  decant score --tokens --text \"To be, or not to be\"");
  return {command, [args] { return run(*args); }};
}

}  // namespace decant::cli
