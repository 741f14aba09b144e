#include "compare_json.h"

#include <variant>

#include "decant/json.h"
#include "strategy_options.h"
#include "token_report.h"

namespace decant::cli {
namespace {

Json number(const std::optional<double>& figure) { return figure ? Json(*figure) : Json(); }

Json figures_json(const Figures& figures) {
  Json object = {{"mean_logprob", number(figures.mean_logprob)},
                 {"perplexity", number(figures.perplexity)}};
  for (std::size_t n = 1; n <= figures.distinct.size(); ++n) {
    object[fmt::format("distinct_{}", n)] = number(figures.distinct[n - 1]);
  }
  for (std::size_t n = 1; n <= figures.repetition.size(); ++n) {
    object[fmt::format("rep_{}", n)] = number(figures.repetition[n - 1]);
  }
  object.update({{"diversity", number(figures.diversity)},
                 {"tail_share", number(figures.tail_share)},
                 {"self_bleu", number(figures.self_bleu)},
                 {"length", figures.length},
                 {"tokens_per_second", figures.tokens_per_second}});
  return object;
}

Json text_json(const Comparison& comparison, const ComparedStrategy& strategy,
               const ComparedText& text, const Tokenizer& tokenizer) {
  const bool one_uniform_a_token = std::holds_alternative<Sampling>(strategy.strategy);
  Json steps = Json::array();
  for (const TokenReport& report : text.reports) {
    Json& step = steps.emplace_back(to_json(report, tokenizer));
    step["mass_before"] = report.mass_before;
    if (!one_uniform_a_token) continue;
    step["u"] = uniform({.seed = comparison.seed,
                         .sequence = text.sequence,
                         .position = comparison.prompt_tokens.size() + steps.size() - 1});
  }
  Json object = {{"sequence", text.sequence},
                 {"text", text.text},
                 {"tokens", text.made.tokens},
                 {"finish_reason", finish_reason_name(text.made.finish_reason)},
                 {"steps", std::move(steps)}};
  if (!text.made.error.empty()) object["error"] = text.made.error;
  return object;
}

}  // namespace

Json to_json(const Comparison& comparison, const Tokenizer& tokenizer) {
  Json strategies = Json::array();
  for (const ComparedStrategy& strategy : comparison.strategies) {
    Json texts = Json::array();
    for (const ComparedText& text : strategy.texts) {
      texts.push_back(text_json(comparison, strategy, text, tokenizer));
    }
    strategies.push_back({{"name", strategy.name},
                          {"options", strategy.words},
                          {"strategy", to_json(strategy.strategy)},
                          {"config", Json::parse(decant::to_json(strategy.sampling))},
                          {"deterministic", strategy.deterministic},
                          {"interrupted", strategy.interrupted},
                          {"figures", figures_json(strategy.figures)},
                          {"seconds", strategy.seconds},
                          {"texts", std::move(texts)}});
  }
  return {{"prompt", comparison.prompt},
          {"prompt_tokens", comparison.prompt_tokens},
          {"seed", comparison.seed},
          {"samples", comparison.samples},
          {"max_new_tokens", comparison.max_new_tokens},
          {"context", comparison.context},
          {"model", comparison.model},
          {"weights", comparison.weights},
          {"threads", comparison.threads},
          {"nucleus", kNucleus},
          {"interrupted", comparison.interrupted},
          {"strategies", std::move(strategies)}};
}

}  // namespace decant::cli
