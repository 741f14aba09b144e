#include "strategy_list.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "command_line.h"
#include "decant/error.h"
#include "sampling_options.h"
#include "strategy_options.h"

namespace decant::cli {
namespace {

std::string trimmed(const std::string& words) {
  constexpr const char* kSpace = " \t\n\r";
  const std::size_t begin = words.find_first_not_of(kSpace);
  if (begin == std::string::npos) return {};
  return words.substr(begin, words.find_last_not_of(kSpace) - begin + 1);
}

}  // namespace

struct ListedStrategy::Parser {
  Parser() {
    app.set_help_flag();  // the words of a text, not a command
    app.allow_extras();   // else they are refused in other words, and the last one first
    sampling.add_stages_to(app);
    strategy.add_to(app);
  }

  void parse(const std::string& words) {
    try {
      app.parse(words);
    } catch (const CLI::ParseError& error) {
      refuse_twice(app);
      throw Error(ErrorCode::kInvalidOption, error.what());
    }
    if (const auto unknown = app.remaining(); !unknown.empty()) {
      throw Error(ErrorCode::kInvalidOption,
                  fmt::format("'{}' is none of the sampling and strategy options of generate{}",
                              unknown.front(), did_you_mean(app, unknown.front())));
    }
  }

  CLI::App app;
  SamplingOptions sampling{chapter_settings()};
  StrategyOptions strategy;
};

ListedStrategy::ListedStrategy(const std::string& entry) : parser_(std::make_unique<Parser>()) {
  const std::string whole = trimmed(entry);
  const auto refuse = [&whole](const std::string& why) {
    throw Error(ErrorCode::kInvalidOption, fmt::format("--strategy '{}': {}", whole, why));
  };
  const std::size_t colon = whole.starts_with("-") ? std::string::npos : whole.find(':');
  if (!whole.starts_with("-") && colon == std::string::npos) {
    refuse(
        "it must be options of decant generate, with a name and a colon before them or "
        "without: \"calm: --temperature 0.5\"");
  }
  words_ = colon == std::string::npos ? whole : trimmed(whole.substr(colon + 1));
  name_ = colon == std::string::npos ? whole : trimmed(whole.substr(0, colon));
  if (name_.empty()) refuse("there is no name before the colon");
  try {
    parser_->parse(words_);
    sampling_ = parser_->strategy.sampling_config(parser_->sampling);
    strategy_ = parser_->strategy.strategy(parser_->sampling, 1);
    const Pipeline validated(sampling_);
    validate({.strategy = strategy_}, sampling_);
  } catch (const Error& error) {
    refuse(as_typed(parser_->app, error.what()));
  }
}

ListedStrategy::ListedStrategy(ListedStrategy&&) noexcept = default;
ListedStrategy& ListedStrategy::operator=(ListedStrategy&&) noexcept = default;
ListedStrategy::~ListedStrategy() = default;

bool ListedStrategy::deterministic() const {
  if (const auto* beams = std::get_if<BeamSearch>(&strategy_)) return !beams->do_sample;
  if (std::holds_alternative<ContrastiveSearch>(strategy_)) return true;
  const auto& stages = sampling_.stages;
  return sampling_.temperature == 0 && std::ranges::find(stages, "temperature") != stages.end();
}

void ListedStrategy::open(const ModelArgs& model, const Tokenizer& tokenizer) {
  try {
    check_tokens(sampling_, tokenizer);
    parser_->strategy.open_draft(model, strategy_);
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("--strategy '{}': {}", name_, error.what()));
  }
}

std::vector<std::string> default_strategies() {
  return {"greedy: --temperature 0",
          "T 0.1: --temperature 0.1 --top-k 50 --top-p 0.9",
          "T 0.8, k 50, p 0.9: --temperature 0.8 --top-k 50 --top-p 0.9",
          "T 1.5, p 0.95: --temperature 1.5 --top-k 50 --top-p 0.95",
          "p 0.5: --temperature 1 --top-k 0 --top-p 0.5",
          "p 0.9: --temperature 1 --top-k 0 --top-p 0.9",
          "min-p 0.05: --temperature 1 --top-k 0 --top-p 1 --min-p 0.05",
          "5 beams: --num-beams 5",
          "contrastive: --penalty-alpha 0.6 --top-k 4"};
}

}  // namespace decant::cli
