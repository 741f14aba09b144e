#include "sampling_options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <sstream>

#include "common.h"
#include "decant/error.h"

namespace decant::cli {
namespace {

constexpr const char* kGroup = "Sampling";

std::function<void(SamplingConfig&)> parse_bias(const std::string& word) {
  const std::size_t equals = word.find('=');
  if (equals == std::string::npos) {
    throw Error(ErrorCode::kInvalidOption,
                fmt::format("--logit-bias is '{}': it must be ID=X, 262=-5 for example", word));
  }
  const auto token = parse_token("the ID of --logit-bias", word.substr(0, equals));
  const double bias = parse_number(fmt::format("the X of --logit-bias for token {}", token),
                                   std::string_view(word).substr(equals + 1));
  return [token, bias](SamplingConfig& config) { config.logit_bias[token] = bias; };
}

std::vector<std::string> parse_stages(const std::string& list) {
  std::vector<std::string> stages;
  std::stringstream names(list);
  for (std::string name; std::getline(names, name, ',');) {
    std::ranges::replace(name, '-', '_');  // as the options are spelt
    stages.push_back(name);
  }
  return stages;
}

}  // namespace

void check_tokens(const SamplingConfig& config, const Tokenizer& tokenizer) {
  for (const auto& [token, bias] : config.logit_bias) {
    expect_token("--logit-bias", token, tokenizer);
  }
}

template <typename Parse>
CLI::Option* SamplingOptions::add(CLI::App& command, const std::string& name,
                                  const std::string& help, const Parse& parse) {
  options_.push_back(command.add_option_function<std::string>(
      name, [this, parse](const std::string& word) { edits_.push_back(parse(word)); }, help));
  return options_.back()->group(kGroup);
}

void SamplingOptions::add_number(CLI::App& command, const std::string& name,
                                 double SamplingConfig::*member, const std::string& help) {
  const auto parse = [name, member](const std::string& word) {
    const double value = parse_number(name, word);
    return [member, value](SamplingConfig& config) { config.*member = value; };
  };
  add(command, name, help, parse)
      ->type_name("NUM")
      ->default_str(fmt::format("{}", defaults_.*member));
}

void SamplingOptions::add_whole(CLI::App& command, const std::string& name,
                                std::int64_t SamplingConfig::*member, const std::string& help) {
  const auto parse = [name, member](const std::string& word) {
    const auto value = parse_integer<std::int64_t>(name, word);
    return [member, value](SamplingConfig& config) { config.*member = value; };
  };
  add(command, name, help, parse)
      ->type_name("INT")
      ->default_str(fmt::format("{}", defaults_.*member));
}

void SamplingOptions::add_to(CLI::App& command, const std::string& no_seed) {
  add_stages_to(command);
  seed_option_ = add_integer(command, "--seed", seed_,
                             fmt::format("same seed, same draws (default: {})", no_seed))
                     ->group(kGroup);
}

void SamplingOptions::add_stages_to(CLI::App& command) {
  add_number(command, "--temperature", &SamplingConfig::temperature,
             "divides the logits; 1 is off, 0 is greedy");
  add_whole(command, "--top-k", &SamplingConfig::top_k,
            "keep the k most probable tokens; 0 is off");
  add_number(command, "--top-p", &SamplingConfig::top_p,
             "keep the smallest set that holds this probability; 1 is off");
  add(command, "--top-p-rule", "the token that crosses p stays (inclusive) or goes (exclusive)",
      [](const std::string& word) {
        const auto rule = pick<TopPRule>(
            "--top-p-rule", word,
            {{"inclusive", TopPRule::kInclusive}, {"exclusive", TopPRule::kExclusive}});
        return [rule](SamplingConfig& config) { config.top_p_rule = rule; };
      })
      ->type_name("RULE")
      ->default_str("inclusive");
  add_number(command, "--min-p", &SamplingConfig::min_p,
             "keep what is at least this times as probable as the first; 0 is off");
  add_number(command, "--typical-p", &SamplingConfig::typical_p,
             "keep the tokens of most typical surprise that hold this probability; 1 is off");
  add_number(command, "--epsilon-cutoff", &SamplingConfig::epsilon_cutoff,
             "keep what has at least this probability; 0 is off");
  add_number(command, "--eta-cutoff", &SamplingConfig::eta_cutoff,
             "the same, lower where the distribution is flat; 0 is off");
  add_number(command, "--top-n-sigma", &SamplingConfig::top_n_sigma,
             "keep logits within n standard deviations of the largest; 0 is off");
  add_number(command, "--repetition-penalty", &SamplingConfig::repetition_penalty,
             "makes seen tokens less probable, by a factor of their logits; 1 is off");
  add_number(command, "--presence-penalty", &SamplingConfig::presence_penalty,
             "taken from the logits of seen tokens; 0 is off");
  add_number(command, "--frequency-penalty", &SamplingConfig::frequency_penalty,
             "the same, once for each time that a token was seen; 0 is off");
  add_whole(command, "--penalty-last-n", &SamplingConfig::penalty_last_n,
            "how many of the last tokens the penalties look at; -1 is all");
  add_whole(command, "--no-repeat-ngram-size", &SamplingConfig::no_repeat_ngram_size,
            "no n tokens in a row come twice; 0 is off");
  options_.push_back(command
                         .add_option_function<std::vector<std::string>>(
                             "--logit-bias",
                             [this](const std::vector<std::string>& words) {
                               std::ranges::transform(words, std::back_inserter(edits_),
                                                      parse_bias);
                             },
                             "adds X to the logit of token ID, -inf bans it; may be repeated")
                         ->allow_extra_args(false)
                         ->type_name("ID=X")
                         ->group(kGroup));
  add(command, "--stages",
      fmt::format("the stages in their order, with commas (default {})",
                  fmt::join(defaults_.stages, ",")),
      [](const std::string& word) {
        return [stages = parse_stages(word)](SamplingConfig& config) { config.stages = stages; };
      })
      ->type_name("LIST");
  options_.push_back(command
                         .add_option("--like", like_,
                                     fmt::format("start from what another system does: {}",
                                                 fmt::join(peers(), ", ")))
                         ->type_name("NAME")
                         ->group(kGroup));
}

SamplingConfig SamplingOptions::config(const SamplingConfig& defaults) const {
  return edited(like_ ? config_like(*like_) : defaults);
}

SamplingConfig SamplingOptions::config_without_draws(std::int64_t top_k) const {
  const SamplingConfig off;
  SamplingConfig config = like_ ? config_like(*like_) : off;
  config.temperature = off.temperature;
  config.top_k = top_k;
  config.top_p = off.top_p;
  config.min_p = off.min_p;
  config.typical_p = off.typical_p;
  config.epsilon_cutoff = off.epsilon_cutoff;
  config.eta_cutoff = off.eta_cutoff;
  config.top_n_sigma = off.top_n_sigma;
  return edited(std::move(config));
}

SamplingConfig SamplingOptions::edited(SamplingConfig config) const {
  if (like_) {
    for (const CLI::Option* option : options_) {
      const std::string name = option->get_name();
      if (option->count() == 0 || (name != "--stages" && name != "--top-p-rule")) continue;
      throw Error(ErrorCode::kInvalidOption,
                  fmt::format("{} does not go with --like {}, which brings its own: leave one out",
                              name, *like_));
    }
  }
  for (const Edit& edit : edits_) edit(config);
  // What a peer lacks, the library refuses by the peer's name.
  if (!like_) refuse_idle(config.stages);
  return config;
}

// A knob that was typed, but whose stage --stages leaves out, would do nothing.
void SamplingOptions::refuse_idle(std::span<const std::string> stages) const {
  const std::map<std::string, std::string> stage_of = {
      {"--temperature", "temperature"},
      {"--top-k", "top_k"},
      {"--top-p", "top_p"},
      {"--top-p-rule", "top_p"},
      {"--min-p", "min_p"},
      {"--typical-p", "typical_p"},
      {"--epsilon-cutoff", "epsilon_cutoff"},
      {"--eta-cutoff", "eta_cutoff"},
      {"--top-n-sigma", "top_n_sigma"},
      {"--repetition-penalty", "penalties"},
      {"--presence-penalty", "penalties"},
      {"--frequency-penalty", "penalties"},
      {"--penalty-last-n", "penalties"},
      {"--no-repeat-ngram-size", "no_repeat_ngram"},
      {"--logit-bias", "logit_bias"}};
  for (const CLI::Option* option : options_) {
    const auto stage = stage_of.find(option->get_name());
    if (option->count() == 0 || stage == stage_of.end()) continue;
    if (std::ranges::find(stages, stage->second) != stages.end()) continue;
    throw Error(ErrorCode::kInvalidOption, fmt::format("{} does nothing: --stages leaves out {}",
                                                       stage->first, stage->second));
  }
}

std::optional<Seed> SamplingOptions::seed() const {
  const bool typed = seed_option_ != nullptr && seed_option_->count() > 0;
  return typed ? std::optional(seed_) : std::nullopt;
}

const CLI::Option* SamplingOptions::first_typed() const {
  const auto typed =
      std::ranges::find_if(options_, [](auto* option) { return option->count() > 0; });
  return typed == options_.end() ? nullptr : *typed;
}

}  // namespace decant::cli
