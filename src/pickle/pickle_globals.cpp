// The table of allowed globals, and the hints.
#include "pickle_globals.h"

#include <algorithm>
#include <iterator>

#include "pickle_opcodes.h"

namespace decant {
namespace {

// All that the description of tensors ever mentions, and what settings saved with them often hold.
constexpr KnownGlobal kKnownGlobals[] = {
    {"collections", "OrderedDict", Callable::kOrderedDict},
    {"torch._utils", "_rebuild_tensor_v2", Callable::kRebuildTensor},
    {"torch._utils", "_rebuild_parameter", Callable::kRebuildParameter},
    {"torch", "FloatStorage", Callable::kStorage},
    {"torch", "HalfStorage", Callable::kStorage},
    {"torch", "BFloat16Storage", Callable::kStorage},
    {"torch", "DoubleStorage", Callable::kStorage},
    {"torch", "LongStorage", Callable::kStorage},
    {"torch", "IntStorage", Callable::kStorage},
    {"torch", "ShortStorage", Callable::kStorage},
    {"torch", "CharStorage", Callable::kStorage},
    {"torch", "ByteStorage", Callable::kStorage},
    {"torch", "BoolStorage", Callable::kStorage},
    {"torch", "ComplexFloatStorage", Callable::kStorage},
    {"torch", "ComplexDoubleStorage", Callable::kStorage},
    {"torch", "float32", Callable::kDtype},
    {"torch", "bfloat16", Callable::kDtype},
    {"torch", "float16", Callable::kDtype},
    {"torch", "float64", Callable::kDtype},
    {"torch", "Size", Callable::kUnused},
    {"torch", "device", Callable::kUnused},
    {"pathlib", "PosixPath", Callable::kUnused},
    {"pathlib", "WindowsPath", Callable::kUnused},
    {"pathlib._local", "PosixPath", Callable::kUnused},  // Python 3.13
    {"pathlib._local", "WindowsPath", Callable::kUnused},
};

}  // namespace

std::optional<std::uint32_t> find_global(std::string_view module, std::string_view name) {
  const auto* found = std::find_if(
      std::begin(kKnownGlobals), std::end(kKnownGlobals),
      [&](const KnownGlobal& global) { return global.module == module && global.name == name; });
  if (found == std::end(kKnownGlobals)) return std::nullopt;
  return static_cast<std::uint32_t>(found - std::begin(kKnownGlobals));
}

const KnownGlobal& known_global(std::uint32_t number) { return kKnownGlobals[number]; }

bool makes_object(std::string_view rest) {
  if (rest.starts_with(static_cast<char>(kMemoize))) {
    rest.remove_prefix(1);
  } else if (rest.starts_with(static_cast<char>(kBinPut))) {
    rest.remove_prefix(std::min<std::size_t>(2, rest.size()));
  } else if (rest.starts_with(static_cast<char>(kLongBinPut))) {
    rest.remove_prefix(std::min<std::size_t>(5, rest.size()));
  }
  return rest.starts_with(")\x81");  // an empty tuple of arguments, NEWOBJ
}

std::string_view forbidden_hint(std::string_view module, std::string_view rest, bool is_root) {
  if (is_root && makes_object(rest)) {
    return "a whole module was pickled; save model.state_dict() instead";
  }
  if (module.starts_with("numpy")) {
    return "NumPy values were saved with the weights; turn them into Python numbers first";
  }
  return "a state_dict never needs that: save model.state_dict() alone, and do not trust a file "
         "that is not your own";
}

}  // namespace decant
