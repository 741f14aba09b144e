#include "constraint_options.h"

namespace decant::cli {
namespace {

constexpr const char* kGroup = "Constraints";

// The empty text would say nothing, or leave nothing to say.
std::function<void(std::string)> refuse_empty(const std::string& name) {
  return [name](const std::string& text) {
    if (!text.empty()) return;
    throw Error(ErrorCode::kInvalidOption, name + " is empty: it must have at least one character");
  };
}

void add_strings(CLI::App& command, const std::string& name, std::vector<std::string>& strings,
                 const std::string& help) {
  command.add_option(name, strings, help)
      ->allow_extra_args(false)
      ->each(refuse_empty(name))
      ->type_name("TEXT")
      ->group(kGroup);
}

}  // namespace

void ConstraintArgs::add_to(CLI::App& command) {
  command
      .add_option("--regex", options_.regex,
                  "the whole output matches it (docs/constraints.md has the syntax)")
      ->each(refuse_empty("--regex"))
      ->type_name("PATTERN")
      ->group(kGroup);
  add_strings(command, "--allow-string", options_.allowed_strings,
              "the output is this text, or another that is allowed; may be repeated");
  add_strings(command, "--ban-string", options_.banned_strings,
              "the output never has this text in it; may be repeated");
  add_tokens(command, "--allow-token", options_.allowed_tokens,
             "only tokens that are allowed are drawn; may be repeated")
      ->group(kGroup);
  add_tokens(command, "--ban-token", options_.banned_tokens,
             "a token that is never drawn; may be repeated")
      ->group(kGroup);
}

std::optional<Constraint> ConstraintArgs::make(const Tokenizer& tokenizer,
                                               std::span<const TokenId> end_tokens) const {
  if (options_.empty()) return std::nullopt;
  return Constraint(tokenizer, options_, end_tokens);
}

Json ConstraintArgs::to_json() const {
  return {{"regex", options_.regex},
          {"allow_string", options_.allowed_strings},
          {"ban_string", options_.banned_strings},
          {"allow_token", options_.allowed_tokens},
          {"ban_token", options_.banned_tokens}};
}

}  // namespace decant::cli
