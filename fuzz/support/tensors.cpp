#include "support/tensors.h"

#include <set>

#include "support/fuzz.h"

namespace decant::fuzz {
namespace {

// One past the last element that the strides reach. Worked out otherwise than the readers do: no
// step may leave the file on its own, so that nothing here can overflow.
std::size_t extent(const StoredTensor& tensor, std::size_t file_size) {
  std::size_t last = 0;
  for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
    require(tensor.shape[i] >= 0 && tensor.strides[i] >= 0, "sizes and strides are not negative");
    if (tensor.shape[i] == 0) return 0;
  }
  for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
    const auto steps = static_cast<std::size_t>(tensor.shape[i] - 1);
    const auto stride = static_cast<std::size_t>(tensor.strides[i]);
    if (steps == 0 || stride == 0) continue;
    require(steps <= file_size / stride, "a tensor is no larger than its file");
    last += steps * stride;
  }
  return last + 1;
}

void check_place(const FileBytes& file, const StoredTensor& tensor) {
  require(tensor.shape.size() <= kMaxRank, "a tensor has few dimensions");
  require(tensor.shape.size() == tensor.strides.size(), "each dimension has a stride");
  const std::byte* begin = file.bytes.data();
  const std::byte* end = begin + file.bytes.size();
  require(tensor.data >= begin && tensor.data <= end, "a tensor begins inside its file");
  if (!tensor.dtype) return;  // of a type that is not read: nobody knows how large its elements are
  const std::size_t elements = extent(tensor, file.bytes.size());
  if (elements == 0) return;
  const std::size_t bytes = elements * dtype_size(*tensor.dtype);
  require(bytes <= static_cast<std::size_t>(end - tensor.data), "a tensor ends inside its file");
  // Volatile: AddressSanitizer is to see the bytes being read.
  static_cast<void>(*static_cast<const volatile std::byte*>(tensor.data));
  static_cast<void>(*static_cast<const volatile std::byte*>(tensor.data + bytes - 1));
}

}  // namespace

FileBytes as_file(const std::uint8_t* data, std::size_t size) {
  return {"input", std::as_bytes(std::span(data, size))};
}

std::string describe(const FileBytes& file, const TensorFile& tensors) {
  require(tensors.tensors.size() <= kMaxTensors, "there are not too many tensors");
  std::string description = tensors.format;
  std::set<std::string_view> names;
  for (const StoredTensor& tensor : tensors.tensors) {
    require(names.insert(tensor.name).second, "names are unique");
    check_place(file, tensor);
    description += tensor.name + tensor.type + shape_text(tensor.shape) +
                   shape_text(tensor.strides) + std::to_string(tensor.data - file.bytes.data());
  }
  for (const Settings& settings : tensors.settings) {
    // Names of settings come from the file and need not be UTF-8.
    description += settings.name + settings.where +
                   settings.values.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  }
  return description;
}

}  // namespace decant::fuzz
