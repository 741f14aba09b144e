// The typed look-ups over JSON values, whose own exceptions never get out of this file.
#include "settings.h"

#include <algorithm>

#include "file.h"

namespace decant {
namespace {

using nlohmann::json;

// Real ones have 1 or 2 KB; as a tree in memory, JSON can take a hundred times its size.
constexpr std::size_t kMaxConfig = 256 << 10;
constexpr int kMaxDepth = 32;  // copies and messages recurse

[[noreturn]] void wrong_type(const Setting<json>& found, const char* wanted) {
  const std::string value = found.value.dump(-1, ' ', true, json::error_handler_t::replace);
  throw Error(ErrorCode::kMalformed, found.where + " is " + quote(value) + ", not " + wanted);
}

bool deeper_than(int levels, const json& value) {
  if (!value.is_structured()) return false;
  return levels == 0 || std::any_of(value.begin(), value.end(), [&](const json& member) {
           return deeper_than(levels - 1, member);
         });
}

}  // namespace

std::optional<Setting<json>> SettingsReader::any(const std::string& key) const {
  if (key.empty()) return std::nullopt;
  for (const Settings& source : sources_) {
    const auto found = source.values.find(key);
    if (found == source.values.end() || found->is_null()) continue;
    return Setting<json>{*found, source.where + ": " + quote(key)};
  }
  return std::nullopt;
}

std::optional<Setting<std::int64_t>> SettingsReader::integer(const std::string& key) const {
  const auto found = any(key);
  if (!found) return std::nullopt;
  if (!found->value.is_number_integer()) wrong_type(*found, "a whole number");
  return Setting<std::int64_t>{found->value.get<std::int64_t>(), found->where};
}

std::optional<Setting<double>> SettingsReader::number(const std::string& key) const {
  const auto found = any(key);
  if (!found) return std::nullopt;
  if (!found->value.is_number()) wrong_type(*found, "a number");
  return Setting<double>{found->value.get<double>(), found->where};
}

std::optional<Setting<bool>> SettingsReader::boolean(const std::string& key) const {
  const auto found = any(key);
  if (!found) return std::nullopt;
  if (!found->value.is_boolean()) wrong_type(*found, "true or false");
  return Setting<bool>{found->value.get<bool>(), found->where};
}

std::optional<Setting<std::string>> SettingsReader::text(const std::string& key) const {
  const auto found = any(key);
  if (!found) return std::nullopt;
  if (!found->value.is_string()) wrong_type(*found, "text");
  return Setting<std::string>{found->value.get<std::string>(), found->where};
}

json read_json_object(const std::filesystem::path& path) {
  const std::string text = read_file(path, kMaxConfig);
  json values;
  try {
    // Without a callback: with one, each object that ends looks at all that stand before it.
    values = json::parse(text);
  } catch (const json::parse_error& error) {
    const std::string_view before(text.data(), std::min(text.size(), error.byte));
    const auto line = 1 + std::ranges::count(before.substr(0, before.size() - 1), '\n');
    throw Error(ErrorCode::kMalformed,
                path.string() + ": line " + std::to_string(line) +
                    " is not JSON: is a comma, a quote or a bracket missing there or before it?");
  } catch (const json::exception&) {  // a number too large
    values = nullptr;
  }
  if (!values.is_object()) {
    throw Error(ErrorCode::kMalformed, path.string() + ": is not a JSON object");
  }
  if (deeper_than(kMaxDepth, values)) {
    throw Error(ErrorCode::kMalformed, path.string() + ": is nested too deep");
  }
  return values;
}

json read_token_ids(const std::optional<Settings>& config_json, std::int64_t vocab_size) {
  json ids = json::object();
  if (!config_json) return ids;
  for (const char* key : {"bos_token_id", "eos_token_id", "pad_token_id"}) {
    const auto found = config_json->values.find(key);
    if (found == config_json->values.end() || !found->is_number_integer()) continue;
    if (*found >= 0 && *found < vocab_size) ids[key] = *found;
  }
  return ids;
}

Settings read_config_json(const std::filesystem::path& path) {
  return {"config.json", path.string(), read_json_object(path)};
}

}  // namespace decant
