#include "common.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>
#include <random>
#include <system_error>

namespace decant::cli {
namespace {

namespace fs = std::filesystem;

// Far beyond any context, far below any memory.
constexpr std::size_t kMaxText = std::size_t{256} << 20;

fs::path shipped_model() {
  std::error_code error;
  const fs::path here = fs::read_symlink("/proc/self/exe", error).parent_path();
  for (const char* place : {"models/shakespeare", "../share/decant/models/shakespeare"}) {
    if (fs::exists(here / place, error)) return here / place;
  }
  throw Error(ErrorCode::kIo, "the model that ships is not beside the program (" +
                                  (here / "models/shakespeare").string() +
                                  "): name one with --model PATH");
}

Tokenizer characters_of_file(const std::string& path) {
  if (fs::path(path).extension() == ".json") return Tokenizer::load(path);
  const std::string text = TextSource{.text = {}, .file = path}.read();
  try {
    return Tokenizer::characters_of(text);
  } catch (const Error& error) {
    throw Error(error.code(), path + ": " + error.what());
  }
}

}  // namespace

void write_err(std::string_view line) {
  std::fwrite(line.data(), 1, line.size(), stderr);
  std::fputc('\n', stderr);
}

void write_out(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0) {
    return;
  }
  if (errno == EPIPE) throw ClosedPipe{};
  throw Error(ErrorCode::kIo, fmt::format("stdout: cannot write: {}", std::strerror(errno)));
}

void write_json(const Json& value) {
  write_out(value.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
}

void write_file(const fs::path& path, std::string_view bytes) {
  std::error_code error;
  // A link is followed. A pipe or a device is written to; only a file is replaced, and as a whole.
  const fs::path linked = fs::canonical(path, error);
  const fs::path target = error ? path : linked;
  const bool in_place = fs::exists(target, error) && !fs::is_regular_file(target, error);
  const fs::path written =
      in_place ? path : fs::path(target.string() + ".tmp" + std::to_string(::getpid()));
  error.clear();
  std::ofstream file(written, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file) {
    error = std::error_code(errno, std::generic_category());
  } else if (!in_place) {
    fs::rename(written, target, error);
  }
  if (!error) return;
  std::error_code ignored;
  if (!in_place) fs::remove(written, ignored);
  throw Error(ErrorCode::kIo, fmt::format("{}: cannot write: {}", path.string(), error.message()));
}

void expect_writable(std::string_view option, const fs::path& path) {
  std::error_code error;
  const bool is_folder = fs::is_directory(path, error);
  const bool device = fs::exists(path, error) && !fs::is_regular_file(path, error);
  const fs::path folder = path.has_parent_path() ? path.parent_path() : ".";
  const fs::path place = device ? path : folder / "";  // the slash at the end asks for a folder
  if (!is_folder && ::access(place.c_str(), W_OK) == 0) return;
  error = std::error_code(is_folder ? EISDIR : errno, std::generic_category());
  throw Error(ErrorCode::kInvalidOption,
              fmt::format("{} is '{}', which cannot be written: {}; name a file in a folder that "
                          "you may write to",
                          option, path.string(), error.message()));
}

TokenId parse_token(std::string_view name, std::string_view word) {
  try {
    return parse_integer<TokenId>(name, word);
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("{}, the id of a token: decant tokenize tells the ids of "
                                          "a text",
                                          error.what()));
  }
}

void expect_token(std::string_view option, TokenId token, const Tokenizer& tokenizer) {
  if (tokenizer.contains(token)) return;
  throw Error(ErrorCode::kInvalidOption,
              fmt::format("{}: {} is no token of this vocabulary, whose ids go from 0 to {}",
                          option, token, tokenizer.vocab_size() - 1));
}

CLI::Option* add_tokens(CLI::App& command, const std::string& name, std::vector<TokenId>& target,
                        const std::string& help) {
  return command
      .add_option_function<std::vector<std::string>>(
          name,
          [name, &target](const std::vector<std::string>& words) {
            for (const std::string& word : words) target.push_back(parse_token(name, word));
          },
          help)
      ->allow_extra_args(false)
      ->type_name("INT");
}

double parse_number(std::string_view name, std::string_view word) {
  double value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc{} || end != word.data() + word.size()) {
    throw Error(ErrorCode::kInvalidOption,
                fmt::format("{} is '{}': it must be a number", name, word));
  }
  return value;
}

