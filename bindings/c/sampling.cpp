#include "decant/sampling.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <optional>

#include "boundary.h"
#include "decant/json.h"
#include "handles.h"

namespace decant::c {
namespace {

struct Input {
  Logits logits;
  History history;
};

Input read_input(const decant_sampling_input* given) {
  const auto input = read_struct(given, "input");
  const Logits logits = array(input.logits, input.vocab_size, "input->logits");
  if (logits.empty() || logits.size() > std::numeric_limits<TokenId>::max()) {
    throw BadCall{"input->vocab_size is " + std::to_string(logits.size()) +
                  ": it must be in [1, 2^31 - 1]"};
  }
  const std::span<const TokenId> tokens =
      array(input.history, input.history_size, "input->history");
  if (input.prompt_size > tokens.size()) {
    throw BadCall{"input->prompt_size is " + std::to_string(input.prompt_size) +
                  ": it must be at most history_size, " + std::to_string(tokens.size())};
  }
  return {logits, {.tokens = tokens, .prompt_size = input.prompt_size}};
}

double checked_uniform(double u) {
  if (!(u >= 0 && u < 1)) throw BadCall{"u is " + std::to_string(u) + ": it must be in [0, 1)"};
  return u;
}

decant_draw to_c(const Draw& draw) {
  return {.struct_size = sizeof(decant_draw),
          .u = draw.u,
          .probability = draw.probability,
          .survivors = draw.survivors,
          .token = draw.token};
}

}  // namespace
}  // namespace decant::c

using namespace decant::c;

extern "C" {

decant_status decant_pipeline_create(const char* settings, size_t settings_size,
                                     decant_pipeline** pipeline) noexcept {
  return guarded([&] {
    decant_pipeline*& made = output(pipeline, "pipeline");
    const std::string_view json = text(settings, settings_size, "settings");
    made = make_handle<decant_pipeline>(
        decant::Pipeline(json.empty() ? decant::SamplingConfig{} : decant::config_from_json(json)));
  });
}

void decant_pipeline_destroy(decant_pipeline* pipeline) noexcept { delete pipeline; }

decant_status decant_pipeline_settings(const decant_pipeline* pipeline, char** json,
                                       size_t* json_size) noexcept {
  return guarded([&] {
    char*& data = output(json, "json");
    size_t& size = output(json_size, "json_size");
    give(decant::to_json(need(pipeline, "pipeline").pipeline.config()), data, size);
  });
}

double decant_uniform(uint64_t seed, uint64_t sequence, uint64_t position) noexcept {
  return decant::uniform({.seed = seed, .sequence = sequence, .position = position});
}

decant_status decant_pipeline_sample(decant_pipeline* pipeline, const decant_sampling_input* input,
                                     uint64_t seed, uint64_t sequence, uint64_t position,
                                     decant_draw* draw) noexcept {
  return guarded([&] {
    const OutputStruct out(draw, "draw");
    const Input in = read_input(input);
    out.write(to_c(need(pipeline, "pipeline")
                       .pipeline.sample(in.logits,
                                        {.seed = seed, .sequence = sequence, .position = position},
                                        in.history)));
  });
}

decant_status decant_pipeline_sample_at(decant_pipeline* pipeline,
                                        const decant_sampling_input* input, double u,
                                        decant_draw* draw) noexcept {
  return guarded([&] {
    const OutputStruct out(draw, "draw");
    const Input in = read_input(input);
    out.write(to_c(
        need(pipeline, "pipeline").pipeline.sample_at(in.logits, checked_uniform(u), in.history)));
  });
}

decant_status decant_pipeline_distribution(decant_pipeline* pipeline,
                                           const decant_sampling_input* input, int32_t* tokens,
                                           double* probabilities, size_t capacity,
                                           size_t* survivors) noexcept {
  return guarded([&] {
    size_t& all = output(survivors, "survivors");
    const Input in = read_input(input);
    const auto ranked = need(pipeline, "pipeline").pipeline.distribution(in.logits, in.history);
    const size_t shown = std::min(capacity, ranked.size());
    for (size_t i = 0; i < shown; ++i) {
      if (tokens != nullptr) tokens[i] = ranked[i].token;
      if (probabilities != nullptr) probabilities[i] = ranked[i].probability;
    }
    all = ranked.size();
  });
}

decant_status decant_pipeline_trace(decant_pipeline* pipeline, const decant_sampling_input* input,
                                    const decant_trace_options* options, char** json,
                                    size_t* json_size) noexcept {
  return guarded([&] {
    char*& data = output(json, "json");
    size_t& size = output(json_size, "json_size");
    const Input in = read_input(input);
    const auto given = read_struct(options, "options");
    if (given.top < 0) {
      throw BadCall{"options->top is " + std::to_string(given.top) + ": it must be 0 or more"};
    }
    decant::TraceOptions show{.top = given.top, .every_survivor = given.only_top == 0};
    if (given.u != nullptr) show.u = checked_uniform(*given.u);
    std::function<std::string(decant::TokenId)> text_of;
    if (given.tokenizer != nullptr) {
      text_of = [&known = given.tokenizer->tokenizer](decant::TokenId token) {
        return std::string(known.contains(token) ? known.token_bytes(token) : std::string_view());
      };
    }
    const decant::Trace trace =
        need(pipeline, "pipeline").pipeline.trace(in.logits, show, in.history);
    give(decant::to_json(trace, text_of), data, size);
  });
}

decant_status decant_pipeline_report(decant_pipeline* pipeline, const decant_sampling_input* input,
                                     int32_t token, decant_token_report* report) noexcept {
  return guarded([&] {
    const OutputStruct out(report, "report");
    const Input in = read_input(input);
    const decant::TokenReport seen =
        need(pipeline, "pipeline").pipeline.report(in.logits, token, 0, in.history);
    out.write({.struct_size = sizeof(decant_token_report),
               .logprob = seen.logprob,
               .mass_before = seen.mass_before,
               .entropy = seen.entropy,
               .final_logprob = seen.after.empty() ? seen.logprob : seen.after.back().logprob,
               .rank = seen.rank});
  });
}

}  // extern "C"
