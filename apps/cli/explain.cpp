// decant explain: what every stage does to the next token's distribution.
#include <algorithm>

#include "commands.h"
#include "common.h"
#include "decant/error.h"
#include "trace_view.h"

namespace decant::cli {
namespace {

struct ExplainArgs {
  ModelArgs model;
  TextSource prompt;
  TraceView view{chapter_settings()};
};

int run(const ExplainArgs& args) {
  args.view.check();
  const std::string prompt = args.prompt.read_prompt();
  OpenModel open(args.model);
  args.view.check(open.tokenizer);
  Session session(open.group);
  const std::vector<TokenId> tokens = open.encode(prompt);
  // As generate() begins: the model sees the end of a long prompt, and only what the tokenizer can
  // write is drawn.
  const auto window = static_cast<std::size_t>(session.capacity());
  const Logits logits = session.prefill(std::span(tokens).last(std::min(tokens.size(), window)));
  args.view.show({.logits = logits.first(std::min(logits.size(), open.tokenizer.vocab_size())),
                  .history = {.tokens = tokens, .prompt_size = tokens.size()},
                  .position = tokens.size(),
                  .text =
                      [&](TokenId token) {
                        return std::string(open.tokenizer.contains(token)
                                               ? open.tokenizer.token_bytes(token)
                                               : std::string_view());
                      },
                  .json = {{"prompt", prompt}, {"position", tokens.size()}}});
  return kDone;
}

}  // namespace

Command add_explain(CLI::App& app) {
  auto* command =
      app.add_subcommand("explain", "what every stage does to the next token's distribution");
  auto args = std::make_shared<ExplainArgs>();
  args->model.add_checkpoint_options(*command);
  args->model.add_tokenizer_option(*command);
  args->model.add_compute_options(*command);
  args->prompt.add_prompt_options(*command);
  args->view.add_to(*command);
  command->footer(
      "Example:  decant explain --prompt \"ROMEO:\" --temperature 1 --top-p 0.9 --seed 1");
  return {command, [args] { return run(*args); }};
}

}  // namespace decant::cli
