// The subcommands of the program: each file adds one to the command line.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace decant::cli {

/// A subcommand: its options, and what it does once they are parsed, which gives the exit status.
struct Command {
  CLI::App* options;
  std::function<int()> run;
};

Command add_bench(CLI::App& app);
Command add_compare(CLI::App& app);
Command add_convert(CLI::App& app);
Command add_detokenize(CLI::App& app);
Command add_explain(CLI::App& app);
Command add_generate(CLI::App& app);
Command add_inspect(CLI::App& app);
Command add_reshape(CLI::App& app);
Command add_score(CLI::App& app);
Command add_tokenize(CLI::App& app);

}  // namespace decant::cli
