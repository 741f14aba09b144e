// The bytes of a pickle in order, and the values that stand in them whole: numbers and text.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "pickle.h"

namespace decant {

class PickleInput {
 public:
  PickleInput(const FileBytes& file, std::span<const std::byte> pickle);

  /// The next `count` bytes. Throws Error (kTruncated).
  std::string_view take(std::uint64_t count);

  template <typename T>
  T take() {
    T value;
    std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
    return value;
  }

  /// Up to the next '\n', which goes too. Throws Error (kTruncated).
  std::string_view take_line();

  /// What `opcode`, just taken, stands for, where it is a number, text, bytes or None; nothing
  /// otherwise. Throws Error (kTruncated).
  std::optional<PickleValue> take_scalar(std::uint8_t opcode);

  std::string_view rest() const { return bytes_.substr(at_); }
  std::size_t position() const { return at_; }

  [[noreturn]] void fail(ErrorCode code, const std::string& what) const;
  [[noreturn]] void malformed(const std::string& what) const;

 private:
  double take_double();
  PickleValue take_long(std::uint64_t size);

  const FileBytes& file_;
  std::string_view bytes_;
  std::size_t at_ = 0;
};

}  // namespace decant
