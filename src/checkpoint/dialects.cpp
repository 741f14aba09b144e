// The table of dialects, and how a name template is read.
#include "dialects.h"

#include <algorithm>
#include <charconv>

namespace decant {
namespace {

// PyTorch's own names for the two tensors of a module.
Part part(const std::string& module, Bias bias) {
  return {module + ".weight", bias == Bias::kNever ? "" : module + ".bias", bias};
}

// What a program calls the five sizes that every model has.
SettingKeys sizes(const char* vocab_size, const char* block_size, const char* n_layer,
                  const char* n_head, const char* n_embd) {
  SettingKeys keys;
  keys.vocab_size = vocab_size;
  keys.block_size = block_size;
  keys.n_layer = n_layer;
  keys.n_head = n_head;
  keys.n_embd = n_embd;
  keys.layer_norm_epsilon = "layer_norm_epsilon";
  return keys;
}

// torch.compile and DistributedDataParallel wrap a module, and the wrapper's name with it.
const std::vector<std::string> kWrappers = {"_orig_mod.", "module."};

// tools/train/model.py: a plain state_dict, with its GPTConfig in a config.json beside it.
Dialect loss_curve() {
  Dialect row;
  row.name = "the loss curve";
  row.prefixes = kWrappers;
  row.wte = part("tok_emb", Bias::kNever);
  row.wpe = part("pos_emb", Bias::kNever);
  row.ln_1 = part("blocks.{i}.ln1", Bias::kAlways);
  row.q = part("blocks.{i}.attn.q_proj", Bias::kSwitched);
  row.k = part("blocks.{i}.attn.k_proj", Bias::kSwitched);
  row.v = part("blocks.{i}.attn.v_proj", Bias::kSwitched);
  row.attn_proj = part("blocks.{i}.attn.out_proj", Bias::kSwitched);
  row.ln_2 = part("blocks.{i}.ln2", Bias::kAlways);
  row.fc = part("blocks.{i}.ffn.fc1", Bias::kAlways);
  row.mlp_proj = part("blocks.{i}.ffn.fc2", Bias::kAlways);
  row.ln_f = part("ln_f", Bias::kAlways);
  row.head = part("lm_head", Bias::kNever);
  row.buffers = {"blocks.{i}.attn.mask"};
  row.activation_note =
      "the course's default; {\"gelu\": \"tanh\"} in a config.json says otherwise";
  row.settings_in = {"model_args", "config"};
  row.keys = sizes("vocab_size", "block_size", "n_layer", "n_head", "n_embd");
  row.keys.n_inner_factor = "ffn_mult";
  row.keys.activation = "gelu";
  row.keys.bias = "bias";
  row.keys.tied_head = "tied_lm_head";
  row.default_heads = {{.n_embd = 128, .n_head = 4}};
  return row;
}

// GPT-2's names, as OpenAI gave them; nanoGPT, minGPT and Hugging Face keep them.
Dialect gpt2_names(Bias bias) {
  Dialect row;
  row.prefixes = {"_orig_mod.", "module.", "transformer."};
  row.wte = part("wte", Bias::kNever);
  row.wpe = part("wpe", Bias::kNever);
  row.ln_1 = part("h.{i}.ln_1", bias);
  row.qkv = part("h.{i}.attn.c_attn", bias);
  row.attn_proj = part("h.{i}.attn.c_proj", bias);
  row.ln_2 = part("h.{i}.ln_2", bias);
  row.fc = part("h.{i}.mlp.c_fc", bias);
  row.mlp_proj = part("h.{i}.mlp.c_proj", bias);
  row.ln_f = part("ln_f", bias);
  row.head = part("lm_head", Bias::kNever);
  row.head_may_be_absent = true;
  row.buffers = {"h.{i}.attn.bias", "h.{i}.attn.masked_bias"};
  row.keys = sizes("vocab_size", "block_size", "n_layer", "n_head", "n_embd");
  return row;
}

// github.com/karpathy/nanoGPT: {"model": state_dict, "model_args": {...}, ...}. Its activation was
// the tanh approximation until June 2023 (pull request 274) and is nn.GELU() since; the bias switch
// came in January 2023, so a model_args without it tells the older one.
Dialect nanogpt() {
  Dialect row = gpt2_names(Bias::kSwitched);
  row.name = "nanoGPT";
  row.activation_note =
      "nanoGPT's since June 2023; for an older one put {\"gelu\": \"tanh\"} in a config.json "
      "beside it";
  row.tanh_without = "bias";
  row.settings_in = {"model_args"};
  row.keys.activation = "gelu";
  row.keys.bias = "bias";
  row.clues.settings = "model_args";
  return row;
}

// github.com/karpathy/build-nanogpt: {"model": state_dict, "config": GPTConfig(...), ...}.
Dialect build_nanogpt() {
  Dialect row = gpt2_names(Bias::kAlways);
  row.name = "build-nanogpt";
  row.activation = Activation::kGeluTanh;
  row.settings_in = {"config"};
  row.clues.settings = "config";
  row.clues.keys = {"vocab_size",
                    "block_size"};  // a training run's own "config" has learning rates
  return row;
}

// github.com/karpathy/minGPT: a plain state_dict with the causal masks in it and a head of its own.
// chargpt.py writes a config.json beside it, in which the sizes that a model type implies are null.
Dialect mingpt() {
  Dialect row = gpt2_names(Bias::kAlways);
  row.name = "minGPT";
  row.activation = Activation::kGeluTanh;
  row.head_may_be_absent = false;
  row.config_section = "model";
  row.default_heads = {{.n_embd = 48, .n_head = 3},    // gpt-nano
                       {.n_embd = 128, .n_head = 4},   // gpt-micro
                       {.n_embd = 192, .n_head = 6},   // gpt-mini
                       {.n_embd = 512, .n_head = 16},  // gopher-44m
                       {.n_embd = 1600, .n_head = 25}};
  row.clues.buffers = true;
  row.clues.own_head = true;
  return row;
}

// minGPT before August 2022: separate projections, nn.GELU(), positions as (1, T, C).
Dialect mingpt_2020() {
  Dialect row;
  row.name = "minGPT (2020)";
  row.prefixes = kWrappers;
  row.wte = part("tok_emb", Bias::kNever);
  row.wpe = {"pos_emb", "", Bias::kNever};
  row.ln_1 = part("blocks.{i}.ln1", Bias::kAlways);
  row.q = part("blocks.{i}.attn.query", Bias::kAlways);
  row.k = part("blocks.{i}.attn.key", Bias::kAlways);
  row.v = part("blocks.{i}.attn.value", Bias::kAlways);
  row.attn_proj = part("blocks.{i}.attn.proj", Bias::kAlways);
  row.ln_2 = part("blocks.{i}.ln2", Bias::kAlways);
  row.fc = part("blocks.{i}.mlp.0", Bias::kAlways);
  row.mlp_proj = part("blocks.{i}.mlp.2", Bias::kAlways);
  row.ln_f = part("ln_f", Bias::kAlways);
  row.head = part("head", Bias::kNever);
  row.buffers = {"blocks.{i}.attn.mask"};
  row.keys = sizes("vocab_size", "block_size", "n_layer", "n_head", "n_embd");
  row.default_heads = {{.n_embd = 512, .n_head = 8}};  // play_char.ipynb
  return row;
}

// transformers' GPT2LMHeadModel and GPT2Model: OpenAI's Conv1D orientation, config.json beside it.
// The head's bias is not theirs: Decant writes it for models that have one.
Dialect hugging_face() {
  Dialect row = gpt2_names(Bias::kAlways);
  row.name = "Hugging Face GPT-2";
  row.head = part("lm_head", Bias::kSwitched);
  row.orientation = Orientation::kInOut;
  row.activation = Activation::kGeluTanh;
  row.activation_note = "GPT-2's own; \"activation_function\" in a config.json says otherwise";
  row.keys.block_size = "n_positions";
  row.keys.n_inner = "n_inner";
  row.keys.tied_head = "tie_word_embeddings";
  row.required = {{"model_type", "gpt2"},
                  {"scale_attn_weights", true},
                  {"scale_attn_by_inverse_layer_idx", false},
                  {"reorder_and_upcast_attn", false},
                  {"add_cross_attention", false}};
  return row;
}

// github.com/openai/gpt-2: the variables of its TensorFlow checkpoint, hparams.json beside it.
Dialect openai() {
  const auto variable = [](const std::string& scope, const char* weight) {
    return Part{scope + weight, scope + "/b", Bias::kAlways};
  };
  Dialect row;
  row.name = "OpenAI GPT-2";
  row.prefixes = {"model/"};
  row.wte = {"wte", "", Bias::kNever};
  row.wpe = {"wpe", "", Bias::kNever};
  row.ln_1 = variable("h{i}/ln_1", "/g");
  row.qkv = variable("h{i}/attn/c_attn", "/w");
  row.attn_proj = variable("h{i}/attn/c_proj", "/w");
  row.ln_2 = variable("h{i}/ln_2", "/g");
  row.fc = variable("h{i}/mlp/c_fc", "/w");
  row.mlp_proj = variable("h{i}/mlp/c_proj", "/w");
  row.ln_f = variable("ln_f", "/g");
  row.head_may_be_absent = true;
  row.orientation = Orientation::kInOut;
  row.activation = Activation::kGeluTanh;
  row.keys = sizes("n_vocab", "n_ctx", "n_layer", "n_head", "n_embd");
  return row;
}

// github.com/karpathy/llm.c: one tensor after the other, which its ParameterTensors names; the
// reader adds the layer's number, and the header's sizes as settings.
Dialect llm_c() {
  const auto tensors = [](const std::string& name) {
    return Part{name + "w.{i}", name + "b.{i}", Bias::kAlways};
  };
  Dialect row;
  row.name = "llm.c";
  row.wte = {"wte", "", Bias::kNever};
  row.wpe = {"wpe", "", Bias::kNever};
  row.ln_1 = tensors("ln1");
  row.qkv = tensors("qkv");
  row.attn_proj = tensors("attproj");
  row.ln_2 = tensors("ln2");
  row.fc = tensors("fc");
  row.mlp_proj = tensors("fcproj");
  row.ln_f = {"lnfw", "lnfb", Bias::kAlways};
  row.head_may_be_absent = true;
  row.activation = Activation::kGeluTanh;
  row.settings_in = {"header"};
  row.keys = sizes("vocab_size", "max_seq_len", "num_layers", "num_heads", "channels");
  return row;
}

// github.com/karpathy/ng-video-lecture, gpt.py: a module for each head, and ReLU. Nothing but its
// tensors is in the file.
Dialect video_lecture() {
  Dialect row;
  row.name = "ng-video-lecture";
  row.prefixes = kWrappers;
  row.wte = part("token_embedding_table", Bias::kNever);
  row.wpe = part("position_embedding_table", Bias::kNever);
  row.ln_1 = part("blocks.{i}.ln1", Bias::kAlways);
  row.q = part("blocks.{i}.sa.heads.{j}.query", Bias::kNever);
  row.k = part("blocks.{i}.sa.heads.{j}.key", Bias::kNever);
  row.v = part("blocks.{i}.sa.heads.{j}.value", Bias::kNever);
  row.attn_proj = part("blocks.{i}.sa.proj", Bias::kAlways);
  row.ln_2 = part("blocks.{i}.ln2", Bias::kAlways);
  row.fc = part("blocks.{i}.ffwd.net.0", Bias::kAlways);
  row.mlp_proj = part("blocks.{i}.ffwd.net.2", Bias::kAlways);
  row.ln_f = part("ln_f", Bias::kAlways);
  row.head = part("lm_head", Bias::kAlways);
  row.buffers = {"blocks.{i}.sa.heads.{j}.tril"};
  row.activation = Activation::kRelu;
  row.attention_scale_note =
      "as gpt.py has it today; the video and its first versions divide by that of all channels: "
      "then put {\"attention_scale\": \"n_embd\"} in a config.json beside it";
  row.keys = sizes("vocab_size", "block_size", "n_layer", "n_head", "n_embd");
  row.keys.attention_scale = "attention_scale";
  return row;
}

// "Build a Large Language Model (From Scratch)" (Raschka 2024), GPTModel of its chapter 4.
Dialect from_scratch_book() {
  const auto norm = [](const std::string& module) {
    return Part{module + ".scale", module + ".shift", Bias::kAlways};
  };
  Dialect row;
  row.name = "Build a Large Language Model (From Scratch)";
  row.prefixes = kWrappers;
  row.wte = part("tok_emb", Bias::kNever);
  row.wpe = part("pos_emb", Bias::kNever);
  row.ln_1 = norm("trf_blocks.{i}.norm1");
  row.q = part("trf_blocks.{i}.att.W_query", Bias::kSwitched);
  row.k = part("trf_blocks.{i}.att.W_key", Bias::kSwitched);
  row.v = part("trf_blocks.{i}.att.W_value", Bias::kSwitched);
  row.attn_proj = part("trf_blocks.{i}.att.out_proj", Bias::kAlways);
  row.ln_2 = norm("trf_blocks.{i}.norm2");
  row.fc = part("trf_blocks.{i}.ff.layers.0", Bias::kAlways);
  row.mlp_proj = part("trf_blocks.{i}.ff.layers.2", Bias::kAlways);
  row.ln_f = norm("final_norm");
  row.head = part("out_head", Bias::kNever);
  row.buffers = {"trf_blocks.{i}.att.mask"};
  row.activation = Activation::kGeluTanh;
  row.keys = sizes("vocab_size", "context_length", "n_layers", "n_heads", "emb_dim");
  row.keys.bias = "qkv_bias";
  return row;
}

struct ActivationWord {
  std::string_view word;
  Activation activation;
};

constexpr ActivationWord kActivationWords[] = {
    {"none", Activation::kGelu},  // torch.nn.GELU(approximate="none")
    {"exact", Activation::kGelu},         {"gelu", Activation::kGelu},
    {"gelu_python", Activation::kGelu},   {"tanh", Activation::kGeluTanh},
    {"gelu_tanh", Activation::kGeluTanh}, {"gelu_new", Activation::kGeluTanh},
    {"gelu_fast", Activation::kGeluTanh}, {"gelu_pytorch_tanh", Activation::kGeluTanh},
    {"relu", Activation::kRelu},
};

// The number at the beginning of `text`, which goes on behind it. One name for a number: no zeros
// before it; and no more digits than any model has layers.
std::optional<std::int64_t> take_number(std::string_view& text) {
  const auto is_digit = [](char c) { return '0' <= c && c <= '9'; };
  const auto size =
      static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_digit) - text.begin());
  if (size == 0 || size > 6 || (size > 1 && text[0] == '0')) return std::nullopt;
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + size, number);
  text.remove_prefix(size);
  return number;
}

