// Matching a file's names against the rows of the table.
#include "recognize.h"

#include <algorithm>
#include <cstring>
#include <tuple>
#include <utility>

namespace decant {
namespace {

// How well one row of the table fits. Compared in this order.
struct Fit {
  std::size_t names = 0;    // tensors that have a place in it
  bool orientation = true;  // the fused projection does not contradict it
  bool clues = true;        // all of the dialect's are there

  bool operator<(const Fit& other) const {
    return std::tie(names, orientation, clues) <
           std::tie(other.names, other.orientation, other.clues);
  }
};

bool is_buffer(const Dialect& dialect, std::string_view name) {
  return std::any_of(dialect.buffers.begin(), dialect.buffers.end(),
                     [&](const std::string& buffer) { return match(buffer, name).has_value(); });
}

// Where in the model the part's weight or bias is that has this name.
std::optional<Place> match_part(const Part& part, std::string_view name) {
  if (const auto place = match(part.weight, name)) return place;
  if (part.has_bias != Bias::kNever) return match(part.bias, name);
  return std::nullopt;
}

std::optional<Place> match_any(const std::vector<const Part*>& parts, std::string_view name) {
  for (const Part* part : parts) {
    if (const auto place = match_part(*part, name)) return place;
  }
  return std::nullopt;
}

// Neither a part of the dialect nor the scales of one.
bool is_stranger(const Recognized& recognized, const std::vector<const Part*>& parts,
                 std::string_view name) {
  if (match_any(parts, name)) return false;
  if (!name.ends_with(kScaleSuffix)) return true;
  name.remove_suffix(kScaleSuffix.size());
  const StoredTensor* const matrix = recognized.find(std::string(name));
  return matrix == nullptr || matrix->dtype != DType::kI8;
}

// A fused projection is 3 C wide on one side: the longer side is the outputs'.
bool contradicts(const Dialect& dialect, const StoredTensor& tensor) {
  if (tensor.shape.size() != 2 || tensor.shape[0] == tensor.shape[1]) return false;
  const bool out_first = tensor.shape[0] > tensor.shape[1];
  return out_first != (dialect.orientation == Orientation::kOutIn);
}

// Whether it holds the same elements in the same layout, in the same place or another.
bool is_copy(const StoredTensor& a, const StoredTensor& b) {
  if (a.type != b.type || a.shape != b.shape || a.strides != b.strides || !a.dtype) return false;
  if (a.data == b.data) return true;
  const auto extent = static_cast<std::size_t>(*element_extent(a.shape, a.strides));
  return std::memcmp(a.data, b.data, extent * dtype_size(*a.dtype)) == 0;
}

Fit fit(const Dialect& dialect, const TensorFile& file) {
  Fit fit;
  const auto parts = parts_of(dialect);
  bool buffers = false;
  const StoredTensor* wte = nullptr;
  const StoredTensor* head = nullptr;
  for (const StoredTensor& tensor : file.tensors) {
    const std::string_view name = strip_prefixes(dialect, tensor.name);
    if (match_any(parts, name)) ++fit.names;
    if (match(dialect.qkv.weight, name) && contradicts(dialect, tensor)) fit.orientation = false;
    buffers = buffers || is_buffer(dialect, name);
    if (name == dialect.wte.weight) wte = &tensor;
    if (name == dialect.head.weight) head = &tensor;
  }
  const Clues& clues = dialect.clues;
  const bool settings = std::ranges::any_of(file.settings, [&](const Settings& s) {
    return s.name == clues.settings && std::ranges::all_of(clues.keys, [&](const std::string& key) {
             return s.values.contains(key);
           });
  });
  fit.clues = (clues.settings.empty() || settings) && (!clues.buffers || buffers) &&
              (!clues.own_head || (head != nullptr && (wte == nullptr || !is_copy(*head, *wte))));
  return fit;
}

std::string evidence_for(const Recognized& recognized, std::size_t names) {
  const Dialect& dialect = *recognized.dialect;
  const bool fused = !dialect.qkv.weight.empty();
  const auto* tensor = recognized.find(name_of(fused ? dialect.qkv.weight : dialect.q.weight, 0));
  std::string text = std::to_string(names) + " tensors have its names";
  if (tensor != nullptr) {
    text += "; " + quote(tensor->name) + " is " + shape_text(tensor->shape);
    if (fused) {
      text += dialect.orientation == Orientation::kOutIn ? ": (out, in), as in nn.Linear"
                                                         : ": (in, out), as in Conv1D";
    }
  }
  return text;
}

[[noreturn]] void fail_unknown(const FileBytes& file, const TensorFile& tensors,
                               std::span<const Dialect> rows) {
  constexpr std::size_t kShown = 4;
  std::string known;
  for (const Dialect& dialect : rows) known += (known.empty() ? "" : ", ") + dialect.name;
  std::string found;
  for (std::size_t i = 0; i < std::min(kShown, tensors.tensors.size()); ++i) {
    found += (found.empty() ? "" : ", ") + quote(tensors.tensors[i].name);
  }
  if (found.empty()) file.fail(ErrorCode::kUnrecognized, "holds no tensors");
  found += tensors.tensors.size() > kShown ? ", ..." : "";
  if (rows.data() != dialects().data()) {
    file.fail(ErrorCode::kUnrecognized,
              "has tensor names that are not in " + quote(known) + " (--names): " + found);
  }
  file.fail(ErrorCode::kUnrecognized, "has tensor names of no dialect that Decant knows (" + known +
                                          "): " + found +
                                          "; a GPT of GPT-2's kind can be opened with --names");
}

}  // namespace

const StoredTensor* Recognized::find(const std::string& name) const {
  const auto found = by_name.find(name);
  return found == by_name.end() ? nullptr : found->second;
}

Recognized recognize(const FileBytes& file, const TensorFile& tensors,
                     std::span<const Dialect> rows) {
  Recognized result;
  Fit best;
  for (const Dialect& dialect : rows) {
    const Fit candidate = fit(dialect, tensors);
    if (candidate.names == 0 || (result.dialect != nullptr && !(best < candidate))) continue;
    result.dialect = &dialect;
    best = candidate;
  }
  if (result.dialect == nullptr) fail_unknown(file, tensors, rows);

  const auto parts = parts_of(*result.dialect);
  for (const StoredTensor& tensor : tensors.tensors) {
    const std::string_view name = strip_prefixes(*result.dialect, tensor.name);
    if (const auto place = match_any(parts, name)) {
      result.n_layer = std::max(result.n_layer, place->layer + 1);
      result.n_head = std::max(result.n_head, place->head + 1);
    } else if (is_buffer(*result.dialect, name)) {
      result.buffers.push_back(tensor.name);
      continue;
    }
    const auto [twin, is_new] = result.by_name.emplace(name, &tensor);
    if (!is_new) {
      file.fail(ErrorCode::kMalformed, "tensors " + quote(twin->second->name) + " and " +
                                           quote(tensor.name) + " are the same part");
    }
  }
  // One wrong name in a file makes it incomplete; mostly wrong names make it another dialect's.
  const auto strangers =
      static_cast<std::size_t>(std::ranges::count_if(result.by_name, [&](const auto& tensor) {
        return is_stranger(result, parts, tensor.first);
      }));
  if (strangers > best.names) fail_unknown(file, tensors, rows);
  result.evidence = evidence_for(result, best.names);
  return result;
}

bool has_switched_biases(const Recognized& recognized) {
  for (const Part* part : parts_of(*recognized.dialect)) {
    if (part->has_bias != Bias::kSwitched) continue;
    for (const auto& [name, tensor] : recognized.by_name) {
      if (match(part->bias, name)) return true;
    }
  }
  return false;
}

void check_complete(const FileBytes& file, const Recognized& recognized, bool switched_biases,
                    bool own_head) {
  const Dialect& dialect = *recognized.dialect;
  const auto parts = parts_of(dialect);
  const StoredTensor* stranger = nullptr;
  std::size_t strangers = 0;
  for (const auto& [name, tensor] : recognized.by_name) {
    if (!is_stranger(recognized, parts, name)) continue;
    if (stranger == nullptr || tensor < stranger) stranger = tensor;  // the first in the file
    ++strangers;
  }
  // A hostile name can give the last layer any number: what is missing is counted up to a bound.
  constexpr std::size_t kCounted = 1000;
  std::string missing;
  std::size_t misses = 0;
  const auto require = [&](const std::string& name) {
    if (recognized.find(name) != nullptr) return;
    if (misses == 0) missing = name;
    ++misses;
  };
  for (const bool layered : {false, true}) {
    const std::int64_t layers = layered ? recognized.n_layer : 1;
    for (std::int64_t i = 0; i < layers && misses < kCounted; ++i) {
      for (const Part* part : parts) {
        if (is_layered(part->weight) != layered) continue;
        if (part == &dialect.head && !own_head) continue;
        const bool bias = has_bias(*part, switched_biases);
        const std::int64_t heads = is_per_head(part->weight) ? recognized.n_head : 1;
        for (std::int64_t j = 0; j < heads && misses < kCounted; ++j) {
          require(name_of(part->weight, i, j));
          if (bias) require(name_of(part->bias, i, j));
        }
      }
    }
  }
  const auto others = [](std::size_t count) -> std::string {
    if (count < 2) return "";
    if (count >= kCounted) return " (as are hundreds of others)";
    return " (1 of " + std::to_string(count) + ")";
  };
  if (misses > 0) {
    std::string line = "tensor " + quote(missing) + " is missing" + others(misses) +
                       " (dialect: " + dialect.name + ")";
    if (stranger != nullptr) {
      line +=
          "; " + quote(stranger->name) + " is there, which has no place in it" + others(strangers);
    }
    file.fail(ErrorCode::kMissingTensor, line);
  }
  if (stranger != nullptr) {
    file.fail(ErrorCode::kUnexpectedTensor,
              "tensor " + quote(stranger->name) + " has no place in the dialect " + dialect.name +
                  others(strangers) + ": it would change what the model computes");
  }
}

}  // namespace decant
