// decant inspect: what is in a checkpoint, and how it was recognised.
#include <fmt/ranges.h>

#include <algorithm>

#include "commands.h"
#include "common.h"
#include "decant/error.h"

namespace decant::cli {
namespace {

struct InspectArgs {
  ModelArgs model;
  bool json = false;
};

std::int64_t parameters(const Checkpoint& checkpoint) {
  std::int64_t total = 0;
  for (const TensorInfo& tensor : checkpoint.tensors()) {
    if (std::ranges::count(tensor.shape, 0) > 0) continue;  // the other extents can be anything
    std::int64_t size = 1;
    for (const std::int64_t extent : tensor.shape) size *= extent;
    total += size;
  }
  return total;
}

Json to_json(std::span<const TensorInfo> tensors) {
  Json list = Json::array();
  for (const TensorInfo& tensor : tensors) {
    list.push_back({{"name", tensor.name}, {"dtype", tensor.type}, {"shape", tensor.shape}});
  }
  return list;
}

std::string to_text(std::span<const TensorInfo> tensors) {
  std::string out = "tensors\n";
  for (const TensorInfo& tensor : tensors) {
    out += fmt::format("  {:<4} {:>14}  {}\n", tensor.type,
                       fmt::format("{}", fmt::join(tensor.shape, " x ")), tensor.name);
  }
  return out;
}

Json to_json(const Checkpoint& checkpoint) {
  const ModelConfig& config = checkpoint.config();
  return {{"file", checkpoint.file().string()},
          {"format", checkpoint.format()},
          {"dialect", checkpoint.dialect()},
          {"evidence", checkpoint.evidence()},
          {"config",
           {{"vocab_size", config.vocab_size},
            {"block_size", config.block_size},
            {"n_layer", config.n_layer},
            {"n_head", config.n_head},
            {"n_embd", config.n_embd},
            {"n_inner", config.n_inner},
            {"activation", activation_name(config.activation)},
            {"layer_norm_epsilon", Json::parse(fmt::format("{}", config.layer_norm_epsilon))},
            {"tied_head", config.tied_head}}},
          {"elements", parameters(checkpoint)},
          {"notes", std::vector<std::string>(checkpoint.notes().begin(), checkpoint.notes().end())},
          {"tensors", to_json(checkpoint.tensors())}};
}

std::string to_text(const Checkpoint& checkpoint) {
  const ModelConfig& config = checkpoint.config();
  std::string out = fmt::format(
      "file        {}\nformat      {}\ndialect     {} ({})\n"
      "vocabulary  {}\ncontext     {}\nlayers      {}\nheads       {} of {} channels\n"
      "width       {}, feed-forward {}, activation {}\nlayer norm  epsilon {}\n"
      "head        {}\nelements    {}\n",
      checkpoint.file().string(), checkpoint.format(), checkpoint.dialect(), checkpoint.evidence(),
      config.vocab_size, config.block_size, config.n_layer, config.n_head,
      config.n_embd / config.n_head, config.n_embd, config.n_inner,
      activation_name(config.activation), config.layer_norm_epsilon,
      config.tied_head ? "tied to the token embedding" : "separate", parameters(checkpoint));
  for (const std::string& note : checkpoint.notes()) out += fmt::format("note        {}\n", note);
  return out + to_text(checkpoint.tensors());
}

// A file that is no model for Decant still shows what it has: whoever writes a names file for it
// needs that.
void list_tensors(const InspectArgs& args) {
  const std::vector<TensorInfo> tensors = Checkpoint::list(args.model.model_path());
  if (args.json) {
    write_json({{"tensors", to_json(tensors)}});
  } else {
    write_out(to_text(tensors));
  }
}

int run(const InspectArgs& args) {
  std::optional<Checkpoint> checkpoint;
  try {
    checkpoint = Checkpoint::open(args.model.model_path(), args.model.checkpoint_options());
  } catch (const Error&) {
    list_tensors(args);
    throw;
  }
  if (args.json) {
    write_json(to_json(*checkpoint));
  } else {
    write_out(to_text(*checkpoint));
  }
  return kDone;
}

}  // namespace

Command add_inspect(CLI::App& app) {
  auto* command =
      app.add_subcommand("inspect", "what is in a checkpoint, and how it was recognised");
  auto args = std::make_shared<InspectArgs>();
  args->model.add_checkpoint_options(*command);
  command->add_flag("--json", args->json, "as a JSON object");
  command->footer("Example:  decant inspect --model out/ckpt.pt");
  return {command, [args] { return run(*args); }};
}

}  // namespace decant::cli
