// A tiny GPT's tensors in memory, by name and shape, for tests that take one out, add or bend one.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "bind.h"
#include "hostile/builders.h"

namespace decant {

using Shape = std::vector<std::int64_t>;

struct ModelBuilder {
  std::map<std::string, Shape> shapes;
  std::map<std::string, DType> dtypes;  // of those that are not F32
  std::vector<Settings> settings;
  std::optional<Settings> config_json;
  CheckpointOptions options = {.n_head = 2};
  bool own_head = true;
  std::vector<std::byte> data = std::vector<std::byte>(1 << 16);

  void config(const char* json) {
    config_json = Settings{"config.json", "config.json", nlohmann::json::parse(json)};
  }

  void rename(const std::string& from, const std::string& to) {
    shapes[to] = shapes[from];
    shapes.erase(from);
  }

  /// Tensors lie one after the other and hold zeros, but for the head's first value: it is its own.
  TensorFile build() {
    TensorFile file;
    file.settings = settings;
    file.total_bytes = data.size();
    const std::byte* at = data.data();
    for (const auto& [name, shape] : shapes) {
      if (own_head && name.find("lm_head") != std::string::npos) {
        const float one = 1;
        std::memcpy(data.data() + (at - data.data()), &one, sizeof(one));
      }
      const DType dtype = dtypes.contains(name) ? dtypes.at(name) : DType::kF32;
      file.tensors.push_back(
          {name, std::string(dtype_name(dtype)), dtype, shape, row_major_strides(shape), at});
      at += element_count(shape).value_or(0) * 4;
    }
    return file;
  }

  Bound bind() {
    const TensorFile file = build();
    return bind_gpt({"model.pt", data}, file, config_json, options);
  }

  Error error() {
    return hostile::error_of([&] { bind(); });
  }
};

// V = 5, T = 3, C = 4, I = 16, two layers

inline ModelBuilder course_model(bool bias = false) {
  ModelBuilder model;
  model.shapes = {{"tok_emb.weight", {5, 4}},
                  {"pos_emb.weight", {3, 4}},
                  {"ln_f.weight", {4}},
                  {"ln_f.bias", {4}},
                  {"lm_head.weight", {5, 4}}};
  for (const std::string i : {"0", "1"}) {
    const std::string block = "blocks." + i + ".";
    for (const char* norm : {"ln1", "ln2"}) {
      model.shapes[block + norm + ".weight"] = {4};
      model.shapes[block + norm + ".bias"] = {4};
    }
    for (const char* projection : {"q_proj", "k_proj", "v_proj", "out_proj"}) {
      model.shapes[block + "attn." + projection + ".weight"] = {4, 4};
      if (bias) model.shapes[block + "attn." + projection + ".bias"] = {4};
    }
    model.shapes[block + "ffn.fc1.weight"] = {16, 4};
    model.shapes[block + "ffn.fc1.bias"] = {16};
    model.shapes[block + "ffn.fc2.weight"] = {4, 16};
    model.shapes[block + "ffn.fc2.bias"] = {4};
  }
  return model;
}

inline ModelBuilder gpt2_model(bool conv1d, bool bias = true,
                               const std::string& prefix = "transformer.") {
  ModelBuilder model;
  model.shapes = {{prefix + "wte.weight", {5, 4}}, {prefix + "wpe.weight", {3, 4}}};
  const auto norm = [&](const std::string& name) {
    model.shapes[prefix + name + ".weight"] = {4};
    if (bias) model.shapes[prefix + name + ".bias"] = {4};
  };
  const auto linear = [&](const std::string& name, std::int64_t out, std::int64_t in) {
    model.shapes[prefix + name + ".weight"] = conv1d ? Shape{in, out} : Shape{out, in};
    if (bias) model.shapes[prefix + name + ".bias"] = {out};
  };
  for (const std::string layer : {"h.0.", "h.1."}) {
    norm(layer + "ln_1");
    norm(layer + "ln_2");
    linear(layer + "attn.c_attn", 12, 4);
    linear(layer + "attn.c_proj", 4, 4);
    linear(layer + "mlp.c_fc", 16, 4);
    linear(layer + "mlp.c_proj", 4, 16);
  }
  norm("ln_f");
  return model;
}

}  // namespace decant