std::string as_typed(const CLI::App& command, std::string_view message) {
  if (message.starts_with("-")) return std::string(message);
  constexpr std::string_view kOfNames = "abcdefghijklmnopqrstuvwxyz_";
  // Lists in the library, to which the command line adds one after the other.
  constexpr std::pair<std::string_view, std::string_view> kLists[] = {
      {"allowed_strings", "--allow-string"},
      {"banned_strings", "--ban-string"},
      {"allowed_tokens", "--allow-token"},
      {"banned_tokens", "--ban-token"}};
  std::string typed;
  bool quoted = false;  // by the message: somebody else's words
  while (!message.empty()) {
    const std::string word(message.substr(0, message.find_first_not_of(kOfNames)));
    const auto* const list =
        std::ranges::find(kLists, word, [](const auto& pair) { return pair.first; });
    std::string option = "--" + word;
    std::ranges::replace(option, '_', '-');
    if (list != std::end(kLists)) option = list->second;
    const bool named =
        !quoted && !word.empty() &&
        (typed.empty() || word.find('_') != std::string::npos || typed.ends_with(" leave out ")) &&
        command.get_option_no_throw(option) != nullptr;
    typed += named ? option : word;
    message.remove_prefix(word.size());
    const std::string_view between = message.substr(0, message.find_first_of(kOfNames));
    if (std::ranges::count(between, '\'') % 2 == 1) quoted = !quoted;
    typed += between;
    message.remove_prefix(between.size());
  }
  return typed;
}

void refuse_twice(const CLI::App& command) {
  for (const CLI::Option* option : command.get_options()) {
    const int most = option->get_items_expected_max();
    if (most == 0 || static_cast<int>(option->count()) <= most) continue;  // a flag has 0
    throw Error(ErrorCode::kInvalidOption, fmt::format("{} is given {} times: give it once",
                                                       option->get_name(), option->count()));
  }
}

void ContextArgs::add_to(CLI::App& command) {
  command
      .add_option("--context", word,
                  "when the window is full: crop it at each step, slide by half, or stop")
      ->capture_default_str();
}

ContextPolicy ContextArgs::policy() const {
  return pick<ContextPolicy>("--context", word,
                             {{"crop", ContextPolicy::kCrop},
                              {"slide", ContextPolicy::kSlide},
                              {"stop", ContextPolicy::kStop}});
}

void ModelArgs::add_checkpoint_options(CLI::App& command) {
  command.add_option("--model", model,
                     "a checkpoint (.pt, .pth, .bin, .safetensors, .ckpt.index), or the folder "
                     "that has it (default: the Shakespeare model that ships)");
  add_integer(command, "--n-head", n_head, "attention heads, whatever the checkpoint says");
  command.add_option("--names", names,
                     "a JSON file that says what the tensors are called, for a naming scheme that "
                     "Decant does not know");
  command.add_flag("--quiet", quiet, "nothing on stderr but errors");
}

void ModelArgs::add_tokenizer_option(CLI::App& command) {
  auto* named = command.add_option(
      "--tokenizer", tokenizer,
      "gpt2, a folder, or a file: tokenizer.json, vocab.json, encoder.json, *.tiktoken, minbpe's "
      "*.model, nanoGPT's meta.pkl, chars.json (default: the one beside the model)");
  command
      .add_option("--chars", chars,
                  "every character a token: the text that the model was trained on, whose "
                  "characters are numbered in order, or a JSON list of them (*.json)")
      ->excludes(named);
}

void ModelArgs::add_compute_options(CLI::App& command) {
  add_integer(command, "--threads", threads, "threads to compute with (default 0: one a core)");
  command
      .add_option("--weights", weights,
                  "how weights are held in memory: auto (q8), f32, bf16, q8 or q4")
      ->capture_default_str();
}

fs::path ModelArgs::model_path() const { return model ? fs::path(*model) : shipped_model(); }

CheckpointOptions ModelArgs::checkpoint_options() const {
  CheckpointOptions options;
  options.n_head = n_head;
  if (names) options.names = *names;
  return options;
}

Checkpoint ModelArgs::open_checkpoint() const {
  Checkpoint checkpoint = Checkpoint::open(model_path(), checkpoint_options());
  for (const std::string& note : checkpoint.notes()) say("note: {}", note);
  return checkpoint;
}

std::optional<Tokenizer> ModelArgs::named_tokenizer() const {
  if (tokenizer == "gpt2") return Tokenizer::gpt2();
  if (tokenizer) return Tokenizer::load(*tokenizer);
  if (chars) return characters_of_file(*chars);
  const fs::path path = model_path();
  std::error_code ignored;
  const auto found = Tokenizer::find(fs::is_directory(path, ignored) ? path : path.parent_path());
  return found ? std::optional(Tokenizer::load(*found)) : std::nullopt;
}

Tokenizer ModelArgs::open_tokenizer(const ModelConfig& config) const {
  if (auto named = named_tokenizer()) {
    const auto ids = static_cast<std::int64_t>(named->vocab_size());
    const std::int64_t rows = config.vocab_size;
    if (ids < rows) {
      say("note: the model has {} ids and the tokenizer {}: the others are never drawn", rows, ids);
    }
    if (ids > rows) {
      say("note: the tokenizer has {} ids and the model {}: is it the one of this model?", ids,
          rows);
    }
    return *named;
  }
  // 50,304 is 50,257 rounded up to a multiple of 64, as nanoGPT does for speed.
  if (config.vocab_size == 50257 || config.vocab_size == 50304) return Tokenizer::gpt2();
  throw Error(
      ErrorCode::kInvalidOption,
      fmt::format("{}: no tokenizer beside the model, and a vocabulary of {} is not GPT-2's: "
                  "name one with --tokenizer PATH, or the text of a character-level model with "
                  "--chars FILE",
                  model_path().string(), config.vocab_size));
}

