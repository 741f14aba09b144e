// The program `decant`: picks the subcommand, and turns what it throws into one line and a status.
#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "commands.h"
#include "common.h"
#include "decant/error.h"

namespace decant::cli {
namespace {

// The library calls a setting by its field, top_k; on the command line it was typed as --top-k.
// That is the first word of its messages, and any other that has an underscore. What begins with
// an option was said by the command line itself.
std::string as_typed(const CLI::App& command, std::string_view message) {
  if (message.starts_with("-")) return std::string(message);
  constexpr std::string_view kOfNames = "abcdefghijklmnopqrstuvwxyz_";
  std::string typed;
  while (!message.empty()) {
    const std::string word(message.substr(0, message.find_first_not_of(kOfNames)));
    std::string option = "--" + word;
    std::ranges::replace(option, '_', '-');
    const bool named = !word.empty() && (typed.empty() || word.find('_') != std::string::npos) &&
                       command.get_option_no_throw(option) != nullptr;
    typed += named ? option : word;
    message.remove_prefix(word.size());
    const std::string_view between = message.substr(0, message.find_first_of(kOfNames));
    typed += between;
    message.remove_prefix(between.size());
  }
  return typed;
}

// What was given more often than it can be; nullptr: nothing.
const CLI::Option* given_twice(const CLI::App& app) {
  for (const CLI::App* command : app.get_subcommands()) {
    for (const CLI::Option* option : command->get_options()) {
      const int most = option->get_items_expected_max();
      if (most > 0 && static_cast<int>(option->count()) > most) return option;  // a flag has 0
    }
  }
  return nullptr;
}

int run(int argc, char** argv) {
  CLI::App app("Turns a trained GPT into text, and shows how.", "decant");
  app.set_version_flag("--version", DECANT_VERSION);
  app.require_subcommand(1);
  app.footer(
      "Example:  decant generate --prompt \"ROMEO:\" --seed 1\n"
      "Each subcommand has its own --help.");

  std::vector<Command> commands;
  std::string names;
  for (const auto add : {add_generate, add_explain, add_reshape, add_score, add_tokenize,
                         add_detokenize, add_inspect, add_convert, add_bench}) {
    commands.push_back(add(app));
    names += (names.empty() ? "" : ", ") + commands.back().options->get_name();
  }
  const auto is_named = [argv](const Command& c) { return c.options->get_name() == argv[1]; };
  if (argc > 1 && argv[1][0] != '-' && std::ranges::none_of(commands, is_named)) {
    throw Error(ErrorCode::kInvalidOption,
                fmt::format("there is no command '{}'; there are {}", argv[1], names));
  }

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    if (const CLI::Option* option = given_twice(app)) {
      throw Error(ErrorCode::kInvalidOption, fmt::format("{} is given {} times: give it once",
                                                         option->get_name(), option->count()));
    }
    throw Error(ErrorCode::kInvalidOption, fmt::format("{} (see --help)", error.what()));
  }
  const auto chosen =
      std::ranges::find_if(commands, [](const Command& c) { return c.options->parsed(); });
  try {
    return chosen->run();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kInvalidOption) throw;
    throw Error(error.code(), as_typed(*chosen->options, error.what()));
  }
}

}  // namespace
}  // namespace decant::cli

int main(int argc, char** argv) {
  using decant::cli::ExitStatus;
  using decant::cli::write_err;
  std::signal(SIGPIPE, SIG_IGN);  // a closed pipe shows as a failed write, see ClosedPipe
  try {
    return decant::cli::run(argc, argv);
  } catch (const decant::cli::ClosedPipe&) {
    return ExitStatus::kDone;
  } catch (const decant::Error& error) {
    write_err(fmt::format("decant: {}", error.what()));
    return error.code() == decant::ErrorCode::kInvalidOption ? ExitStatus::kUsage
                                                             : ExitStatus::kFailed;
  } catch (const std::bad_alloc&) {
    write_err("decant: out of memory");
  } catch (const std::exception& error) {
    write_err(fmt::format("decant: {}", error.what()));
  }
  return ExitStatus::kFailed;
}
