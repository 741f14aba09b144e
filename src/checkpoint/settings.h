// Looks settings up in config.json and in the dicts of a checkpoint, with checked types.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "tensor_file.h"

namespace decant {

/// A setting that was found, and where, for messages: "config.json: 'n_head'".
template <typename T>
struct Setting {
  T value;
  std::string where;
};

/// The first of several sources that has a key, and a value for it other than null, answers.
/// Throws Error (kMalformed) for a value of another type than the one asked for.
class SettingsReader {
 public:
  explicit SettingsReader(std::vector<Settings> sources) : sources_(std::move(sources)) {}

  // Every key may be empty: then there is no such setting.
  std::optional<Setting<std::int64_t>> integer(const std::string& key) const;
  std::optional<Setting<double>> number(const std::string& key) const;
  std::optional<Setting<bool>> boolean(const std::string& key) const;
  std::optional<Setting<std::string>> text(const std::string& key) const;
  std::optional<Setting<nlohmann::json>> any(const std::string& key) const;

 private:
  std::vector<Settings> sources_;
};

/// Reads a JSON object of a modest size and depth. Throws Error (kIo, kTooLarge, kMalformed).
nlohmann::json read_json_object(const std::filesystem::path& path);

/// The ids of the tokens that begin, end and fill up a text, as far as a config.json has them and
/// they are ids of a vocabulary of this size: {"eos_token_id": 0, ...}.
nlohmann::json read_token_ids(const std::optional<Settings>& config_json, std::int64_t vocab_size);

/// Reads a config.json. Throws Error (kIo, kTooLarge, kMalformed).
Settings read_config_json(const std::filesystem::path& path);

}  // namespace decant
