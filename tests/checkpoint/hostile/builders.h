// Builds checkpoint files byte by byte, right or wrong, for the tests: a safetensors header, a zip
// whose every field can lie, and pickles opcode by opcode.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "decant/error.h"
#include "tensor_file.h"

namespace decant::hostile {

using std::string_literals::operator""s;

template <typename T>
std::string little(T value) {
  std::string bytes(sizeof(T), '\0');
  std::memcpy(bytes.data(), &value, sizeof(T));
  return bytes;
}

inline FileBytes file_bytes(std::string_view bytes, std::string name = "model.pt") {
  return {std::move(name), std::as_bytes(std::span(bytes.data(), bytes.size()))};
}

// ---- safetensors

inline std::string safetensors(const std::string& header, const std::string& data) {
  return little<std::uint64_t>(header.size()) + header + data;
}

/// One F32 tensor: `"name":{...}` for a header.
inline std::string entry(const std::string& name, const std::string& shape,
                         const std::string& offsets, const std::string& dtype = "F32") {
  return "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape +
         ",\"data_offsets\":" + offsets + "}";
}

// ---- zip

struct ZipItem {
  std::string name;
  std::string data;
  // What the directory says, where it is to lie.
  std::uint16_t method = 0;
  std::uint16_t flags = 0;
  std::int64_t size_lie = 0;    ///< added to both sizes
  std::int64_t packed_lie = 0;  ///< added to the packed size alone
  std::int64_t offset_lie = 0;  ///< added to the local header's offset
  std::string local_name = {};  ///< another name in the entry's own header
};

inline std::string zip_end(std::uint16_t entries, std::uint32_t size, std::uint32_t offset) {
  return "PK\x05\x06"s + little<std::uint32_t>(0) + little(entries) + little(entries) +
         little(size) + little(offset) + little<std::uint16_t>(0);
}

inline std::string zip(const std::vector<ZipItem>& items, bool with_zip64 = false) {
  std::string file, directory;
  for (const ZipItem& item : items) {
    const auto offset = static_cast<std::uint32_t>(file.size());
    const std::string& local_name = item.local_name.empty() ? item.name : item.local_name;
    const auto size = static_cast<std::uint32_t>(item.data.size());
    file += "PK\x03\x04"s + little<std::uint16_t>(20) + little(item.flags) + little(item.method) +
            std::string(8, '\0') + little(size) + little(size) +
            little(static_cast<std::uint16_t>(local_name.size())) + little<std::uint16_t>(0) +
            local_name + item.data;
    const auto told = static_cast<std::uint32_t>(size + item.size_lie);
    const auto told_offset = static_cast<std::uint32_t>(offset + item.offset_lie);
    // With zip64, the 32-bit fields say "see the extra field".
    const std::string extra = with_zip64
                                  ? little<std::uint16_t>(1) + little<std::uint16_t>(24) +
                                        little<std::uint64_t>(told) + little<std::uint64_t>(told) +
                                        little<std::uint64_t>(told_offset)
                                  : ""s;
    const std::uint32_t all = 0xffffffff;
    directory += "PK\x01\x02"s + little<std::uint32_t>(0) + little(item.flags) +
                 little(item.method) + std::string(8, '\0') +
                 little(with_zip64 ? all : static_cast<std::uint32_t>(told + item.packed_lie)) +
                 little(with_zip64 ? all : told) +
                 little(static_cast<std::uint16_t>(item.name.size())) +
                 little(static_cast<std::uint16_t>(extra.size())) + std::string(10, '\0') +
                 little(with_zip64 ? all : told_offset) + item.name + extra;
  }
  const auto offset = file.size();
  const auto end = offset + directory.size();
  file += directory;
  if (with_zip64) {
    file += "PK\x06\x06"s + little<std::uint64_t>(44) + little<std::uint32_t>(0) +
            little<std::uint64_t>(0) + little<std::uint64_t>(items.size()) +
            little<std::uint64_t>(items.size()) + little<std::uint64_t>(directory.size()) +
            little<std::uint64_t>(offset) + "PK\x06\x07"s + little<std::uint32_t>(0) +
            little<std::uint64_t>(end) + little<std::uint32_t>(1);
    return file + zip_end(0xffff, 0xffffffff, 0xffffffff);
  }
  return file + zip_end(static_cast<std::uint16_t>(items.size()),
                        static_cast<std::uint32_t>(directory.size()),
                        static_cast<std::uint32_t>(offset));
}

// ---- pickle

const std::string kProto2 = "\x80\x02";

inline std::string text(const std::string& s) {
  return "X" + little(static_cast<std::uint32_t>(s.size())) + s;
}
inline std::string number(std::int32_t n) { return "J" + little(n); }
inline std::string big_number(std::int64_t n) { return "\x8a\x08" + little(n); }
inline std::string global(const std::string& module, const std::string& name) {
  return "c" + module + "\n" + name + "\n";
}
inline std::string tuple(const std::string& items) { return "(" + items + "t"; }
inline std::string dict(const std::string& items) { return "}(" + items + "u"; }

inline std::string storage(const std::string& key, const std::string& count,
                           const std::string& type = "FloatStorage") {
  return tuple(text("storage") + global("torch", type) + text(key) + text("cpu") + count) + "Q";
}

/// Shape and strides are pickled numbers, one after the other.
inline std::string tensor(const std::string& storage, const std::string& shape,
                          const std::string& strides, const std::string& offset = number(0)) {
  return global("torch._utils", "_rebuild_tensor_v2") +
         tuple(storage + offset + tuple(shape) + tuple(strides) + "\x89" +
               global("collections", "OrderedDict") + ")R") +
         "R";
}

/// What torch.save would write for a pickle whose storage '0' has `data` for its bytes.
inline std::string torch_zip(const std::string& pickle, const std::string& data = "") {
  return zip({{"model/data.pkl", pickle}, {"model/data/0", data}});
}

/// A state_dict with the one tensor "w".
inline std::string state_dict(const std::string& tensor) {
  return kProto2 + dict(text("w") + tensor) + ".";
}

// ---- Expectations

/// What `act` throws; fails the test where it throws nothing. Any other exception gets out.
template <typename Act>
Error error_of(Act act) {
  try {
    act();
  } catch (const Error& error) {
    EXPECT_EQ(std::string_view(error.what()).find('\n'), std::string_view::npos) << error.what();
    return error;
  }
  ADD_FAILURE() << "nothing was thrown";
  return {ErrorCode::kIo, ""};
}

inline void expect_error(std::string_view bytes, ErrorCode code, const std::string& message) {
  const Error error = error_of([&] { read_tensor_file(file_bytes(bytes)); });
  EXPECT_EQ(error.code(), code) << error.what();
  EXPECT_THAT(error.what(), testing::HasSubstr(message));
}

}  // namespace decant::hostile
