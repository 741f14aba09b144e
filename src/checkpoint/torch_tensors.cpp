// From a pickle's description to tensors: the state_dict is found, each tensor placed in its
// storage.
#include "torch_tensors.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

namespace decant {
namespace {

// Keys under which training scripts put the state_dict, the first that holds tensors wins. Where
// none does, the root itself is the state_dict, or the one dict in it that holds tensors.
constexpr std::string_view kStateDictKeys[] = {"model", "model_state_dict", "state_dict"};

// A handful of dicts with tens of short entries. What is larger is something else, and, as a pickle
// can name one value many times, copying it would take memory without bound.
constexpr std::size_t kMaxSettings = 16;
constexpr std::size_t kMaxSettingsItems = 2 * 1000;
constexpr std::size_t kMaxSettingsText = 256;

// What a training script saves side by side; a hostile root can name one large dict many times.
constexpr std::size_t kMaxRootKeys = 64;
constexpr std::size_t kShownKeys = 6;  // in a message

struct StorageType {
  std::string_view name;
  std::int64_t size;
  std::optional<DType> dtype;
};

constexpr StorageType kStorageTypes[] = {
    {"FloatStorage", 4, DType::kF32},
    {"HalfStorage", 2, DType::kF16},
    {"BFloat16Storage", 2, DType::kBF16},
    {"DoubleStorage", 8, {}},
    {"LongStorage", 8, {}},
    {"IntStorage", 4, {}},
    {"ShortStorage", 2, {}},
    {"CharStorage", 1, {}},
    {"ByteStorage", 1, {}},
    {"BoolStorage", 1, {}},
    {"ComplexFloatStorage", 8, {}},
    {"ComplexDoubleStorage", 16, {}},
};

// The pickle machine lets no type through that is not here.
const StorageType& type_of(const PickleStorage& storage) {
  return *std::find_if(std::begin(kStorageTypes), std::end(kStorageTypes),
                       [&](const StorageType& known) { return known.name == storage.type; });
}

class TorchReader {
 public:
  TorchReader(const FileBytes& file, const PickleDocument& document,
              const FindStorage& find_storage)
      : file_(file), document_(document), find_storage_(find_storage) {}

  TensorFile read(std::string format) {
    const auto* root = std::get_if<PickleDict>(&document_.root);
    if (root == nullptr) {
      file_.fail(ErrorCode::kUnrecognized,
                 "holds no state_dict: torch.save(model.state_dict(), ...)");
    }
    TensorFile result;
    result.format = std::move(format);
    result.total_bytes = file_.bytes.size();
    add_tensors(find_state_dict(*root), result.tensors);
    add_settings(*root, result.settings);
    return result;
  }

 private:
  static const std::string_view* text(const PickleValue& value) {
    return std::get_if<std::string_view>(&value);
  }

  static const std::string_view* short_text(const PickleValue& value) {
    const std::string_view* found = text(value);
    return found != nullptr && found->size() <= kMaxSettingsText ? found : nullptr;
  }

  bool holds_tensors(const PickleValue& value) const {
    const auto* dict = std::get_if<PickleDict>(&value);
    if (dict == nullptr) return false;
    const auto items = document_.items(*dict);
    for (std::size_t i = 1; i < items.size(); i += 2) {
      if (std::holds_alternative<PickleTensorRef>(items[i])) return true;
    }
    return false;
  }

  PickleDict find_state_dict(PickleDict root) const {
    const auto items = document_.items(root);
    for (const std::string_view wanted : kStateDictKeys) {
      for (std::size_t i = 0; i < items.size(); i += 2) {
        const std::string_view* key = text(items[i]);
        if (key == nullptr || *key != wanted) continue;
        if (holds_tensors(items[i + 1])) return std::get<PickleDict>(items[i + 1]);
        break;  // a hostile root can repeat its keys; one look at each keeps the time linear
      }
    }
    if (holds_tensors(root)) return root;
    const PickleValue* only = nullptr;
    std::string keys;
    for (std::size_t i = 0; i < std::min(items.size(), 2 * kMaxRootKeys); i += 2) {
      const std::string_view* key = short_text(items[i]);
      if (key != nullptr && i < 2 * kShownKeys) keys += (keys.empty() ? "" : ", ") + quote(*key);
      if (!holds_tensors(items[i + 1])) continue;
      if (only != nullptr) {
        file_.fail(ErrorCode::kUnrecognized,
                   "has several dicts of tensors, and none is called model, model_state_dict or "
                   "state_dict: save the one that is the model");
      }
      only = &items[i + 1];
    }
    if (only == nullptr) {
      file_.fail(ErrorCode::kUnrecognized, "holds no state_dict" +
                                               (keys.empty() ? "" : " (its keys: " + keys + ")") +
                                               ": torch.save(model.state_dict(), ...)");
    }
    return std::get<PickleDict>(*only);
  }

