#include "trace_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace decant::cli {
namespace {

std::string number(double value) { return fmt::format("{:g}", value); }

/// The knobs of a stage with their values, as a person would say them.
std::string knob(std::string_view stage, const SamplingConfig& config) {
  if (stage == "temperature") return number(config.temperature);
  if (stage == "top_k") {
    return std::to_string(config.top_k) + (config.top_k_rule == TopKRule::kExact ? " exact" : "");
  }
  if (stage == "top_p") {
    const bool exclusive = config.top_p_rule == TopPRule::kExclusive;
    return number(config.top_p) + (exclusive ? " exclusive" : "");
  }
  if (stage == "min_p") return number(config.min_p);
  if (stage == "typical_p") return number(config.typical_p);
  if (stage == "epsilon_cutoff") return number(config.epsilon_cutoff);
  if (stage == "eta_cutoff") return number(config.eta_cutoff);
  if (stage == "top_n_sigma") return number(config.top_n_sigma);
  if (stage == "no_repeat_ngram") return std::to_string(config.no_repeat_ngram_size);
  if (stage == "logit_bias") {
    return fmt::format("{} token{}", config.logit_bias.size(),
                       config.logit_bias.size() == 1 ? "" : "s");
  }
  if (stage != "penalties") return "";
  std::string words;
  const auto add = [&](std::string_view name, double value, double off) {
    if (value != off) words += fmt::format("{}{} {:g}", words.empty() ? "" : ", ", name, value);
  };
  add("repetition", config.repetition_penalty, 1);
  add("presence", config.presence_penalty, 0);
  add("frequency", config.frequency_penalty, 0);
  add("last", static_cast<double>(config.penalty_last_n), -1);
  return words;
}

}  // namespace

std::vector<const CandidateTrace*> choose_rows(const Trace& trace, std::size_t limit) {
  std::vector<const CandidateTrace*> rows;
  rows.reserve(trace.candidates.size());
  for (const CandidateTrace& candidate : trace.candidates) rows.push_back(&candidate);
  const auto weight = [&](const CandidateTrace* row) {
    return drawn(trace, row->token) ? 2 : std::max(raw_probability(*row), row->probability);
  };
  std::stable_sort(rows.begin(), rows.end(), [&](const auto* left, const auto* right) {
    return weight(left) > weight(right);
  });
  rows.resize(std::min(rows.size(), limit));
  std::sort(rows.begin(), rows.end(),
            [](const auto* left, const auto* right) { return left->rank < right->rank; });
  return rows;
}

std::vector<const CandidateTrace*> ranked_survivors(const Trace& trace) {
  std::vector<const CandidateTrace*> ranking;
  for (const CandidateTrace& candidate : trace.candidates) {
    if (survives(candidate)) ranking.push_back(&candidate);
  }
  const auto place = [](const CandidateTrace* row) {
    return std::pair(-(row->logits.empty() ? row->logit : row->logits.back()), row->token);
  };
  std::sort(ranking.begin(), ranking.end(),
            [&](const auto* left, const auto* right) { return place(left) < place(right); });
  return ranking;
}

std::vector<std::string> settings(const Trace& trace, const SamplingConfig& config,
                                  std::size_t width) {
  std::vector<std::string> parts;
  if (!config.like.empty()) parts.push_back("like " + config.like);
  for (const StageTrace& stage : trace.stages) {
    parts.push_back(fmt::format("{} {}", stage.name, knob(stage.name, config)));
  }
  if (trace.stages.empty()) parts.emplace_back("every knob off");
  std::vector<std::string> lines(1);
  for (const std::string& part : parts) {
    if (!lines.back().empty() && lines.back().size() + part.size() > width) {
      lines.back() += " ·";
      lines.emplace_back();
    }
    lines.back() += (lines.back().empty() ? "" : " · ") + part;
  }
  return lines;
}

}  // namespace decant::cli
