// The sampling words of the command line, the same at every command that samples.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "decant/sampling.h"
#include "decant/tokenizer.h"

namespace decant::cli {

/// The settings of the chapter's generate.py, which generate and explain start from; the library's
/// own defaults are "off".
inline SamplingConfig chapter_settings() { return {.temperature = 0.8, .top_k = 50, .top_p = 0.9}; }

/// Throws Error (kInvalidOption) where --logit-bias names what is no token.
void check_tokens(const SamplingConfig& config, const Tokenizer& tokenizer);

class SamplingOptions {
 public:
  /// `defaults` are what the command does without --like and without any of the options.
  explicit SamplingOptions(SamplingConfig defaults) : defaults_(std::move(defaults)) {}
  SamplingOptions(const SamplingOptions&) = delete;  // the command line writes into this one
  SamplingOptions& operator=(const SamplingOptions&) = delete;

  /// `no_seed` says what the command does without --seed.
  void add_to(CLI::App& command, const std::string& no_seed);
  /// The same without --seed, for a command that draws nothing.
  void add_stages_to(CLI::App& command);

  /// The defaults, or what --like does, and on top of that what was typed. Throws Error
  /// (kInvalidOption) for words that do not go together; ranges are for Pipeline to check.
  SamplingConfig config() const { return config(defaults_); }
  /// The same with other defaults.
  SamplingConfig config(const SamplingConfig& defaults) const;
  /// The same where nothing is drawn: temperature and filters are off unless they were typed, and
  /// top_k is `top_k`, whatever --like has for a draw.
  SamplingConfig config_without_draws(std::int64_t top_k = 0) const;

  std::optional<Seed> seed() const;

  /// The first of the options that was typed, --seed aside: it excludes nothing.
  const CLI::Option* first_typed() const;

 private:
  using Edit = std::function<void(SamplingConfig& config)>;

  /// Adds an option whose word parse() turns into what it does to the settings.
  template <typename Parse>
  CLI::Option* add(CLI::App& command, const std::string& name, const std::string& help,
                   const Parse& parse);
  void add_number(CLI::App& command, const std::string& name, double SamplingConfig::*member,
                  const std::string& help);
  void add_whole(CLI::App& command, const std::string& name, std::int64_t SamplingConfig::*member,
                 const std::string& help);

  /// What was typed, on top of `config`.
  SamplingConfig edited(SamplingConfig config) const;
  void refuse_idle(std::span<const std::string> stages) const;

  SamplingConfig defaults_;
  std::vector<Edit> edits_;  // in the order in which they were typed
  std::vector<CLI::Option*> options_;
  std::optional<std::string> like_;
  Seed seed_ = 0;
  const CLI::Option* seed_option_ = nullptr;
};

}  // namespace decant::cli
