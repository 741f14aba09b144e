// decant convert: any readable checkpoint to Hugging Face layout.
#include <fmt/ranges.h>

#include <csignal>
#include <iterator>
#include <vector>

#include "commands.h"
#include "common.h"
#include "decant/error.h"

namespace decant::cli {
namespace {

struct ConvertArgs {
  ModelArgs model;
  std::string out;
  std::optional<std::string> dtype;
  bool force = false;
  bool json = false;
};

constexpr const char* kWritten[] = {"config.json", "model.safetensors", "vocab.json", "merges.txt"};
constexpr const char* kShadowing = "tokenizer.json";  // would be read before what is written

void refuse_to_replace(const std::filesystem::path& out) {
  std::vector<const char*> names(std::begin(kWritten), std::end(kWritten));
  names.push_back(kShadowing);
  for (const char* name : names) {
    if (!std::filesystem::exists(out / name)) continue;
    throw Error(ErrorCode::kIo,
                fmt::format("{}: exists already: name another folder, or add --force to replace it",
                            (out / name).string()));
  }
}

// Ctrl-C waits until the files are whole, so that none is left half written.
class InterruptsWait {
 public:
  InterruptsWait() {
    sigset_t signals;
    sigemptyset(&signals);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, signal);
    sigprocmask(SIG_BLOCK, &signals, &before_);
  }
  InterruptsWait(const InterruptsWait&) = delete;
  InterruptsWait& operator=(const InterruptsWait&) = delete;
  ~InterruptsWait() { sigprocmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

int run(const ConvertArgs& args) {
  std::optional<DType> dtype;
  if (args.dtype) {
    dtype = pick<DType>("--dtype", *args.dtype,
                        {{"f32", DType::kF32}, {"f16", DType::kF16}, {"bf16", DType::kBF16}});
  }
  const std::filesystem::path out = args.out;
  if (!args.force) refuse_to_replace(out);
  const Checkpoint checkpoint = args.model.open_checkpoint();
  const Tokenizer tokenizer = args.model.open_tokenizer(checkpoint.config());
  {
    const InterruptsWait wait;
    checkpoint.save_pretrained(out, dtype);
    tokenizer.save(out);
    std::filesystem::remove(out / kShadowing);
  }
  if (args.json) {
    Json files = Json::array();
    for (const char* name : kWritten) files.push_back((out / name).string());
    write_json({{"files", std::move(files)}});
  } else {
    args.model.say("wrote {} to {}", fmt::join(kWritten, ", "), out.string());
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
  command->add_option("--dtype", args->dtype, "f32, f16 or bf16 (default: the checkpoint's own)");
  command->add_flag("--force", args->force, "replace a model that is there");
  command->add_flag("--json", args->json, "the files that were written, as a JSON object");
  command->footer("Example:  decant convert --model out/ckpt.pt my-gpt --dtype bf16");
  return {command, [args] { return run(*args); }};
}

}  // namespace decant::cli
