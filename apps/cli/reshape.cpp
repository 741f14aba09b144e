// decant reshape: what the settings do to logits of your own.
#include "commands.h"
#include "common.h"
#include "decant/error.h"
#include "logits_file.h"
#include "trace_view.h"

namespace decant::cli {
namespace {

struct ReshapeArgs {
  TextSource source;
  TraceView view{{}};
};

int run(const ReshapeArgs& args) {
  args.view.check();
  const std::string name = *args.source.file == "-" ? "stdin" : *args.source.file;
  const std::vector<float> logits = parse_logits(args.source.read(), name);
  try {
    args.view.show({.logits = logits});
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kInvalidLogits) throw;
    throw Error(error.code(), name + ": " + error.what());
  }
  return kDone;
}

}  // namespace

Command add_reshape(CLI::App& app) {
  auto* command = app.add_subcommand("reshape", "what the settings do to logits of your own");
  auto args = std::make_shared<ReshapeArgs>();
  command
      ->add_option("file", args->source.file,
                   "a JSON array of numbers (null is -inf) or a float32 .npy file; - is stdin")
      ->required();
  args->view.add_to(*command);
  command->footer(
      "There is no text before these logits: what looks at one (penalties, n-grams) does nothing.\n"
      "Example:  decant reshape logits.json --temperature 0.8 --top-p 0.9 --seed 1");
  return {command, [args] { return run(*args); }};
}

}  // namespace decant::cli
