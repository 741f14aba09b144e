// JSON from files that nobody vouches for: as a document within bounds, or as events.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

namespace decant {

/// A document of limited depth and number of values, without an object that has a key twice. Throws
/// Error (kIo, kTooLarge, kTruncated, kMalformed).
nlohmann::json read_json(const std::filesystem::path& path);

/// Sends a file through `events`, which needs no memory: for vocabularies, which are long and flat.
/// Throws as read_json() does, and what `events` throws.
void read_json(const std::filesystem::path& path, nlohmann::json::json_sax_t& events);

/// A value for an error message: `an array`, `'text'`, `1.5`.
std::string shown(const nlohmann::json& value);

}  // namespace decant