void put(std::string& name, std::string_view placeholder, std::int64_t number) {
  const std::size_t at = name.find(placeholder);
  if (at != std::string::npos) name.replace(at, placeholder.size(), std::to_string(number));
}

}  // namespace

std::span<const Dialect> dialects() {
  // Where two rows fit equally well, the first is taken.
  static const std::vector<Dialect> table = {
      loss_curve(),   nanogpt(), build_nanogpt(), mingpt(),        mingpt_2020(),
      hugging_face(), openai(),  llm_c(),         video_lecture(), from_scratch_book()};
  return table;
}

bool has_bias(const Part& part, bool switched) {
  return part.has_bias == Bias::kAlways || (part.has_bias == Bias::kSwitched && switched);
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

bool is_per_head(std::string_view name_template) {
  return name_template.find(kHead) != std::string_view::npos;
}

std::string name_of(std::string_view name_template, std::int64_t i, std::int64_t j) {
  std::string name(name_template);
  put(name, kLayer, i);
  put(name, kHead, j);
  return name;
}

std::optional<Place> match(std::string_view name_template, std::string_view name) {
  Place place;
  while (!name_template.empty()) {
    const bool layer = name_template.starts_with(kLayer);
    if (layer || name_template.starts_with(kHead)) {
      const auto number = take_number(name);
      if (!number) return std::nullopt;
      (layer ? place.layer : place.head) = *number;
      name_template.remove_prefix(kLayer.size());
    } else {
      if (name.empty() || name[0] != name_template[0]) return std::nullopt;
      name.remove_prefix(1);
      name_template.remove_prefix(1);
    }
  }
  if (!name.empty()) return std::nullopt;
  return place;
}

std::string_view activation_name(Activation activation) {
  switch (activation) {
    case Activation::kGelu:
      return "gelu";
    case Activation::kGeluTanh:
      return "gelu_tanh";
    case Activation::kRelu:
      return "relu";
  }
  return "";
}

std::optional<Activation> activation_named(std::string_view word) {
  for (const ActivationWord& known : kActivationWords) {
    if (known.word == word) return known.activation;
  }
  return std::nullopt;
}

std::optional<AttentionScale> attention_scale_named(std::string_view word) {
  if (word == "head_size") return AttentionScale::kHeadSize;
  if (word == "n_embd") return AttentionScale::kChannels;
  return std::nullopt;
}

}  // namespace decant