Tokenizer ModelArgs::open_tokenizer() const {
  if (auto named = named_tokenizer()) return *named;
  return open_tokenizer(Checkpoint::open(model_path(), checkpoint_options()).config());
}

WeightFormat ModelArgs::weight_format() const {
  return pick<WeightFormat>("--weights", weights,
                            {{"auto", WeightFormat::kAuto},
                             {"f32", WeightFormat::kF32},
                             {"bf16", WeightFormat::kBF16},
                             {"q8", WeightFormat::kQ8},
                             {"q4", WeightFormat::kQ4}});
}

Model ModelArgs::load(const Checkpoint& checkpoint) const {
  ProgressBar bar("loading", quiet);
  LoadOptions options;
  options.weights = weight_format();
  options.threads = threads;
  options.progress = [&](double done) { bar.show(done); };
  return Model(checkpoint, options);
}

Seed choose_seed(std::optional<Seed> typed, const ModelArgs& model) {
  if (typed) return *typed;
  const Seed seed = std::random_device{}();
  model.say("seed {0} (--seed {0} makes the same again)", seed);
  return seed;
}

ProgressBar::ProgressBar(std::string_view doing, bool quiet)
    : doing_(doing), may_show_(!quiet && ::isatty(STDERR_FILENO) != 0) {}

ProgressBar::~ProgressBar() {
  if (shown_ >= 0) fmt::print(stderr, "\r\x1b[K");
}

void ProgressBar::show(double done) {
  constexpr auto kPatience = std::chrono::seconds(1);
  const int percent = static_cast<int>(100 * done);
  if (!may_show_ || percent == shown_ || std::chrono::steady_clock::now() - start_ < kPatience) {
    return;
  }
  constexpr int kWidth = 40;
  const int filled = static_cast<int>(done * kWidth);
  fmt::print(stderr, "\r{} [{:=<{}}{:<{}}] {:3}%", doing_, "", filled, "", kWidth - filled,
             percent);
  std::fflush(stderr);
  shown_ = percent;
}

OpenModel::OpenModel(const ModelArgs& args) : OpenModel(args, args.open_checkpoint()) {}

OpenModel::OpenModel(const ModelArgs& args, const Checkpoint& checkpoint)
    : tokenizer(args.open_tokenizer(checkpoint.config())),
      model(args.load(checkpoint)),
      group(model, args.threads),
      args_(args) {}

std::vector<TokenId> OpenModel::encode(const std::string& prompt) const {
  std::vector<TokenId> tokens = tokenizer.encode(prompt);
  if (static_cast<std::int64_t>(tokens.size()) > model.config().block_size) {
    args_.say("note: the prompt has {} tokens and the model sees {}: its beginning is cropped",
              tokens.size(), model.config().block_size);
  }
  return tokens;
}

void TextSource::add_prompt_options(CLI::App& command) {
  auto* prompt = command.add_option("--prompt", text, "the text to continue");
  command.add_option("--prompt-file", file, "a file with the text to continue, - is stdin")
      ->excludes(prompt);
  remedy = "give a text with --prompt, name its file with --prompt-file";
}

void TextSource::add_text_options(CLI::App& command) {
  auto* given = command.add_option("--text", text, "the text");
  command.add_option("file", file, "a file with the text (default: stdin)")->excludes(given);
  remedy = "give a text with --text, name its file";
  not_a_file = "; for a text use --text";
}

std::string TextSource::read() const {
  if (text) return *text;
  const bool from_stdin = !file || *file == "-";
  if (from_stdin && !file && ::isatty(STDIN_FILENO) != 0) {
    throw Error(ErrorCode::kInvalidOption,
                fmt::format("nothing to read: {}, or pipe it into stdin (see --help)", remedy));
  }
  const std::string name = from_stdin ? "stdin" : *file;
  const auto fail = [&] {
    throw Error(ErrorCode::kIo, fmt::format("{}: cannot read: {}{}", name, std::strerror(errno),
                                            from_stdin ? "" : not_a_file));
  };
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> opened(
      from_stdin ? nullptr : std::fopen(name.c_str(), "rb"),
      [](std::FILE* f) { return std::fclose(f); });
  std::FILE* input = from_stdin ? stdin : opened.get();
  if (input == nullptr) fail();

  std::string all;
  std::array<char, 1 << 16> buffer;
  for (std::size_t n = 0; (n = std::fread(buffer.data(), 1, buffer.size(), input)) > 0;) {
    if (all.size() + n > kMaxText) {
      throw Error(ErrorCode::kTooLarge,
                  fmt::format("{}: more than {} MiB of text: cut it", name, kMaxText >> 20));
    }
    all.append(buffer.data(), n);
  }
  if (std::ferror(input) != 0) fail();
  return all;
}

std::string TextSource::read_prompt() const {
  std::string prompt = read();
  if (!prompt.empty()) return prompt;
  throw Error(ErrorCode::kInvalidPrompt,
              fmt::format("the prompt is empty: {}; one character is enough, a line feed for "
                          "example",
                          remedy));
}

}  // namespace decant::cli
