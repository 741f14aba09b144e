// decant tokenize: text to token ids.
#include <fmt/ranges.h>

#include "commands.h"
#include "common.h"

namespace decant::cli {
namespace {

struct TokenizeArgs {
  ModelArgs model;
  TextSource text;
  bool special = false;
  bool json = false;
};

int run(const TokenizeArgs& args) {
  const Tokenizer tokenizer = args.model.open_tokenizer();
  const std::string text = args.text.read();
  const std::vector<TokenId> tokens =
      args.special ? tokenizer.encode_with_special(text) : tokenizer.encode(text);
  if (args.json) {
    Json pieces = Json::array();
    for (const TokenId token : tokens) pieces.push_back(tokenizer.token_bytes(token));
    write_json({{"tokens", tokens}, {"pieces", std::move(pieces)}});
  } else {
    write_out(fmt::format("{}\n", fmt::join(tokens, " ")));
  }
  return kDone;
}

}  // namespace

Command add_tokenize(CLI::App& app) {
  auto* command = app.add_subcommand("tokenize", "text to token ids");
  auto args = std::make_shared<TokenizeArgs>();
  args->model.add_checkpoint_options(*command);
  args->model.add_tokenizer_option(*command);
  args->text.add_text_options(*command);
  command->add_flag("--special", args->special,
                    "special tokens such as <|endoftext|>, where written out, are one token");
  command->add_flag("--json", args->json, "ids and the text of each, as a JSON object");
  command->footer("Example:  decant tokenize --tokenizer gpt2 --text \"ROMEO:\"");
  return {command, [args] { return run(*args); }};
}

}  // namespace decant::cli
