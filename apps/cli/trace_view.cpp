#include "trace_view.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <utility>
#include <vector>

#include "decant/json.h"
#include "trace_table.h"

namespace decant::cli {
namespace {

struct Strategy {
  const char* name;
  SamplingConfig config;
};

// Each stage by itself, and the chapter's settings; the cutoffs have values that Hewitt et al.
// (2022) found good. Temperature 1 is the model's own distribution, and top_p 1 must look the same.
std::vector<Strategy> all_strategies() {
  return {{"greedy", {.temperature = 0}},
          {"temperature 0.5", {.temperature = 0.5}},
          {"temperature 1", {}},
          {"temperature 2", {.temperature = 2}},
          {"T 0.8, k 50, p 0.9", chapter_settings()},
          {"top_k 1", {.top_k = 1}},
          {"top_k 50", {.top_k = 50}},
          {"top_p 0.5", {.top_p = 0.5}},
          {"top_p 0.9", {.top_p = 0.9}},
          {"top_p 1", {.top_p = 1}},
          {"min_p 0.05", {.min_p = 0.05}},
          {"typical_p 0.9", {.typical_p = 0.9}},
          {"epsilon 0.0009", {.epsilon_cutoff = 0.0009}},
          {"eta 0.002", {.eta_cutoff = 0.002}},
          {"top_n_sigma 1", {.top_n_sigma = 1}}};
}

TableStyle style(std::int64_t top) {
  const char* no_color = std::getenv("NO_COLOR");
  const bool plain = no_color != nullptr && *no_color != '\0';
  return {.top = top, .ansi = ::isatty(STDOUT_FILENO) != 0 && !plain};
}

// The members that CLI.md of scripts rely on, then the whole trace.
Json step_json(Pipeline& pipeline, const Trace& trace, const ShownStep& step) {
  Json whole = Json::parse(to_json(trace, step.text));
  Json survivors = Json::array();
  for (const auto& [token, probability] : pipeline.distribution(step.logits, step.history)) {
    Json& survivor = survivors.emplace_back(Json::object());
    survivor["token"] = token;
    if (step.text) survivor["text"] = step.text(token);
    survivor["probability"] = probability;
  }
  Json object = {{"vocab_size", trace.vocab_size},
                 {"config", Json::parse(to_json(pipeline.config()))},
                 {"stages", whole["stages"]},
                 {"final", std::move(survivors)},
                 {"entropy", trace.final_entropy}};
  if (trace.draw) object["draw"] = whole["draw"];
  object["trace"] = std::move(whole);
  return object;
}

}  // namespace

void TraceView::add_to(CLI::App& command) {
  sampling_.add_to(command, "nothing is drawn");
  top_option_ =
      add_integer(command, "--top", top_, "tokens to list; the others are summed in one row")
          ->default_str("10");
  command.add_flag("--strategies", strategies_, "the best known strategies side by side");
  command.add_option("--svg", svg_, "draw the picture into this file")->type_name("FILE");
  command.add_flag("--json", json_, "everything as a JSON value on a line");
}

void TraceView::check() const {
  const Pipeline validated(sampling_.config());
  if (top_ < 1) {
    throw Error(ErrorCode::kInvalidOption, fmt::format("--top is {}: it must be 1 or more", top_));
  }
  const CLI::Option* typed = sampling_.first_typed();
  if (strategies_ && typed != nullptr) {
    throw Error(ErrorCode::kInvalidOption,
                fmt::format("{} does not go with --strategies, which brings its own settings: "
                            "leave one out",
                            typed->get_name()));
  }
}

void TraceView::show(const ShownStep& step) const {
  std::optional<double> u;
  if (const auto seed = sampling_.seed()) u = uniform({.seed = *seed, .position = step.position});
  if (strategies_) {
    show_strategies(step, u);
  } else {
    show_one(step, u);
  }
}

void TraceView::show_one(const ShownStep& step, std::optional<double> u) const {
  Pipeline pipeline(sampling_.config());
  const Trace trace = pipeline.trace(step.logits, {.top = top_, .u = u}, step.history);
  if (svg_) {
    // The picture has a curve over all ranks.
    const auto all = static_cast<std::int64_t>(step.logits.size());
    write_file(*svg_, trace_svg(pipeline.trace(step.logits, {.top = all, .u = u}, step.history),
                                pipeline.config(), step.text));
  }
  if (json_) {
    Json object = step.json;
    object.update(step_json(pipeline, trace, step));
    write_json(object);
  } else {
    write_out(trace_table(trace, pipeline.config(), style(top_), step.text));
  }
}

void TraceView::show_strategies(const ShownStep& step, std::optional<double> u) const {
  constexpr std::int64_t kTable = 24;  // as many as have room
  constexpr std::int64_t kPicture = 10;
  const std::int64_t top = top_option_->count() > 0 ? top_ : kTable;
  const std::int64_t listed = svg_ ? std::max(top, kPicture) : top;
  std::vector<NamedTrace> traces;
  Json objects = Json::array();
  for (const auto& [name, config] : all_strategies()) {
    Pipeline pipeline(config);
    traces.push_back({name, pipeline.trace(step.logits, {.top = listed, .u = u}, step.history)});
    if (!json_) continue;
    Json& object = objects.emplace_back(Json{{"name", name}});
    object.update(step.json);
    object.update(step_json(pipeline, traces.back().trace, step));
  }
  if (svg_) write_file(*svg_, strategies_svg(traces, step.text));
  if (json_) {
    write_json(objects);
  } else {
    write_out(strategies_table(traces, style(top), step.text));
  }
}

}  // namespace decant::cli
