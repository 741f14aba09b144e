// The wall between C and C++: every exception becomes a status and a message, every argument is
// checked, and what a caller gets to own is allocated in one way.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "decant/decant.h"
#include "decant/types.h"

namespace decant::c {

/// A call that is wrong in itself: what no C++ caller could write.
struct BadCall {
  std::string message;
};

/// The status of the exception that is being handled; its message becomes the thread's last error.
decant_status report_exception() noexcept;

void set_last_error(std::string_view message) noexcept;

/// Runs `body`, and lets no exception out.
template <typename Body>
decant_status guarded(const Body& body) noexcept {
  try {
    body();
    return DECANT_OK;
  } catch (...) {
    return report_exception();
  }
}

template <typename Pointee>
Pointee& need(Pointee* pointer, const char* name) {
  if (pointer == nullptr) throw BadCall{std::string(name) + " is NULL"};
  return *pointer;
}

/// Where a result goes: empty until there is one, whatever happens in between.
template <typename Value>
Value& output(Value* place, const char* name) {
  need(place, name) = {};
  return *place;
}

/// Throws BadCall for a size that no array can have.
void check_size(std::size_t size, std::size_t element_size, const char* name);

template <typename Element>
std::span<const Element> array(const Element* data, std::size_t size, const char* name) {
  check_size(size, sizeof(Element), name);
  if (size > 0) need(data, name);
  return {data, size};
}

inline std::string_view text(const char* data, std::size_t size, const char* name) {
  const std::span<const char> bytes = array(data, size, name);
  return {bytes.data(), bytes.size()};
}

std::filesystem::path file_path(const char* path, std::size_t path_size);

/// Owned outputs: a copy for decant_free(), followed by a NUL where it is text.
void give(std::string_view text, char*& data, std::size_t& size);
void give(std::span<const TokenId> tokens, std::int32_t*& data, std::size_t& size);

/// Throws BadCall unless `size` is one that a header of any version could have: a multiple of the
/// struct's alignment, which no member straddles.
void check_struct_size(std::size_t size, std::size_t alignment, const char* name);
void check_unknown_members(const char* begin, const char* end, const char* name);

/// The caller's struct as this version knows it: members that an older caller lacks are 0, and a
/// newer caller's must be.
template <typename Struct>
Struct read_struct(const Struct* given, const char* name) {
  // A member that is added later must not fill what is padding today, and so holds anything.
  static_assert(sizeof(void*) < 8 || std::has_unique_object_representations_v<Struct>);
  const std::size_t size = need(given, name).struct_size;
  check_struct_size(size, alignof(Struct), name);
  const char* bytes = reinterpret_cast<const char*>(given);
  Struct known{};
  std::memcpy(&known, bytes, std::min(size, sizeof known));
  if (size > sizeof known) check_unknown_members(bytes + sizeof known, bytes + size, name);
  return known;
}

/// A struct for results: checked and emptied first, so that the caller finds nothing stale in it.
template <typename Struct>
class OutputStruct {
 public:
  OutputStruct(Struct* place, const char* name)
      : place_(place), size_(need(place, name).struct_size) {
    check_struct_size(size_, alignof(Struct), name);
    write({});
  }

  /// Fills as many members as the caller's version has.
  void write(Struct value) const {
    value.struct_size = size_;
    std::memcpy(static_cast<void*>(place_), &value, std::min(size_, sizeof value));
  }

 private:
  Struct* place_;
  std::size_t size_;
};

}  // namespace decant::c
