// What the subcommands share: options of the same name and meaning, input, and output.
#pragma once

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "decant/checkpoint.h"
#include "decant/model.h"
#include "decant/tokenizer.h"

namespace decant::cli {

using Json = nlohmann::ordered_json;

enum ExitStatus { kDone = 0, kFailed = 1, kUsage = 2, kInterrupted = 130 };

/// Thrown when whoever read our output has gone (`decant ... | head`): the end, but no error.
struct ClosedPipe {};

/// Writes to stdout and flushes: text is to be seen as it is made. Throws Error (kIo), ClosedPipe.
void write_out(std::string_view text);

/// One JSON value and a line feed to stdout; bytes that are not UTF-8 become U+FFFD.
void write_json(const Json& value);

/// Which model and tokenizer, and how to run them.
struct ModelArgs {
  std::string model;  // empty: the one that ships
  std::string tokenizer;
  std::string weights = "auto";
  int threads = 0;
  std::optional<std::int64_t> n_head;
  bool quiet = false;

  void add_checkpoint_options(CLI::App& command);
  void add_tokenizer_option(CLI::App& command);
  void add_compute_options(CLI::App& command);

  std::filesystem::path model_path() const;
  /// Opens the checkpoint and shows its notes on stderr.
  Checkpoint open_checkpoint() const;
  /// The tokenizer that was named, or the one that lies beside the model, or GPT-2's where the
  /// model's vocabulary has its size. Throws Error (kInvalidOption) where there is none.
  Tokenizer open_tokenizer(const ModelConfig& config) const;
  /// As above, without the model: for subcommands that only need its tokenizer.
  Tokenizer open_tokenizer() const;
  WeightFormat weight_format() const;

  /// A line on stderr, unless --quiet.
  template <typename... Args>
  void say(fmt::format_string<Args...> format, Args&&... args) const {
    if (!quiet) fmt::print(stderr, "{}\n", fmt::format(format, std::forward<Args>(args)...));
  }
};

/// A text from the command line, a file or stdin, read at once. An option that takes the text and
/// one that takes the file exclude each other; without either, stdin is read.
struct TextSource {
  std::optional<std::string> text;
  std::optional<std::string> file;

  /// Throws Error (kIo, kTooLarge, kInvalidOption where stdin is a terminal).
  std::string read() const;
};

}  // namespace decant::cli
