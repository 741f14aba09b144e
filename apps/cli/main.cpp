// The program `decant`: picks the subcommand, and turns what it throws into one line and a status.
#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <exception>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "command_line.h"
#include "commands.h"
#include "common.h"
#include "decant/error.h"

namespace decant::cli {
namespace {

int run(int argc, char** argv) {
  CLI::App app("Turns a trained GPT into text, and shows how.", "decant");
  app.set_version_flag("--version", DECANT_VERSION);
  app.require_subcommand(1);
  app.footer(
      "Example:  decant generate --prompt \"ROMEO:\" --seed 1\n"
      "Each subcommand has its own --help.");

  std::vector<Command> commands;
  std::string names;
  for (const auto add : {add_generate, add_compare, add_explain, add_reshape, add_score,
                         add_tokenize, add_detokenize, add_inspect, add_convert, add_bench}) {
    commands.push_back(add(app));
    names += (names.empty() ? "" : ", ") + commands.back().options->get_name();
  }
  const std::span<const char* const> words(argv, static_cast<std::size_t>(argc));
  const auto named = std::ranges::find_if(
      commands, [&](const Command& c) { return argc > 1 && c.options->get_name() == words[1]; });
  if (named != commands.end()) {
    check_words(*named->options, words.subspan(2));
  } else if (argc > 1 && argv[1][0] != '-') {
    throw Error(ErrorCode::kInvalidOption,
                fmt::format("there is no command '{}'; there are {}", argv[1], names));
  }

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    if (app.get_subcommands().empty()) {
      throw Error(ErrorCode::kInvalidOption,
                  fmt::format("a command comes first: {} (see --help)", names));
    }
    for (const CLI::App* command : app.get_subcommands()) refuse_twice(*command);
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
