// The naming schemes of the programs that train GPTs, as data: a new one is a row in dialects.cpp.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "decant/checkpoint.h"

namespace decant {

/// How a matrix of y = x W^T lies in the file: nn.Linear keeps (out, in), Conv1D (in, out).
enum class Orientation { kOutIn, kInOut };

/// Whether a part has a bias. The switched ones of a dialect are there together or not at all.
enum class Bias { kNever, kAlways, kSwitched };

/// A part's names after prefixes are stripped; {i} stands for the layer's number, {j} for the
/// head's where each head has a tensor of its own. No weight: the dialect has no such part.
struct Part {
  std::string weight;
  std::string bias;
  Bias has_bias = Bias::kNever;
};

/// What a config.json or a dict in the file calls each quantity; empty where it has no word for it.
struct SettingKeys {
  std::string vocab_size;
  std::string block_size;
  std::string n_layer;
  std::string n_head;
  std::string n_embd;
  std::string n_inner;
  std::string n_inner_factor;  ///< n_inner / n_embd
  std::string activation;      ///< beside transformers' "activation_function"
  std::string layer_norm_epsilon;
  std::string bias;  ///< the switch of Bias::kSwitched
  std::string tied_head;
  std::string attention_scale;  ///< "head_size" or "n_embd"
};

/// A setting that changes the arithmetic in a way that Decant does not do, unless it has `value`.
struct RequiredSetting {
  std::string key;
  nlohmann::json value;
};

/// What attention's scores are divided by the root of.
enum class AttentionScale { kHeadSize, kChannels };

/// What tells a file of this dialect from one of another with the same names. All of them hold, or
/// it is another's.
struct Clues {
  std::string settings;           ///< a dict or an object of this name lies beside the state_dict
  std::vector<std::string> keys;  ///< and has these
  bool buffers = false;           ///< the dialect's buffers are there
  bool own_head = false;          ///< the head is there, and not a copy of the embedding
};

/// The number of heads of a training program's default configuration of this width.
struct DefaultHeads {
  std::int64_t n_embd = 0;
  std::int64_t n_head = 0;
};

struct Dialect {
  std::string name;
  std::vector<std::string> prefixes;  ///< stripped from names wherever they stand in front
  Part wte, wpe;
  Part ln_1;
  Part qkv;      ///< (3C, C), one after the other; else
  Part q, k, v;  ///< (C, C) each, or (C / heads, C) for each head
  Part attn_proj;
  Part ln_2;
  Part fc, mlp_proj;
  Part ln_f;
  Part head;
  Orientation orientation = Orientation::kOutIn;
  bool head_may_be_absent = false;            ///< then it is the token embedding
  std::vector<std::string> buffers;           ///< constants that the model can make itself
  Activation activation = Activation::kGelu;  ///< where no setting says
  /// What a person should know of that; empty where there is no other kind.
  std::string activation_note;
  /// What clues.settings names was written, where it lacks this key, by a version that had the tanh
  /// approximation.
  std::string tanh_without;
  AttentionScale attention_scale = AttentionScale::kHeadSize;  ///< where no setting says
  std::string attention_scale_note;      ///< what a person should know of that
  double layer_norm_epsilon = 1e-5;      ///< where no setting says
  std::vector<std::string> settings_in;  ///< dicts beside the state_dict, before config.json
  std::string config_section;            ///< the dict in config.json that has them, if not itself
  SettingKeys keys;
  std::vector<RequiredSetting> required;
  std::vector<DefaultHeads> default_heads;
  std::optional<std::int64_t> n_head;  ///< where the dialect itself says
  Clues clues;
};

std::span<const Dialect> dialects();

/// Whether the part has a bias in a file that has the switched ones, or has not.
bool has_bias(const Part& part, bool switched);

/// The parts that `dialect` has, in the order in which the data meets them.
std::vector<const Part*> parts_of(const Dialect& dialect);

/// `name` without the prefixes of `dialect`.
std::string_view strip_prefixes(const Dialect& dialect, std::string_view name);

inline constexpr std::string_view kLayer = "{i}";
inline constexpr std::string_view kHead = "{j}";

bool is_layered(std::string_view name_template);
bool is_per_head(std::string_view name_template);

/// The name in layer `i`, of head `j`.
std::string name_of(std::string_view name_template, std::int64_t i, std::int64_t j = 0);

struct Place {
  std::int64_t layer = 0;
  std::int64_t head = 0;

  bool operator==(const Place&) const = default;
};

/// The layer and the head for which `name_template` gives `name`, if there are any.
std::optional<Place> match(std::string_view name_template, std::string_view name);

/// What a setting's value names, "gelu_new" or "none" or "relu"; nothing for what Decant does not
/// compute.
std::optional<Activation> activation_named(std::string_view word);

/// "head_size" or "n_embd".
std::optional<AttentionScale> attention_scale_named(std::string_view word);

}  // namespace decant
