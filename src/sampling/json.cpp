// Settings and traces as JSON: one list of SamplingConfig's members serves writing and reading.
#include "decant/json.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <unordered_set>
#include <utility>

#include "decant/error.h"

namespace decant {
namespace {

using Json = nlohmann::ordered_json;  // to write: members in the structs' order
using Parsed = nlohmann::json;        // to read: finds a member without a walk over all

// Calls visit(name, member) for each member, in the struct's order.
template <typename Config, typename Visit>
void visit_members(Config& config, const Visit& visit) {
  visit("like", config.like);
  visit("temperature", config.temperature);
  visit("top_k", config.top_k);
  visit("top_k_rule", config.top_k_rule);
  visit("top_p", config.top_p);
  visit("top_p_rule", config.top_p_rule);
  visit("min_p", config.min_p);
  visit("typical_p", config.typical_p);
  visit("epsilon_cutoff", config.epsilon_cutoff);
  visit("eta_cutoff", config.eta_cutoff);
  visit("top_n_sigma", config.top_n_sigma);
  visit("repetition_penalty", config.repetition_penalty);
  visit("presence_penalty", config.presence_penalty);
  visit("frequency_penalty", config.frequency_penalty);
  visit("penalty_last_n", config.penalty_last_n);
  visit("penalize_prompt", config.penalize_prompt);
  visit("no_repeat_ngram_size", config.no_repeat_ngram_size);
  visit("logit_bias", config.logit_bias);
  visit("stages", config.stages);
}

// An enumeration's values and their names.
template <typename Rule>
struct Named {
  Rule value;
  const char* name;
};
constexpr Named<TopKRule> kTopKRules[] = {{TopKRule::kTies, "ties"}, {TopKRule::kExact, "exact"}};
constexpr Named<TopPRule> kTopPRules[] = {{TopPRule::kInclusive, "inclusive"},
                                          {TopPRule::kExclusive, "exclusive"}};

constexpr const auto& names_of(TopKRule) { return kTopKRules; }
constexpr const auto& names_of(TopPRule) { return kTopPRules; }

template <typename Value>
Json value_json(const Value& value) {
  if constexpr (std::is_enum_v<Value>) {
    for (const auto& rule : names_of(value)) {
      if (rule.value == value) return rule.name;
    }
    return nullptr;
  } else {
    return value;
  }
}

Json value_json(const std::map<TokenId, double>& biases) {
  Json::object_t entries;  // appended to, as operator[] would look for each among all before it
  for (const auto& [token, bias] : biases) entries.emplace_back(std::to_string(token), bias);
  return entries;  // -inf is written as null
}

// A value for an error message, in one short line whatever it holds.
std::string shown(const Parsed& value) {
  if (value.is_object()) return "an object";
  if (value.is_array()) return "an array";
  std::string text = value.dump(-1, ' ', true);
  if (value.is_string()) text.front() = text.back() = '\'';
  constexpr std::size_t kLongest = 60;
  if (text.size() > kLongest) text = text.substr(0, kLongest) + "...";
  return text;
}

[[noreturn]] void refuse(const std::string& name, const Parsed& value, std::string_view wanted) {
  throw Error(ErrorCode::kInvalidOption,
              fmt::format("{} is {}: it must be {}", name, shown(value), wanted));
}

void read(const std::string& name, const Parsed& value, std::string& member) {
  if (!value.is_string()) refuse(name, value, "a string");
  member = value.get<std::string>();
}

void read(const std::string& name, const Parsed& value, double& member) {
  if (!value.is_number()) refuse(name, value, "a number");
  member = value.get<double>();
}

void read(const std::string& name, const Parsed& value, std::int64_t& member) {
  constexpr auto kLargest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (!value.is_number_integer() ||
      (value.is_number_unsigned() && value.get<std::uint64_t>() > kLargest)) {
    refuse(name, value, "a whole number below 2^63");
  }
  member = value.get<std::int64_t>();
}

void read(const std::string& name, const Parsed& value, bool& member) {
  if (!value.is_boolean()) refuse(name, value, "true or false");
  member = value.get<bool>();
}

template <typename Rule>
requires std::is_enum_v<Rule>
void read(const std::string& name, const Parsed& value, Rule& member) {
  std::string names;
  for (const auto& rule : names_of(member)) {
    if (value == rule.name) {
      member = rule.value;
      return;
    }
    names += fmt::format("{}'{}'", names.empty() ? "" : " or ", rule.name);
  }
  refuse(name, value, names);
}

void read(const std::string& name, const Parsed& value, std::map<TokenId, double>& member) {
  if (!value.is_object()) refuse(name, value, "an object of token ids and numbers");
  member.clear();
  for (const auto& [key, bias] : value.items()) {
    TokenId token = 0;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), token);
    // Read back, so that "7" and "07" are not two biases of one token.
    if (error != std::errc{} || end != key.data() + key.size() || std::to_string(token) != key) {
      throw Error(ErrorCode::kInvalidOption,
                  fmt::format("{}: {} is no token id", name, shown(key)));
    }
    const std::string entry = fmt::format("{} of token {}", name, key);
    if (bias.is_null()) {
      member[token] = -std::numeric_limits<double>::infinity();
    } else if (bias.is_number()) {
      member[token] = bias.get<double>();
    } else {
      refuse(entry, bias, "a number, or null for -inf");
    }
  }
}

