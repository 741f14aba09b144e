// Reader of Python pickles that can only describe data: None, booleans, numbers, strings, bytes,
// tuples, lists, dicts, the attributes of plain objects, and PyTorch tensors. It has no way to call
// anything, so a pickle that wants to is refused by name.
// Format: Python's Lib/pickletools.py, protocols 2 to 5, and torch/_utils.py for the tensors.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "file_bytes.h"

namespace decant {

/// Values refer to each other by index, so a list that holds itself costs nothing and leaks
/// nothing.
struct PickleNone {};
struct PickleBytes {
  std::string_view bytes;
};
struct PickleTuple {
  std::uint32_t index;
};
struct PickleList {
  std::uint32_t index;
};
struct PickleDict {
  std::uint32_t index;
};
/// An instance of a class that is not known, a training script's GPTConfig for one: its attributes,
/// as a dict has its items.
struct PickleObject {
  std::uint32_t index;
};
/// The class of a PickleObject.
struct PickleClass {};
struct PickleStorageRef {
  std::uint32_t index;
};
struct PickleTensorRef {
  std::uint32_t index;
};
/// Harmless and of no use here: an integer of more than 64 bits, a device, a path.
struct PickleOpaque {};
/// One of the few functions and types that a pickle may name (pickle_globals.cpp lists them).
struct PickleGlobal {
  std::uint32_t known;
};

using PickleValue =
    std::variant<PickleNone, bool, std::int64_t, double, std::string_view, PickleBytes, PickleTuple,
                 PickleList, PickleDict, PickleGlobal, PickleStorageRef, PickleTensorRef,
                 PickleObject, PickleClass, PickleOpaque>;

/// A flat run of numbers that tensors are views of. Its bytes stand elsewhere, under `key`.
struct PickleStorage {
  std::string_view type;  ///< "FloatStorage"
  std::string_view key;
  std::int64_t count = 0;  ///< elements
};

/// As announced: nothing has been checked but that the numbers are numbers.
struct PickleTensor {
  std::uint32_t storage = 0;
  std::int64_t offset = 0;  ///< in elements
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> strides;
};

/// What a pickle described. Strings are views of the pickle's bytes.
struct PickleDocument {
  PickleValue root;
  std::size_t size = 0;                              ///< bytes, up to the end of the STOP opcode
  std::vector<std::vector<PickleValue>> containers;  ///< a dict is key, value, key, value, ...
  std::vector<PickleStorage> storages;
  std::vector<PickleTensor> tensors;

  template <typename Container>  // PickleTuple, PickleList, PickleDict or PickleObject
  std::span<const PickleValue> items(Container container) const {
    return containers[container.index];
  }
};

/// Reads the pickle at the beginning of `pickle`, part of `file`. Time is linear in its length, and
/// memory some 16 MB more than `memory`, which is twice the file's size and 32 MB where it is not
/// given. Throws Error (kTruncated, kMalformed, kUnsupported, kForbidden, kTooLarge).
PickleDocument read_pickle(const FileBytes& file, std::span<const std::byte> pickle,
                           std::optional<std::uint64_t> memory = {});

}  // namespace decant
