// Numbers and text, in each of protocols 2 to 5.
#include "pickle_input.h"

#include <bit>

#include "pickle_opcodes.h"

namespace decant {

PickleInput::PickleInput(const FileBytes& file, std::span<const std::byte> pickle)
    : file_(file), bytes_(reinterpret_cast<const char*>(pickle.data()), pickle.size()) {}

void PickleInput::fail(ErrorCode code, const std::string& what) const {
  file_.fail(code, "the pickle in it " + what);
}

void PickleInput::malformed(const std::string& what) const {
  fail(ErrorCode::kMalformed, what + " (before its byte " + std::to_string(at_) + ")");
}

std::string_view PickleInput::take(std::uint64_t count) {
  if (count > bytes_.size() - at_) fail(ErrorCode::kTruncated, "ends in the middle");
  const std::string_view bytes = bytes_.substr(at_, count);
  at_ += count;
  return bytes;
}

std::string_view PickleInput::take_line() {
  const std::size_t end = bytes_.find('\n', at_);
  if (end == std::string_view::npos) fail(ErrorCode::kTruncated, "ends in the middle");
  const std::string_view line = take(end - at_);
  ++at_;
  return line;
}

double PickleInput::take_double() {  // the one number in a pickle that is big-endian
  std::uint64_t bits = 0;
  for (const char c : take(8)) bits = bits << 8 | static_cast<unsigned char>(c);
  return std::bit_cast<double>(bits);
}

PickleValue PickleInput::take_long(std::uint64_t size) {
  const std::string_view digits = take(size);
  if (size > sizeof(std::int64_t)) return PickleOpaque{};
  std::uint64_t bits = 0;
  std::memcpy(&bits, digits.data(), size);
  if (size == 0) return std::int64_t{0};
  const unsigned shift = static_cast<unsigned>(64 - 8 * size);
  return static_cast<std::int64_t>(bits << shift) >> shift;  // extends the sign
}

std::optional<PickleValue> PickleInput::take_scalar(std::uint8_t opcode) {
  switch (opcode) {
    case kNone:
      return PickleNone{};
    case kNewTrue:
      return true;
    case kNewFalse:
      return false;
    case kBinInt:
      return std::int64_t{take<std::int32_t>()};
    case kBinInt1:
      return std::int64_t{take<std::uint8_t>()};
    case kBinInt2:
      return std::int64_t{take<std::uint16_t>()};
    case kLong1:
      return take_long(take<std::uint8_t>());
    case kLong4:
      return take_long(take<std::uint32_t>());
    case kBinFloat:
      return take_double();
    case kShortBinUnicode:
    case kShortBinString:  // Python 2's str
      return take(take<std::uint8_t>());
    case kBinUnicode:
    case kBinString:
      return take(take<std::uint32_t>());
    case kBinUnicode8:
      return take(take<std::uint64_t>());
    case kShortBinBytes:
      return PickleBytes{take(take<std::uint8_t>())};
    case kBinBytes:
      return PickleBytes{take(take<std::uint32_t>())};
    case kBinBytes8:
    case kByteArray8:
      return PickleBytes{take(take<std::uint64_t>())};
    default:
      return std::nullopt;
  }
}

}  // namespace decant
