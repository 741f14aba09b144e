// The allow-list: the few functions and types that a pickle may name, and what to say of the
// others. None is ever run. Source: torch/_utils.py and torch/storage.py.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace decant {

enum class Callable {
  kOrderedDict,
  kRebuildTensor,
  kRebuildParameter,
  kStorage,  ///< never called: it is an item of a storage's description
  kDtype,    ///< never called: a value
  kUnused,   ///< makes what training scripts keep beside the weights and no model needs
};

struct KnownGlobal {
  std::string_view module;
  std::string_view name;
  Callable callable;
};

/// The number of an allowed global, for known_global().
std::optional<std::uint32_t> find_global(std::string_view module, std::string_view name);

const KnownGlobal& known_global(std::uint32_t number);

/// Whether the opcodes after a global's name make an object of that class without arguments: what
/// pickling a module, a dataclass or any other plain instance looks like.
bool makes_object(std::string_view rest);

/// What a person should do about a file that names a global of `module` which is not allowed.
/// `rest` is the pickle after the name; `is_root`: the global is not part of anything yet.
std::string_view forbidden_hint(std::string_view module, std::string_view rest, bool is_root);

}  // namespace decant
