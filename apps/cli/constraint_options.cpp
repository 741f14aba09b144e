#include "constraint_options.h"

#include <string_view>
#include <utility>

#include "decant/error.h"

namespace decant::cli {
namespace {

constexpr const char* kGroup = "Constraints";

void add_tokens(CLI::App& command, const std::string& name, std::vector<TokenId>& tokens,
                const std::string& help) {
  add_integers(command, name, tokens, help)->group(kGroup);
}

void add_strings(CLI::App& command, const std::string& name, std::vector<std::string>& strings,
                 const std::string& help) {
  command.add_option(name, strings, help)
      ->allow_extra_args(false)
      ->type_name("TEXT")
      ->group(kGroup);
}

// The library has lists, of which the command line adds one after the other.
std::string as_typed(std::string message) {
  constexpr std::pair<std::string_view, std::string_view> kNames[] = {
      {"allowed_strings", "--allow-string"},
      {"banned_strings", "--ban-string"},
      {"allowed_tokens", "--allow-token"},
      {"banned_tokens", "--ban-token"}};
  for (const auto& [field, option] : kNames) {
    for (std::size_t at = 0; (at = message.find(field, at)) != std::string::npos;) {
      message.replace(at, field.size(), option);
    }
  }
  return message;
}

}  // namespace

void ConstraintArgs::add_to(CLI::App& command) {
  command
      .add_option("--regex", options_.regex,
                  "the whole output matches it (docs/constraints.md has the syntax)")
      ->type_name("PATTERN")
      ->group(kGroup);
  add_strings(command, "--allow-string", options_.allowed_strings,
              "the output is this text, or another that is allowed; may be repeated");
  add_strings(command, "--ban-string", options_.banned_strings,
              "the output never has this text in it; may be repeated");
  add_tokens(command, "--allow-token", options_.allowed_tokens,
             "only tokens that are allowed are drawn; may be repeated");
  add_tokens(command, "--ban-token", options_.banned_tokens,
             "a token that is never drawn; may be repeated");
}

std::optional<Constraint> ConstraintArgs::make(const Tokenizer& tokenizer,
                                               std::span<const TokenId> end_tokens) const {
  if (options_.empty()) return std::nullopt;
  try {
    return Constraint(tokenizer, options_, end_tokens);
  } catch (const Error& error) {
    throw Error(error.code(), as_typed(error.what()));
  }
}

Json ConstraintArgs::to_json() const {
  return {{"regex", options_.regex},
          {"allow_string", options_.allowed_strings},
          {"ban_string", options_.banned_strings},
          {"allow_token", options_.allowed_tokens},
          {"ban_token", options_.banned_tokens}};
}

}  // namespace decant::cli
