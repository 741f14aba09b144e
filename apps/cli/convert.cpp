// decant convert: any readable checkpoint to Hugging Face layout.
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <span>
#include <vector>

#include "commands.h"
#include "common.h"
#include "decant/error.h"

namespace decant::cli {
namespace {

namespace fs = std::filesystem;

struct ConvertArgs {
  ModelArgs model;
  std::string out;
  std::optional<std::string> dtype;
  bool force = false;
  bool json = false;
};

// What is written, of the tokenizer's files some; those of another would be read instead, or
// beside.
constexpr const char* kModelFiles[] = {"config.json", "model.safetensors"};
constexpr const char* kTokenizerFiles[] = {"tokenizer.json", "vocab.json", "merges.txt"};

void refuse_to_replace(const fs::path& out) {
  const auto refuse_if_there = [&out](const char* name) {
    std::error_code unreadable;  // then it cannot be written either, and that is what is said
    if (!fs::exists(out / name, unreadable)) return;
    throw Error(ErrorCode::kIo,
                fmt::format("{}: exists already: name another folder, or add --force to replace it",
                            (out / name).string()));
  };
  for (const char* name : kModelFiles) refuse_if_there(name);
  for (const char* name : kTokenizerFiles) refuse_if_there(name);
}

// Of a folder with several checkpoints one is read: what is trained there later would not be.
void refuse_to_hide(const Checkpoint& checkpoint, const fs::path& out) {
  std::error_code not_there;
  const fs::path folder = fs::absolute(checkpoint.file()).parent_path();
  if (!fs::equivalent(out, folder, not_there)) return;
  throw Error(ErrorCode::kInvalidOption,
              fmt::format("{}: is the checkpoint's own folder, where what is written would be read "
                          "in its place from then on: name another folder, or add --force",
                          out.string()));
}

// Ctrl-C waits until nothing is left half written. It ends the program in the destructor.
class InterruptsWait {
 public:
  InterruptsWait() {
    sigset_t signals;
    sigemptyset(&signals);
    for (const int signal : kSignals) sigaddset(&signals, signal);
    sigprocmask(SIG_BLOCK, &signals, &before_);
  }
  InterruptsWait(const InterruptsWait&) = delete;
  InterruptsWait& operator=(const InterruptsWait&) = delete;
  ~InterruptsWait() { sigprocmask(SIG_SETMASK, &before_, nullptr); }

  bool interrupted() const {
    sigset_t pending;
    sigpending(&pending);
    return std::ranges::any_of(kSignals, [&](int signal) {
      return sigismember(&pending, signal) == 1 && sigismember(&before_, signal) == 0;
    });
  }

 private:
  static constexpr std::array kSignals = {SIGINT, SIGTERM, SIGHUP};

  sigset_t before_;
};

// The files on their way: written in a folder inside the one that they are for, and moved when all
// are whole. Until then nothing has changed, and nothing stays of what is not committed.
class StagedFiles {
 public:
  explicit StagedFiles(const fs::path& out) : out_(out), folder_(out / ".decant-convert") {
    std::error_code ignored;
    for (fs::path path = fs::absolute(out); !fs::exists(path, ignored); path = path.parent_path()) {
      made_.push_back(path);
    }
    fs::remove_all(folder_, ignored);  // of a run that was killed
  }
  StagedFiles(const StagedFiles&) = delete;
  StagedFiles& operator=(const StagedFiles&) = delete;
  ~StagedFiles() {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
    for (const fs::path& path : made_) fs::remove(path, ignored);  // what is not empty stays
  }

  const fs::path& folder() const { return folder_; }

  // Moves what was written, and removes what is there of another tokenizer.
  std::vector<fs::path> commit() {
    std::vector<fs::path> written;
    for (const std::span<const char* const> names :
         {std::span<const char* const>(kModelFiles),
          std::span<const char* const>(kTokenizerFiles)}) {
      for (const char* name : names) {
        std::error_code error;
        if (fs::exists(folder_ / name, error)) {
          fs::rename(folder_ / name, out_ / name, error);
          written.push_back(out_ / name);
        } else {
          fs::remove(out_ / name, error);
        }
        if (error) {
          throw Error(ErrorCode::kIo, fmt::format("{}: cannot be replaced: {}",
                                                  (out_ / name).string(), error.message()));
        }
      }
    }
    return written;
  }

 private:
  fs::path out_;
  fs::path folder_;
  std::vector<fs::path> made_;  // folders that were not there, innermost first
};

int run(const ConvertArgs& args) {
  std::optional<DType> dtype;
  if (args.dtype) {
    dtype = pick<DType>(
        "--dtype", *args.dtype,
        {{"f32", DType::kF32}, {"f16", DType::kF16}, {"bf16", DType::kBF16}, {"q8", DType::kI8}});
  }
  const fs::path out = args.out;
  if (!args.force) refuse_to_replace(out);
  const Checkpoint checkpoint = args.model.open_checkpoint();
  if (!args.force) refuse_to_hide(checkpoint, out);
  const Tokenizer tokenizer = args.model.open_tokenizer(checkpoint.config());
  std::vector<fs::path> written;
  {
    const InterruptsWait wait;
    StagedFiles files(out);
    ProgressBar bar("writing", args.model.quiet);
    checkpoint.save_pretrained(files.folder(), dtype, [&](double done) {
      if (wait.interrupted()) throw Error(ErrorCode::kIo, "interrupted");  // and nothing stays
      bar.show(done);
    });
    tokenizer.save(files.folder());
    written = files.commit();
  }
  std::vector<std::string> names;
  names.reserve(written.size());
  for (const fs::path& path : written) {
    names.push_back(args.json ? path.string() : path.filename().string());
  }
  if (args.json) {
    write_json({{"files", names}});
  } else {
    args.model.say("wrote {} to {}", fmt::join(names, ", "), out.string());
  }
  return kDone;
}

}  // namespace

Command add_convert(CLI::App& app) {
  auto* command =
      app.add_subcommand("convert", "a checkpoint to config.json, model.safetensors and tokenizer");
  auto args = std::make_shared<ConvertArgs>();
  args->model.add_checkpoint_options(*command);
  args->model.add_tokenizer_option(*command);
  command->add_option("out", args->out, "the folder to write; it is made")->required();
  command->add_option("--dtype", args->dtype,
                      "f32, f16, bf16 or q8 (default: the checkpoint's own)");
  command->add_flag("--force", args->force, "replace a model that is there");
  command->add_flag("--json", args->json, "the files that were written, as a JSON object");
  command->footer("Example:  decant convert --model out/ckpt.pt my-gpt --dtype bf16");
  return {command, [args] { return run(*args); }};
}

}  // namespace decant::cli
