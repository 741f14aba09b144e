// The table of dialects, and how a name template is read.
#include "dialects.h"

#include <algorithm>
#include <charconv>

namespace decant {
namespace {

constexpr std::string_view kLayer = "{i}";

// PyTorch's own names for the two tensors of a module.
Part part(const std::string& module, Bias bias) {
  return {module + ".weight", bias == Bias::kNever ? "" : module + ".bias", bias};
}

// torch.compile and DistributedDataParallel wrap a module, and the wrapper's name with it.
const std::vector<std::string> kWrappers = {"_orig_mod.", "module."};

// tools/train/model.py: a plain state_dict, with its GPTConfig in a config.json beside it.
Dialect loss_curve() {
  return {
      .name = "the loss curve",
      .prefixes = kWrappers,
      .wte = part("tok_emb", Bias::kNever),
      .wpe = part("pos_emb", Bias::kNever),
      .ln_1 = part("blocks.{i}.ln1", Bias::kAlways),
      .qkv = {},
      .q = part("blocks.{i}.attn.q_proj", Bias::kSwitched),
      .k = part("blocks.{i}.attn.k_proj", Bias::kSwitched),
      .v = part("blocks.{i}.attn.v_proj", Bias::kSwitched),
      .attn_proj = part("blocks.{i}.attn.out_proj", Bias::kSwitched),
      .ln_2 = part("blocks.{i}.ln2", Bias::kAlways),
      .fc = part("blocks.{i}.ffn.fc1", Bias::kAlways),
      .mlp_proj = part("blocks.{i}.ffn.fc2", Bias::kAlways),
      .ln_f = part("ln_f", Bias::kAlways),
      .head = part("lm_head", Bias::kNever),
      .orientation = Orientation::kOutIn,
      .head_may_be_absent = false,
      .buffers = {"blocks.{i}.attn.mask"},
      .gelu = Gelu::kExact,
      .gelu_note = "the course's default; {\"gelu\": \"tanh\"} in a config.json says otherwise",
      .tanh_without = "",
      .settings_in = {"model_args", "config"},
      .keys = {.vocab_size = "vocab_size",
               .block_size = "block_size",
               .n_layer = "n_layer",
               .n_head = "n_head",
               .n_embd = "n_embd",
               .n_inner = "",
               .n_inner_factor = "ffn_mult",
               .gelu = "gelu",
               .layer_norm_epsilon = "",
               .bias = "bias",
               .tied_head = "tied_lm_head"},
      .required = {},
      .default_n_embd = 128,
      .default_n_head = 4,
  };
}

// GPT-2's names, as OpenAI gave them, nanoGPT and Hugging Face keep them.
Dialect gpt2_names(Bias bias) {
  return {
      .name = "",
      .prefixes = {"_orig_mod.", "module.", "transformer."},
      .wte = part("wte", Bias::kNever),
      .wpe = part("wpe", Bias::kNever),
      .ln_1 = part("h.{i}.ln_1", bias),
      .qkv = part("h.{i}.attn.c_attn", bias),
      .q = {},
      .k = {},
      .v = {},
      .attn_proj = part("h.{i}.attn.c_proj", bias),
      .ln_2 = part("h.{i}.ln_2", bias),
      .fc = part("h.{i}.mlp.c_fc", bias),
      .mlp_proj = part("h.{i}.mlp.c_proj", bias),
      .ln_f = part("ln_f", bias),
      .head = part("lm_head", Bias::kNever),
      .orientation = Orientation::kOutIn,
      .head_may_be_absent = true,
      .buffers = {"h.{i}.attn.bias", "h.{i}.attn.masked_bias"},
      .gelu = Gelu::kExact,
      .gelu_note = "",
      .tanh_without = "",
      .settings_in = {},
      .keys = {},
      .required = {},
      .default_n_embd = 0,
      .default_n_head = 0,
  };
}

// github.com/karpathy/nanoGPT: {"model": state_dict, "model_args": {...}, ...}. Its activation was
// the tanh approximation until June 2023 (pull request 274) and is nn.GELU() since; the bias switch
// came in January 2023, so a model_args without it tells the older one.
Dialect nanogpt() {
  Dialect row = gpt2_names(Bias::kSwitched);
  row.name = "nanoGPT";
  row.gelu_note =
      "nanoGPT's since June 2023; for an older one put {\"gelu\": \"tanh\"} in a config.json "
      "beside it";
  row.tanh_without = "bias";
  row.settings_in = {"model_args"};
  row.keys.vocab_size = "vocab_size";
  row.keys.block_size = "block_size";
  row.keys.n_layer = "n_layer";
  row.keys.n_head = "n_head";
  row.keys.n_embd = "n_embd";
  row.keys.gelu = "gelu";
  row.keys.bias = "bias";
  return row;
}

// transformers' GPT2LMHeadModel and GPT2Model: OpenAI's Conv1D orientation, config.json beside it.
Dialect hugging_face() {
  Dialect row = gpt2_names(Bias::kAlways);
  row.name = "Hugging Face GPT-2";
  row.orientation = Orientation::kInOut;
  row.gelu = Gelu::kTanh;
  row.gelu_note = "GPT-2's own; \"activation_function\" in a config.json says otherwise";
  row.keys.vocab_size = "vocab_size";
  row.keys.block_size = "n_positions";
  row.keys.n_layer = "n_layer";
  row.keys.n_head = "n_head";
  row.keys.n_embd = "n_embd";
  row.keys.n_inner = "n_inner";
  row.keys.gelu = "activation_function";
  row.keys.layer_norm_epsilon = "layer_norm_epsilon";
  row.keys.tied_head = "tie_word_embeddings";
  row.required = {{"model_type", "gpt2"},
                  {"scale_attn_weights", true},
                  {"scale_attn_by_inverse_layer_idx", false},
                  {"reorder_and_upcast_attn", false},
                  {"add_cross_attention", false}};
  return row;
}

struct GeluWord {
  std::string_view word;
  Gelu gelu;
};

constexpr GeluWord kGeluWords[] = {
    {"none", Gelu::kExact},  // torch.nn.GELU(approximate="none")
    {"exact", Gelu::kExact},
    {"gelu", Gelu::kExact},
    {"gelu_python", Gelu::kExact},
    {"tanh", Gelu::kTanh},
    {"gelu_new", Gelu::kTanh},
    {"gelu_fast", Gelu::kTanh},
    {"gelu_pytorch_tanh", Gelu::kTanh},
};

}  // namespace

std::span<const Dialect> dialects() {
  static const std::vector<Dialect> table = {loss_curve(), nanogpt(), hugging_face()};
  return table;
}

std::vector<const Part*> parts_of(const Dialect& dialect) {
  std::vector<const Part*> parts;
  for (const Part* part : {&dialect.wte, &dialect.wpe, &dialect.ln_1, &dialect.qkv, &dialect.q,
                           &dialect.k, &dialect.v, &dialect.attn_proj, &dialect.ln_2, &dialect.fc,
                           &dialect.mlp_proj, &dialect.ln_f, &dialect.head}) {
    if (!part->weight.empty()) parts.push_back(part);
  }
  return parts;
}

std::string_view strip_prefixes(const Dialect& dialect, std::string_view name) {
  for (bool stripped = true; stripped;) {
    stripped = false;
    for (const std::string& prefix : dialect.prefixes) {
      if (!name.starts_with(prefix)) continue;
      name.remove_prefix(prefix.size());
      stripped = true;
    }
  }
  return name;
}

bool is_layered(std::string_view name_template) {
  return name_template.find(kLayer) != std::string_view::npos;
}

std::string name_of(std::string_view name_template, std::int64_t i) {
  std::string name(name_template);
  const std::size_t at = name.find(kLayer);
  if (at != std::string::npos) name.replace(at, kLayer.size(), std::to_string(i));
  return name;
}

std::optional<std::int64_t> match(std::string_view name_template, std::string_view name) {
  const std::size_t at = name_template.find(kLayer);
  if (at == std::string_view::npos) {
    if (name == name_template) return 0;
    return std::nullopt;
  }
  const std::string_view before = name_template.substr(0, at);
  const std::string_view after = name_template.substr(at + kLayer.size());
  if (name.size() <= before.size() + after.size()) return std::nullopt;
  if (!name.starts_with(before) || !name.ends_with(after)) return std::nullopt;
  const std::string_view digits =
      name.substr(before.size(), name.size() - before.size() - after.size());
  if (digits.size() > 1 && digits[0] == '0') return std::nullopt;  // one name for a layer
  if (digits.size() > 6) return std::nullopt;
  if (!std::all_of(digits.begin(), digits.end(), [](char c) { return '0' <= c && c <= '9'; })) {
    return std::nullopt;
  }
  std::int64_t layer = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), layer);
  return layer;
}

std::optional<Gelu> gelu_named(std::string_view word) {
  for (const GeluWord& known : kGeluWords) {
    if (known.word == word) return known.gelu;
  }
  return std::nullopt;
}

}  // namespace decant
