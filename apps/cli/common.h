// What the subcommands share: options of the same name and meaning, input, and output.
#pragma once

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "decant/checkpoint.h"
#include "decant/error.h"
#include "decant/generate.h"
#include "decant/model.h"
#include "decant/tokenizer.h"

namespace decant::cli {

using Json = nlohmann::ordered_json;

enum ExitStatus { kDone = 0, kFailed = 1, kUsage = 2, kInterrupted = 130 };

/// Thrown when whoever read our output has gone (`decant ... | head`): the end, but no error.
struct ClosedPipe {};

/// Writes a line to stderr. Where that cannot be written, there is nobody to tell.
void write_err(std::string_view line);

/// Writes to stdout and flushes: text is to be seen as it is made. Throws Error (kIo), ClosedPipe.
void write_out(std::string_view text);

/// One JSON value and a line feed to stdout; bytes that are not UTF-8 become U+FFFD.
void write_json(const Json& value);

/// Writes a file whole or not at all: aside first, then renamed into place. Throws Error (kIo).
void write_file(const std::filesystem::path& path, std::string_view bytes);

/// For a command that takes its time before it writes: throws Error (kInvalidOption) that names
/// `option` where write_file() is sure to fail.
void expect_writable(std::string_view option, const std::filesystem::path& path);

/// The value that `word` names, of the choices that `option` has. Throws Error (kInvalidOption)
/// that lists them.
template <typename Value>
Value pick(std::string_view option, std::string_view word,
           std::span<const std::pair<std::string_view, Value>> choices) {
  std::string names;
  for (const auto& [name, value] : choices) {
    if (word == name) return value;
    names += fmt::format("{}{}", names.empty() ? "" : ", ", name);
  }
  throw Error(ErrorCode::kInvalidOption,
              fmt::format("{} is '{}': it must be one of {}", option, word, names));
}

template <typename Value>
Value pick(std::string_view option, std::string_view word,
           std::initializer_list<std::pair<std::string_view, Value>> choices) {
  return pick<Value>(option, word, std::span(choices.begin(), choices.size()));
}

/// A whole number in base 10, and nothing else: neither octal, nor a sign that wraps around, nor a
/// number that its type cannot hold; only then are its limits worth a word. Throws Error
/// (kInvalidOption) that calls it `name`.
template <typename Integer>
Integer parse_integer(std::string_view name, std::string_view word) {
  Integer value{};
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error == std::errc{} && end == word.data() + word.size()) return value;
  std::string range = std::is_unsigned_v<Integer> ? ", 0 or more" : "";
  if (error == std::errc::result_out_of_range) {
    range = fmt::format(" from {} to {}", std::numeric_limits<Integer>::min(),
                        std::numeric_limits<Integer>::max());
  }
  throw Error(ErrorCode::kInvalidOption,
              fmt::format("{} is '{}': it must be a whole number{}", name, word, range));
}

/// The id of a token. Throws Error (kInvalidOption) that calls it `name`.
TokenId parse_token(std::string_view name, std::string_view word);

/// Throws Error (kInvalidOption) where `token`, which was given with `option`, is none.
void expect_token(std::string_view option, TokenId token, const Tokenizer& tokenizer);

/// Adds an option that takes such ids, one each time that it is given.
CLI::Option* add_tokens(CLI::App& command, const std::string& name, std::vector<TokenId>& target,
                        const std::string& help);

/// Any number. Throws Error (kInvalidOption).
double parse_number(std::string_view name, std::string_view word);

template <typename T>
struct IntegerIn {
  using type = T;
};
template <typename T>
struct IntegerIn<std::optional<T>> {
  using type = T;
};

/// Adds an option that takes a whole number; the target may be an optional.
template <typename Target>
CLI::Option* add_integer(CLI::App& command, const std::string& name, Target& target,
                         const std::string& help) {
  using Integer = typename IntegerIn<Target>::type;
  return command
      .add_option_function<std::string>(
          name,
          [name, &target](const std::string& word) { target = parse_integer<Integer>(name, word); },
          help)
      ->type_name("INT");
}

