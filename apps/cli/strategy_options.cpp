#include "strategy_options.h"

#include <algorithm>

#include "decant/error.h"

namespace decant::cli {
namespace {

constexpr const char* kGroup = "Strategy";

constexpr std::pair<std::string_view, BeamSearch::EarlyStopping> kEarlyStopping[] = {
    {"false", BeamSearch::EarlyStopping::kFalse},
    {"true", BeamSearch::EarlyStopping::kTrue},
    {"never", BeamSearch::EarlyStopping::kNever}};

std::string_view early_stopping_name(BeamSearch::EarlyStopping when) {
  for (const auto& [name, value] : kEarlyStopping) {
    if (value == when) return name;
  }
  return {};
}

[[noreturn]] void refuse(const std::string& what) { throw Error(ErrorCode::kInvalidOption, what); }

}  // namespace

struct StrategyOptions::Draft {
  explicit Draft(const ModelArgs& args)
      : model(args.load(args.open_checkpoint())), group(model, args.threads) {}
  Model model;
  SessionGroup group;
};

void StrategyOptions::add_to(CLI::App& command) {
  num_beams_ = add_integer(command, "--num-beams", beams_.num_beams,
                           "beam search: beginnings to continue side by side")
                   ->group(kGroup);
  const auto of_beams = [this](CLI::Option* option, const char* value) {
    of_beams_.push_back(option->group(kGroup)->default_str(value));
  };
  of_beams(add_number(command, "--length-penalty", beams_.length_penalty,
                      "ranks texts by score / length^X: more than 0 favours longer ones"),
           "1");
  of_beams(command
               .add_option("--early-stopping", early_stopping_,
                           "once --num-beams texts are finished, end if no beam would be better "
                           "now (false), at once (true), if none can become better (never)")
               ->type_name("false|true|never"),
           "false");
  of_beams(add_number(command, "--patience", beams_.patience,
                      "how many times --num-beams texts must be finished"),
           "1");
  of_beams(command.add_flag("--do-sample", beams_.do_sample,
                            "draw the continuations of beams, rather than take the best"),
           "");
  of_beams(add_integer(command, "--num-beam-groups", beams_.num_beam_groups,
                       "groups of beams, each of which avoids what those before it chose"),
           "1");
  of_beams(add_number(command, "--diversity-penalty", beams_.diversity_penalty,
                      "what such a token costs"),
           "0");
  penalty_alpha_ = add_number(command, "--penalty-alpha", contrastive_.penalty_alpha,
                              "contrastive search among the --top-k (default 4): what resembling "
                              "the text counts, against probability; 0 to 1")
                       ->group(kGroup);
  lookup_ =
      add_integer(command, "--prompt-lookup-num-tokens", speculation_.prompt_lookup_num_tokens,
                  "the same text, but faster where it repeats itself: guess so many tokens")
          ->group(kGroup);
  draft_model_ = command
                     .add_option("--draft-model", draft_path_,
                                 "the same text, but faster: a smaller model with the same "
                                 "tokenizer, which guesses")
                     ->type_name("PATH")
                     ->group(kGroup);
  draft_tokens_ = add_integer(command, "--num-draft-tokens", speculation_.num_draft_tokens,
                              "how many tokens it guesses at a time")
                      ->default_str("5")
                      ->group(kGroup);
}

Strategy StrategyOptions::strategy(const SamplingOptions& sampling,
                                   std::uint64_t num_return_sequences) const {
  for (const CLI::Option* option : of_beams_) {
    if (typed(option) && !beams()) refuse(option->get_name() + " is for beams: add --num-beams");
  }
  if (typed(draft_tokens_) && !typed(draft_model_)) {
    refuse("--num-draft-tokens is for a model that guesses: add --draft-model");
  }
  const CLI::Option* chosen = nullptr;
  for (const CLI::Option* option : {num_beams_, penalty_alpha_, lookup_, draft_model_}) {
    if (!typed(option)) continue;
    if (chosen != nullptr) {
      refuse(chosen->get_name() + " and " + option->get_name() +
             " are different strategies: leave one out");
    }
    chosen = option;
  }
  if (!draws() && sampling.seed()) {
    refuse(beams() ? "--seed does nothing, as beams draw nothing: add --do-sample, or leave it out"
                   : "--seed does nothing, as contrastive search draws nothing: leave it out");
  }
  if (beams()) {
    BeamSearch beams = beams_;
    beams.num_return_sequences = static_cast<std::int64_t>(num_return_sequences);
    beams.early_stopping =
        pick<BeamSearch::EarlyStopping>("--early-stopping", early_stopping_, kEarlyStopping);
    return beams;
  }
  if (typed(penalty_alpha_)) {
    if (num_return_sequences > 1) {
      refuse(
          "--num-return-sequences does nothing but repeat, as contrastive search draws nothing: "
          "leave it out");
    }
    ContrastiveSearch contrastive = contrastive_;
    contrastive.top_k = sampling.config_without_draws(contrastive.top_k).top_k;
    return contrastive;
  }
  return Sampling{speculation_};
}

SamplingConfig StrategyOptions::sampling_config(const SamplingOptions& sampling) const {
  if (beams() && draws()) {
    SamplingConfig defaults = chapter_settings();
    defaults.top_k = std::max(defaults.top_k, beams_.num_beams);  // for so many to differ
    return sampling.config(defaults);
  }
  if (draws()) return sampling.config();
  SamplingConfig config = sampling.config_without_draws();
  if (typed(penalty_alpha_)) config.top_k = 0;  // it is the strategy's
  return config;
}

void StrategyOptions::open_draft(const ModelArgs& model, Strategy& strategy) {
  if (!draft_path_) return;
  ModelArgs args = model;
  args.model = draft_path_;
  args.n_head.reset();
  args.names.reset();
  try {
    draft_ = std::make_shared<Draft>(args);
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("--draft-model: {}", error.what()));
  }
  std::get<Sampling>(strategy).speculation.draft = &draft_->group;
}

Json to_json(const Strategy& strategy) {
  if (const auto* beams = std::get_if<BeamSearch>(&strategy)) {
    return {{"name", "beam_search"},
            {"num_beams", beams->num_beams},
            {"length_penalty", beams->length_penalty},
            {"early_stopping", early_stopping_name(beams->early_stopping)},
            {"patience", beams->patience},
            {"do_sample", beams->do_sample},
            {"num_beam_groups", beams->num_beam_groups},
            {"diversity_penalty", beams->diversity_penalty}};
  }
  if (const auto* contrastive = std::get_if<ContrastiveSearch>(&strategy)) {
    return {{"name", "contrastive_search"},
            {"top_k", contrastive->top_k},
            {"penalty_alpha", contrastive->penalty_alpha}};
  }
  const Speculation& speculation = std::get<Sampling>(strategy).speculation;
  return {{"name", "sampling"},
          {"prompt_lookup_num_tokens", speculation.prompt_lookup_num_tokens},
          {"num_draft_tokens", speculation.draft == nullptr ? 0 : speculation.num_draft_tokens}};
}

}  // namespace decant::cli
