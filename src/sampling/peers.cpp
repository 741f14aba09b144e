#include "peers.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "decant/error.h"

namespace decant {
namespace {

/// A number of SamplingConfig, by its name.
struct Knob {
  std::string_view name;
  double (*get)(const SamplingConfig& config);
};

constexpr std::array kKnobs = {
    Knob{"temperature", [](const SamplingConfig& c) { return c.temperature; }},
    Knob{"top_k", [](const SamplingConfig& c) { return static_cast<double>(c.top_k); }},
    Knob{"top_p", [](const SamplingConfig& c) { return c.top_p; }},
    Knob{"min_p", [](const SamplingConfig& c) { return c.min_p; }},
    Knob{"typical_p", [](const SamplingConfig& c) { return c.typical_p; }},
    Knob{"epsilon_cutoff", [](const SamplingConfig& c) { return c.epsilon_cutoff; }},
    Knob{"eta_cutoff", [](const SamplingConfig& c) { return c.eta_cutoff; }},
    Knob{"top_n_sigma", [](const SamplingConfig& c) { return c.top_n_sigma; }},
    Knob{"repetition_penalty", [](const SamplingConfig& c) { return c.repetition_penalty; }},
    Knob{"presence_penalty", [](const SamplingConfig& c) { return c.presence_penalty; }},
    Knob{"frequency_penalty", [](const SamplingConfig& c) { return c.frequency_penalty; }},
    Knob{"penalty_last_n",
         [](const SamplingConfig& c) { return static_cast<double>(c.penalty_last_n); }},
    Knob{"no_repeat_ngram_size",
         [](const SamplingConfig& c) { return static_cast<double>(c.no_repeat_ngram_size); }},
};
constexpr std::string_view kLogitBias = "logit_bias";  // the one knob that is not a number

/// An order, or a rule for ties, boundaries or counting. They are a system's own: with others it is
/// not like it.
struct Rule {
  std::string_view name;
  std::string (*show)(const SamplingConfig& config);
};

constexpr std::array kRules = {
    Rule{"stages",
         [](const SamplingConfig& c) { return fmt::format("{}", fmt::join(c.stages, ", ")); }},
    Rule{"top_k_rule",
         [](const SamplingConfig& c) -> std::string {
           return c.top_k_rule == TopKRule::kTies ? "ties" : "exact";
         }},
    Rule{"top_p_rule",
         [](const SamplingConfig& c) -> std::string {
           return c.top_p_rule == TopPRule::kInclusive ? "inclusive" : "exclusive";
         }},
    Rule{"penalize_prompt",
         [](const SamplingConfig& c) { return fmt::format("{}", c.penalize_prompt); }},
};

/// A knob that a system has, and which values that system takes where it takes fewer than Decant.
struct Offer {
  std::string_view knob;
  bool (*takes)(double value) = [](double) { return true; };
  std::string_view range = {};
};

struct Peer {
  std::string_view title;  // as in a sentence
  SamplingConfig config;   // its defaults, order and rules, under its name
  std::vector<Offer> offers;
};

bool within_2(double value) { return value >= -2 && value <= 2; }
bool within_100(double value) { return value >= -100 && value <= 100; }
bool positive(double value) { return value > 0; }

const std::vector<Peer>& table() {
  static const std::vector<Peer> peers = {
      {.title = "Hugging Face transformers",
       .config = {.like = "hf",
                  .top_k = 50,
                  .stages = {"logit_bias", "penalties", "no_repeat_ngram", "constraint",
                             "temperature", "top_k", "top_p", "min_p", "typical_p",
                             "epsilon_cutoff", "eta_cutoff"}},
       .offers = {{kLogitBias},
                  {"temperature", positive, "above 0"},
                  {"top_k"},
                  {"top_p"},
                  {"min_p"},
                  {"typical_p"},
                  {"epsilon_cutoff"},
                  {"eta_cutoff"},
                  {"repetition_penalty"},
                  {"no_repeat_ngram_size"}}},
      {.title = "llama.cpp",
       .config = {.like = "llama.cpp",
                  .temperature = 0.8,
                  .top_k = 40,
                  .top_k_rule = TopKRule::kExact,
                  .top_p = 0.95,
                  .min_p = 0.05,
                  .penalty_last_n = 64,
                  .stages = {"constraint", "logit_bias", "penalties", "top_n_sigma", "top_k",
                             "typical_p", "top_p", "min_p", "temperature"}},
       .offers = {{kLogitBias},
                  {"temperature"},
                  {"top_k"},
                  {"top_p"},
                  {"min_p"},
                  {"typical_p"},
                  {"top_n_sigma"},
                  {"repetition_penalty"},
                  {"presence_penalty"},
                  {"frequency_penalty"},
                  {"penalty_last_n", [](double n) { return n >= 0; }, "from 0"}}},
      {.title = "vLLM",
       .config = {.like = "vllm",
                  .penalize_prompt = false,
                  .stages = {"constraint", "logit_bias", "penalties", "temperature", "min_p",
                             "top_k", "top_p"}},
       .offers = {{kLogitBias},
                  {"temperature", [](double t) { return t == 0 || (t >= 0.01 && t <= 2); },
                   "0, and from 0.01 to 2"},
                  {"top_k"},
                  {"top_p"},
                  {"min_p"},
                  {"repetition_penalty"},
                  {"presence_penalty", within_2, "from -2 to 2"},
                  {"frequency_penalty", within_2, "from -2 to 2"}}},
      {.title = "the OpenAI API",
       .config = {.like = "openai",
                  .penalize_prompt = false,
                  .stages = {"constraint", "logit_bias", "penalties", "temperature", "top_p"}},
       .offers = {{kLogitBias, within_100, "from -100 to 100"},
                  {"temperature", [](double t) { return t >= 0 && t <= 2; }, "from 0 to 2"},
                  {"top_p"},
                  {"presence_penalty", within_2, "from -2 to 2"},
                  {"frequency_penalty", within_2, "from -2 to 2"}}},
      {.title = "the chapter's generate.py",
       .config = {.like = "generate.py",
                  .temperature = 0.8,
                  .top_k = 50,
                  .top_p = 0.9,
                  .top_p_rule = TopPRule::kExclusive,
                  .stages = {"temperature", "top_k", "top_p"}},
       .offers = {{"temperature", positive, "above 0"}, {"top_k"}, {"top_p"}}},
  };
  return peers;
}

const Peer& find_peer(std::string_view name) {
  const auto peer = std::ranges::find(
      table(), name, [](const Peer& p) -> std::string_view { return p.config.like; });
  if (peer != table().end()) return *peer;
  throw Error(
      ErrorCode::kInvalidOption,
      fmt::format("like is '{}': Decant knows the settings of {}", name, fmt::join(peers(), ", ")));
}

[[noreturn]] void refuse(const Peer& peer, std::string_view what, std::string_view why,
                         std::string_view remedy) {
  throw Error(ErrorCode::kInvalidOption,
              fmt::format("{}: {} {} (like {}); {}, or leave out like", what, peer.title, why,
                          peer.config.like, remedy));
}

void check_knob(const Peer& peer, std::string_view knob, double value, double off,
                std::string_view what) {
  const auto offer = std::ranges::find(peer.offers, knob, &Offer::knob);
  if (offer == peer.offers.end()) {
    if (value != off) refuse(peer, what, "has no such knob", fmt::format("set it to {}", off));
  } else if (!offer->takes(value)) {
    refuse(peer, what, fmt::format("takes only values {}", offer->range), "choose one of those");
  }
}

}  // namespace

std::span<const std::string_view> peers() {
  static const auto names = [] {
    std::vector<std::string_view> all;
    for (const Peer& peer : table()) all.push_back(peer.config.like);
    return all;
  }();
  return names;
}

SamplingConfig config_like(std::string_view peer) { return find_peer(peer).config; }

void check_like(const SamplingConfig& config) {
  const Peer& peer = find_peer(config.like);
  for (const Knob& knob : kKnobs) {
    const double value = knob.get(config);
    check_knob(peer, knob.name, value, knob.get({}), fmt::format("{} is {}", knob.name, value));
  }
  for (const auto& [token, bias] : config.logit_bias) {
    check_knob(peer, kLogitBias, bias, 0, fmt::format("logit_bias of token {} is {}", token, bias));
  }
  for (const Rule& rule : kRules) {
    const std::string mine = rule.show(config);
    const std::string theirs = rule.show(peer.config);
    if (mine == theirs) continue;
    refuse(peer, fmt::format("{} is {}", rule.name, mine), fmt::format("has {}", theirs),
           fmt::format("start from config_like(\"{}\")", peer.config.like));
  }
}

}  // namespace decant
