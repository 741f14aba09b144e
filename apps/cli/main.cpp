// The program `decant`: picks the subcommand, and turns what it throws into one line and a status.
#include <fmt/format.h>

#include <csignal>
#include <exception>
#include <new>
#include <utility>
#include <vector>

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

  std::vector<Action> actions;
  for (const auto add :
       {add_generate, add_score, add_tokenize, add_detokenize, add_inspect, add_convert}) {
    actions.push_back(add(app));
  }

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    fmt::print(stderr, "decant: {} (see --help)\n", error.what());
    return kUsage;
  }
  const auto commands = app.get_subcommands([](const CLI::App*) { return true; });
  for (std::size_t i = 0; i < commands.size(); ++i) {
    if (commands[i]->parsed()) return actions[i]();
  }
  return kUsage;
}

}  // namespace
}  // namespace decant::cli

int main(int argc, char** argv) {
  using decant::cli::ExitStatus;
  std::signal(SIGPIPE, SIG_IGN);  // a closed pipe shows as a failed write, see ClosedPipe
  try {
    return decant::cli::run(argc, argv);
  } catch (const decant::cli::ClosedPipe&) {
    return ExitStatus::kDone;
  } catch (const decant::Error& error) {
    fmt::print(stderr, "decant: {}\n", error.what());
    return error.code() == decant::ErrorCode::kInvalidOption ? ExitStatus::kUsage
                                                             : ExitStatus::kFailed;
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "decant: out of memory: try --weights bf16 or a smaller model\n");
  } catch (const std::exception& error) {
    fmt::print(stderr, "decant: {}\n", error.what());
  }
  return ExitStatus::kFailed;
}
