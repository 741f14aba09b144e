// The subcommands of the program: each file adds one to the command line.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace decant::cli {

/// What a subcommand does once the command line is parsed; returns the exit status.
using Action = std::function<int()>;

Action add_convert(CLI::App& app);
Action add_detokenize(CLI::App& app);
Action add_generate(CLI::App& app);
Action add_inspect(CLI::App& app);
Action add_score(CLI::App& app);
Action add_tokenize(CLI::App& app);

}  // namespace decant::cli
