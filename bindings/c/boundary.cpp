#include "boundary.h"

#include <algorithm>
#include <cstdint>
#include <exception>
#include <new>

#include "decant/error.h"

namespace decant::c {
namespace {

// A message that cannot be kept, for want of memory, is told apart from none.
struct LastError {
  std::string message;
  bool lost = false;

  std::string_view view() const { return lost ? "out of memory" : std::string_view(message); }
};
thread_local LastError last_error;

// Far beyond any version's structs: larger is memory that nobody has set.
constexpr std::size_t kLargestStruct = 4096;

// Written out, as the numbers in decant.h never change and the order in error.h may.
decant_status status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kIo:
      return DECANT_ERROR_IO;
    case ErrorCode::kUnrecognized:
      return DECANT_ERROR_UNRECOGNIZED;
    case ErrorCode::kTruncated:
      return DECANT_ERROR_TRUNCATED;
    case ErrorCode::kMalformed:
      return DECANT_ERROR_MALFORMED;
    case ErrorCode::kUnsupported:
      return DECANT_ERROR_UNSUPPORTED;
    case ErrorCode::kForbidden:
      return DECANT_ERROR_FORBIDDEN;
    case ErrorCode::kTooLarge:
      return DECANT_ERROR_TOO_LARGE;
    case ErrorCode::kMissingTensor:
      return DECANT_ERROR_MISSING_TENSOR;
    case ErrorCode::kUnexpectedTensor:
      return DECANT_ERROR_UNEXPECTED_TENSOR;
    case ErrorCode::kShapeMismatch:
      return DECANT_ERROR_SHAPE_MISMATCH;
    case ErrorCode::kInvalidWeights:
      return DECANT_ERROR_INVALID_WEIGHTS;
    case ErrorCode::kInvalidLogits:
      return DECANT_ERROR_INVALID_LOGITS;
    case ErrorCode::kNoCandidates:
      return DECANT_ERROR_NO_CANDIDATES;
    case ErrorCode::kInvalidToken:
      return DECANT_ERROR_INVALID_TOKEN;
    case ErrorCode::kInvalidOption:
      return DECANT_ERROR_INVALID_OPTION;
    case ErrorCode::kContextFull:
      return DECANT_ERROR_CONTEXT_FULL;
    case ErrorCode::kInvalidPrompt:
      return DECANT_ERROR_INVALID_PROMPT;
  }
  return DECANT_ERROR_INTERNAL;
}

decant_status fail(decant_status status, std::string_view message) noexcept {
  set_last_error(message);
  return status;
}

}  // namespace

void set_last_error(std::string_view message) noexcept {
  try {
    last_error.message = message;
    last_error.lost = false;
  } catch (const std::bad_alloc&) {
    last_error.lost = true;
  }
}

decant_status report_exception() noexcept {
  try {
    throw;
  } catch (const BadCall& error) {
    return fail(DECANT_ERROR_INVALID_ARGUMENT, error.message);
  } catch (const Error& error) {
    return fail(status_of(error.code()), error.what());
  } catch (const std::bad_alloc&) {
    return fail(DECANT_ERROR_OUT_OF_MEMORY, "out of memory");
  } catch (const std::exception& error) {
    return fail(DECANT_ERROR_INTERNAL, error.what());
  } catch (...) {
    return fail(DECANT_ERROR_INTERNAL, "an exception of an unknown type");
  }
}

void check_size(std::size_t size, std::size_t element_size, const char* name) {
  if (size > PTRDIFF_MAX / element_size) {
    throw BadCall{std::string(name) + " has a size of " + std::to_string(size) +
                  ", which no array can have"};
  }
}

std::filesystem::path file_path(const char* path, std::size_t path_size) {
  const std::string_view name = text(path, path_size, "path");
  if (name.find('\0') != name.npos) throw BadCall{"path has a NUL within its size"};
  return name;
}

void give(std::string_view text, char*& data, std::size_t& size) {
  data = static_cast<char*>(::operator new(text.size() + 1));
  std::ranges::copy(text, data);
  data[text.size()] = '\0';
  size = text.size();
}

void give(std::span<const TokenId> tokens, std::int32_t*& data, std::size_t& size) {
  data = static_cast<std::int32_t*>(::operator new(tokens.size_bytes()));
  std::ranges::copy(tokens, data);
  size = tokens.size();
}

void check_struct_size(std::size_t size, std::size_t alignment, const char* name) {
  if (size == 0 || size % alignment != 0 || size > kLargestStruct) {
    throw BadCall{std::string(name) + "->struct_size is " + std::to_string(size) +
                  ": set it to the sizeof of the struct"};
  }
}

void check_unknown_members(const char* begin, const char* end, const char* name) {
  if (std::any_of(begin, end, [](char byte) { return byte != 0; })) {
    throw BadCall{std::string(name) +
                  " has a member set that this version of the library does not know"};
  }
}

}  // namespace decant::c

extern "C" {

const char* decant_version() noexcept { return DECANT_VERSION; }

const char* decant_last_error(size_t* size) noexcept {
  const std::string_view message = decant::c::last_error.view();
  if (size != nullptr) *size = message.size();
  return message.data();
}

void decant_free(void* owned) noexcept { ::operator delete(owned); }

}  // extern "C"
