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

/// A part's names after prefixes are stripped; {i} stands for the layer's number. No weight: the
/// dialect has no such part.
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
  std::string gelu;
  std::string layer_norm_epsilon;
  std::string bias;  ///< the switch of Bias::kSwitched
  std::string tied_head;
};

/// A setting that changes the arithmetic in a way that Decant does not do, unless it has `value`.
struct RequiredSetting {
  std::string key;
  nlohmann::json value;
};

struct Dialect {
  std::string name;
  std::vector<std::string> prefixes;  ///< stripped from names wherever they stand in front
  Part wte, wpe;
  Part ln_1;
  Part qkv;      ///< (3C, C), one after the other; else
  Part q, k, v;  ///< (C, C) each
  Part attn_proj;
  Part ln_2;
  Part fc, mlp_proj;
  Part ln_f;
  Part head;
  Orientation orientation = Orientation::kOutIn;
  bool head_may_be_absent = false;   ///< then it is the token embedding
  std::vector<std::string> buffers;  ///< constants that the model can make itself
  Gelu gelu = Gelu::kExact;          ///< where no setting says
  std::string gelu_note;             ///< what a person should know of that default
  /// Settings that lack this key were written by a version that had the tanh approximation.
  std::string tanh_without;
  std::vector<std::string> settings_in;  ///< dicts beside the state_dict, before config.json
  SettingKeys keys;
  std::vector<RequiredSetting> required;
  /// The heads of the dialect's default configuration, which a file of its width is taken to have.
  std::int64_t default_n_embd = 0;
  std::int64_t default_n_head = 0;
};

std::span<const Dialect> dialects();

/// The parts that `dialect` has, in the order in which the data meets them.
std::vector<const Part*> parts_of(const Dialect& dialect);

/// `name` without the prefixes of `dialect`.
std::string_view strip_prefixes(const Dialect& dialect, std::string_view name);

bool is_layered(std::string_view name_template);

/// The name of layer `i`.
std::string name_of(std::string_view name_template, std::int64_t i);

/// The layer for which `name_template` gives `name` (0 where it is not layered), if there is one.
std::optional<std::int64_t> match(std::string_view name_template, std::string_view name);

/// The GELU that a setting's value names, "gelu_new" or "none"; nothing for another activation.
std::optional<Gelu> gelu_named(std::string_view word);

}  // namespace decant
