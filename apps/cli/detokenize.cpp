// decant detokenize: token ids to text.
#include <fmt/ranges.h>

#include <charconv>

#include "commands.h"
#include "common.h"
#include "decant/error.h"

namespace decant::cli {
namespace {

struct DetokenizeArgs {
  ModelArgs model;
  std::vector<std::string> ids;
  bool json = false;
};

// Numbers separated by white space or commas, with or without brackets: a JSON array is one of
// them.
std::vector<TokenId> parse_ids(std::string_view text) {
  constexpr std::string_view kBetween = " \t\r\n,[]";
  std::vector<TokenId> ids;
  for (std::size_t at = 0; (at = text.find_first_not_of(kBetween, at)) != text.npos;) {
    const std::string_view word = text.substr(at, text.find_first_of(kBetween, at) - at);
    TokenId id = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), id);
    if (error != std::errc{} || end != word.data() + word.size()) {
      throw Error(ErrorCode::kInvalidOption,
                  fmt::format("'{}' is not a token id: ids are whole numbers", word.substr(0, 40)));
    }
    ids.push_back(id);
    at += word.size();
  }
  return ids;
}

int run(const DetokenizeArgs& args) {
  const Tokenizer tokenizer = args.model.open_tokenizer();
  std::string ids = fmt::format("{}", fmt::join(args.ids, " "));
  if (args.ids.empty())
    ids = TextSource{.text = {}, .file = {}, .remedy = "give a list of ids"}.read();
  const std::vector<TokenId> tokens = parse_ids(ids);
  const std::string text = tokenizer.decode(tokens);
  if (args.json) {
    write_json({{"tokens", tokens}, {"text", text}});
  } else {
    write_out(text);
  }
  return kDone;
}

}  // namespace

Command add_detokenize(CLI::App& app) {
  auto* command = app.add_subcommand("detokenize", "token ids to text");
  auto args = std::make_shared<DetokenizeArgs>();
  args->model.add_checkpoint_options(*command);
  args->model.add_tokenizer_option(*command);
  command->add_option("ids", args->ids, "token ids (default: stdin)");
  command->add_flag("--json", args->json, "ids and text, as a JSON object");
  command->footer("Example:  decant detokenize --tokenizer gpt2 33676 4720 25");
  return {command, [args] { return run(*args); }};
}

}  // namespace decant::cli