void read(const std::string& name, const Parsed& value, std::vector<std::string>& member) {
  if (!value.is_array()) refuse(name, value, "an array of strings");
  member.clear();
  for (std::size_t i = 0; i < value.size(); ++i) {
    read(fmt::format("{}[{}]", name, i), value[i], member.emplace_back());
  }
}

// The parser would silently take the last of two members with one name.
Parsed parse(std::string_view text) {
  std::vector<std::unordered_set<std::string>> keys;  // of the objects that are open
  const auto watch = [&keys](int, Parsed::parse_event_t event, Parsed& parsed) {
    if (event == Parsed::parse_event_t::object_start) keys.emplace_back();
    if (event == Parsed::parse_event_t::object_end) keys.pop_back();
    if (event == Parsed::parse_event_t::key &&
        !keys.back().insert(parsed.get_ref<const std::string&>()).second) {
      throw Error(ErrorCode::kMalformed,
                  fmt::format("the settings have {} twice in one object", shown(parsed)));
    }
    return true;
  };
  try {
    return Parsed::parse(text, watch);
  } catch (const Parsed::parse_error& error) {
    throw Error(ErrorCode::kMalformed,
                fmt::format("the settings are not JSON at byte {}", error.byte));
  } catch (const Parsed::out_of_range&) {
    throw Error(ErrorCode::kMalformed, "the settings have a number that is too large");
  }
}

std::string dump(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string to_json(const SamplingConfig& config) {
  Json object = Json::object();
  visit_members(config,
                [&](const char* name, const auto& member) { object[name] = value_json(member); });
  return dump(object);
}

SamplingConfig config_from_json(std::string_view json, const SamplingConfig& base) {
  const Parsed object = parse(json);
  if (!object.is_object()) {
    throw Error(ErrorCode::kInvalidOption,
                fmt::format("the settings are {}: they must be an object", shown(object)));
  }
  SamplingConfig config = base;
  if (const auto like = object.find("like"); like != object.end()) {
    std::string peer;
    read("like", *like, peer);
    if (!peer.empty()) config = config_like(peer);
  }
  std::vector<std::string> names;
  visit_members(config, [&](const char* name, auto& member) {
    names.emplace_back(name);
    if (const auto found = object.find(name); found != object.end()) read(name, *found, member);
  });
  for (const auto& [key, value] : object.items()) {
    if (std::ranges::find(names, key) == names.end()) {
      throw Error(ErrorCode::kInvalidOption, fmt::format("there is no setting {}; there are {}",
                                                         shown(key), fmt::join(names, ", ")));
    }
  }
  return config;
}

std::string to_json(const Trace& trace, const std::function<std::string(TokenId)>& text) {
  const auto optional = [](const auto& value) { return value ? Json(*value) : Json(nullptr); };

  Json stages = Json::array();
  for (const StageTrace& stage : trace.stages) {
    stages.push_back({{"name", stage.name},
                      {"kept", stage.kept},
                      {"removed", stage.removed},
                      {"mass_removed", stage.mass_removed},
                      {"threshold", optional(stage.threshold)},
                      {"entropy", stage.entropy},
                      {"perplexity", std::exp(stage.entropy)}});
  }
  Json candidates = Json::array();
  for (const CandidateTrace& candidate : trace.candidates) {
    Json& object = candidates.emplace_back(Json::object());
    object["token"] = candidate.token;
    if (text) object["text"] = text(candidate.token);
    object["rank"] = candidate.rank;
    object["logit"] = candidate.logit;
    object["logprob"] = candidate.logprob;
    object["logits"] = candidate.logits;
    object["probabilities"] = candidate.probabilities;
    object["removed_by"] =
        candidate.removed_by ? Json(trace.stages[*candidate.removed_by].name) : Json(nullptr);
    object["probability"] = candidate.probability;
  }
  Json object = {{"vocab_size", trace.vocab_size},
                 {"possible", trace.possible},
                 {"entropy", trace.entropy},
                 {"perplexity", std::exp(trace.entropy)},
                 {"stages", std::move(stages)},
                 {"candidates", std::move(candidates)},
                 {"others", trace.others},
                 {"others_probability", trace.others_probability},
                 {"final_entropy", trace.final_entropy},
                 {"final_perplexity", std::exp(trace.final_entropy)},
                 {"survivors", trace.survivors},
                 {"mass_kept", trace.mass_kept}};
  if (trace.draw) {
    Json& draw = object["draw"];
    draw["token"] = trace.draw->token;
    if (text) draw["text"] = text(trace.draw->token);
    draw["u"] = trace.draw->u;
    draw["rank"] = trace.draw->rank;
    draw["probability"] = trace.draw->probability;
    draw["begin"] = trace.draw->begin;
    draw["end"] = trace.draw->end;
  }
  return dump(object);
}

}  // namespace decant