/// Adds an option that takes a number; the target may be an optional.
template <typename Target>
CLI::Option* add_number(CLI::App& command, const std::string& name, Target& target,
                        const std::string& help) {
  return command
      .add_option_function<std::string>(
          name, [name, &target](const std::string& word) { target = parse_number(name, word); },
          help)
      ->type_name("NUM");
}

/// The library calls a setting by its field, top_k; on the command line it was typed as --top-k.
/// `message` with the options of `command` as they are typed: its first word, what one is to "leave
/// out", and any other that has an underscore. What begins with an option was said by the command
/// line itself, and stays; so does what is quoted.
std::string as_typed(const CLI::App& command, std::string_view message);

/// Throws Error (kInvalidOption) for an option of `command` that was given more often than it can
/// be.
void refuse_twice(const CLI::App& command);

/// What happens when the window is full.
struct ContextArgs {
  std::string word = "crop";  ///< as it is typed

  void add_to(CLI::App& command);
  /// Throws Error (kInvalidOption) for another word.
  ContextPolicy policy() const;
};

/// Which model and tokenizer, and how to run them.
struct ModelArgs {
  std::optional<std::string> model;      // else the one that ships
  std::optional<std::string> tokenizer;  // else the one beside the model
  std::optional<std::string> chars;      // a file whose characters are the vocabulary
  std::optional<std::string> names;      // a JSON file of a naming scheme
  std::string weights = "auto";
  int threads = 0;
  std::optional<std::int64_t> n_head;  // else as the checkpoint says
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
  /// As above, and opens the model only where nothing else can tell its tokenizer.
  Tokenizer open_tokenizer() const;
  WeightFormat weight_format() const;
  CheckpointOptions checkpoint_options() const;

  /// Shows its progress on a terminal where that takes more than a second.
  Model load(const Checkpoint& checkpoint) const;

  /// The tokenizer that was named in either way, or that lies beside the model.
  std::optional<Tokenizer> named_tokenizer() const;

  /// A line on stderr, unless --quiet.
  template <typename... Args>
  void say(fmt::format_string<Args...> format, Args&&... args) const {
    if (!quiet) write_err(fmt::format(format, std::forward<Args>(args)...));
  }
};

/// The seed that was typed, or a fresh one, which the user is shown.
Seed choose_seed(std::optional<Seed> typed, const ModelArgs& model);

/// "loading [=====     ]  50%" on stderr, from the first second on, where that is a terminal. Gone
/// when it is destroyed.
class ProgressBar {
 public:
  ProgressBar(std::string_view doing, bool quiet);
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  ~ProgressBar();

  void show(double done);  ///< 0 to 1

 private:
  std::string_view doing_;
  bool may_show_;
  int shown_ = -1;  // percent
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// A model that is ready to run, with its tokenizer.
struct OpenModel {
  /// Opens what `args` name, and says on stderr where model and tokenizer do not quite fit.
  explicit OpenModel(const ModelArgs& args);

  Tokenizer tokenizer;
  Model model;
  SessionGroup group;

  /// A prompt's tokens; says on stderr where they are more than the model sees.
  std::vector<TokenId> encode(const std::string& prompt) const;

 private:
  const ModelArgs& args_;
  OpenModel(const ModelArgs& args, const Checkpoint& checkpoint);
};

/// A text from the command line, a file or stdin, read at once. An option that takes the text and
/// one that takes the file exclude each other; without either, stdin is read.
struct TextSource {
  std::optional<std::string> text;
  std::optional<std::string> file;
  std::string_view remedy = "name a file";  ///< of those who gave none
  std::string_view not_a_file = {};         ///< added where `file` cannot be read

  void add_prompt_options(CLI::App& command);
  void add_text_options(CLI::App& command);

  /// Throws Error (kIo, kTooLarge, kInvalidOption where stdin is a terminal).
  std::string read() const;
  /// The same for a text to continue. Throws also Error (kInvalidPrompt) where it is empty.
  std::string read_prompt() const;
};

}  // namespace decant::cli
