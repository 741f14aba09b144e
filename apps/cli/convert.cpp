// decant convert: any readable checkpoint to Hugging Face layout.
#include "commands.h"
#include "common.h"
#include "decant/error.h"

namespace decant::cli {
namespace {

struct ConvertArgs {
  ModelArgs model;
  std::string out;
  std::string dtype;
  bool force = false;
};

std::optional<DType> parse_dtype(const std::string& name) {
  if (name.empty()) return std::nullopt;
  if (name == "f32") return DType::kF32;
  if (name == "f16") return DType::kF16;
  if (name == "bf16") return DType::kBF16;
  throw Error(ErrorCode::kInvalidOption,
              fmt::format("--dtype is '{}': it must be f32, f16 or bf16", name));
}

int run(const ConvertArgs& args) {
  const std::optional<DType> dtype = parse_dtype(args.dtype);
  const std::filesystem::path out = args.out;
  if (!args.force && std::filesystem::exists(out / "model.safetensors")) {
    throw Error(ErrorCode::kIo,
                fmt::format("{}: exists already: name another folder, or add --force to replace it",
                            (out / "model.safetensors").string()));
  }
  const Checkpoint checkpoint = args.model.open_checkpoint();
  const Tokenizer tokenizer = args.model.open_tokenizer(checkpoint.config());
  checkpoint.save_pretrained(out, dtype);
  tokenizer.save(out);
  args.model.say("wrote config.json, model.safetensors, vocab.json and merges.txt to {}",
                 out.string());
  return kDone;
}

}  // namespace

Action add_convert(CLI::App& app) {
  auto* command =
      app.add_subcommand("convert", "a checkpoint to config.json, model.safetensors and tokenizer");
  auto args = std::make_shared<ConvertArgs>();
  args->model.add_checkpoint_options(*command);
  args->model.add_tokenizer_option(*command);
  command->add_option("out", args->out, "the folder to write; it is made")->required();
  command->add_option("--dtype", args->dtype, "f32, f16 or bf16 (default: the checkpoint's own)");
  command->add_flag("--force", args->force, "replace a model that is there");
  command->footer("Example:  decant convert --model out/ckpt.pt my-gpt --dtype bf16");
  return [args] { return run(*args); };
}

}  // namespace decant::cli