  void add_tensors(PickleDict state_dict, std::vector<StoredTensor>& tensors) const {
    std::unordered_set<std::string_view> names;
    const auto items = document_.items(state_dict);
    for (std::size_t i = 0; i < items.size(); i += 2) {
      const auto* reference = std::get_if<PickleTensorRef>(&items[i + 1]);
      if (reference == nullptr) continue;  // an epoch, a module's extra state
      const std::string_view* name = text(items[i]);
      if (name == nullptr) file_.fail(ErrorCode::kMalformed, "holds a tensor without a name");
      if (tensors.size() == kMaxTensors) {
        file_.fail(ErrorCode::kTooLarge,
                   "holds more than " + std::to_string(kMaxTensors) + " tensors");
      }
      if (!names.insert(*name).second) {
        file_.fail(ErrorCode::kMalformed, "tensor " + quote(*name) + " is there twice");
      }
      tensors.push_back(place_tensor(*name, document_.tensors[reference->index]));
    }
  }

  // The one place where a tensor's numbers are checked; from here on they are trusted.
  StoredTensor place_tensor(std::string_view name, const PickleTensor& tensor) const {
    const auto fail = [&](ErrorCode code, const std::string& what) {
      file_.fail(code, "tensor " + quote(name) + ": " + what);
    };
    const PickleStorage& storage = document_.storages[tensor.storage];
    const StorageType& type = type_of(storage);
    const std::optional<std::span<const std::byte>> bytes = find_storage_(storage);
    if (!bytes) {
      fail(ErrorCode::kMalformed, "its storage " + quote(storage.key) + " is not in the file");
    }
    const auto stored = static_cast<std::int64_t>(bytes->size()) / type.size;
    if (storage.count < 0 || storage.count > stored) {
      fail(ErrorCode::kMalformed, "its storage of " + std::to_string(storage.count) +
                                      " elements has " + std::to_string(stored) + " in the file");
    }
    const std::string shape = "the shape " + shape_text(tensor.shape);
    const bool negative = std::any_of(tensor.strides.begin(), tensor.strides.end(),
                                      [](std::int64_t stride) { return stride < 0; });
    const std::optional<std::int64_t> count = element_count(tensor.shape);
    if (negative || tensor.offset < 0 || tensor.shape.size() != tensor.strides.size() ||
        std::any_of(tensor.shape.begin(), tensor.shape.end(),
                    [](std::int64_t size) { return size < 0; })) {
      fail(ErrorCode::kMalformed, shape + " or its place in the storage makes no sense");
    }
    const std::optional<std::int64_t> extent = element_extent(tensor.shape, tensor.strides);
    if (!count || !extent) fail(ErrorCode::kTooLarge, shape + " overflows");
    // A storage may be larger than its tensor, never smaller: an expanded tensor (stride 0) could
    // announce any size.
    if (tensor.offset > storage.count || *extent > storage.count - tensor.offset ||
        *count > storage.count) {
      fail(ErrorCode::kMalformed, shape + " at element " + std::to_string(tensor.offset) +
                                      " reaches past its storage of " +
                                      std::to_string(storage.count) + " elements");
    }
    return {std::string(name), std::string(type.name), type.dtype,
            tensor.shape,      tensor.strides,         bytes->data() + tensor.offset * type.size};
  }

  // Every small dict or object of plain values beside the state_dict: nanoGPT's model_args,
  // build-nanogpt's GPTConfig and the like.
  void add_settings(PickleDict root, std::vector<Settings>& settings) const {
    const auto items = document_.items(root);
    for (std::size_t i = 0; i < items.size() && settings.size() < kMaxSettings; i += 2) {
      const std::string_view* key = short_text(items[i]);
      if (key == nullptr) continue;
      std::span<const PickleValue> named;
      if (const auto* dict = std::get_if<PickleDict>(&items[i + 1])) named = document_.items(*dict);
      if (const auto* config = std::get_if<PickleObject>(&items[i + 1])) {
        named = document_.items(*config);
      }
      if (named.empty() || named.size() > kMaxSettingsItems) continue;
      settings.push_back({std::string(*key), file_.name + ": " + quote(*key), plain_values(named)});
    }
  }

  nlohmann::json plain_values(std::span<const PickleValue> items) const {
    nlohmann::json values = nlohmann::json::object();
    for (std::size_t i = 0; i < items.size(); i += 2) {
      const std::string_view* key = short_text(items[i]);
      if (key == nullptr) continue;
      const std::string name(*key);
      const PickleValue& value = items[i + 1];
      if (const auto* boolean = std::get_if<bool>(&value)) values[name] = *boolean;
      if (const auto* integer = std::get_if<std::int64_t>(&value)) values[name] = *integer;
      if (const auto* real = std::get_if<double>(&value)) values[name] = *real;
      if (const auto* word = short_text(value)) values[name] = std::string(*word);
    }
    return values;
  }

  const FileBytes& file_;
  const PickleDocument& document_;
  const FindStorage& find_storage_;
};

}  // namespace

std::int64_t torch_element_size(const PickleStorage& storage) { return type_of(storage).size; }

TensorFile read_torch_tensors(const FileBytes& file, std::string format,
                              const PickleDocument& document, const FindStorage& find_storage) {
  return TorchReader(file, document, find_storage).read(std::move(format));
}

}  // namespace decant
