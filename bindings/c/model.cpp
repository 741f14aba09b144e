#include "decant/model.h"

#include <optional>

#include "boundary.h"
#include "decant/score.h"
#include "handles.h"

namespace decant::c {
namespace {

WeightFormat weight_format(std::int32_t weights) {
  switch (weights) {
    case DECANT_WEIGHTS_AUTO:
      return WeightFormat::kAuto;
    case DECANT_WEIGHTS_F32:
      return WeightFormat::kF32;
    case DECANT_WEIGHTS_BF16:
      return WeightFormat::kBF16;
    case DECANT_WEIGHTS_Q8:
      return WeightFormat::kQ8;
    case DECANT_WEIGHTS_Q4:
      return WeightFormat::kQ4;
    default:
      throw BadCall{"options->weights is " + std::to_string(weights) +
                    ": it must be one of DECANT_WEIGHTS_..."};
  }
}

std::int32_t weights_code(WeightFormat format) {
  switch (format) {
    case WeightFormat::kAuto:
      return DECANT_WEIGHTS_AUTO;
    case WeightFormat::kF32:
      return DECANT_WEIGHTS_F32;
    case WeightFormat::kBF16:
      return DECANT_WEIGHTS_BF16;
    case WeightFormat::kQ8:
      return DECANT_WEIGHTS_Q8;
    case WeightFormat::kQ4:
      break;
  }
  return DECANT_WEIGHTS_Q4;
}

}  // namespace
}  // namespace decant::c

using namespace decant::c;

extern "C" {

decant_status decant_model_open(const char* path, size_t path_size,
                                const decant_model_options* options,
                                decant_model** model) noexcept {
  return guarded([&] {
    decant_model*& made = output(model, "model");
    const std::filesystem::path place = file_path(path, path_size);
    const auto chosen =
        options == nullptr ? decant_model_options{} : read_struct(options, "options");
    decant::LoadOptions load;
    load.weights = weight_format(chosen.weights);
    decant::CheckpointOptions checkpoint_options;
    if (chosen.n_head != 0) checkpoint_options.n_head = chosen.n_head;
    const auto checkpoint = decant::Checkpoint::open(place, checkpoint_options);
    std::string notes;
    for (const std::string& note : checkpoint.notes()) notes += note + "\n";
    made = make_handle<decant_model>(std::make_shared<const decant::Model>(checkpoint, load),
                                     std::move(notes));
  });
}

void decant_model_destroy(decant_model* model) noexcept { delete model; }

decant_status decant_model_get_info(const decant_model* model, decant_model_info* info) noexcept {
  return guarded([&] {
    const OutputStruct out(info, "info");
    const decant::Model& packed = *need(model, "model").model;
    const decant::ModelConfig& config = packed.config();
    out.write({.struct_size = sizeof(decant_model_info),
               .vocab_size = config.vocab_size,
               .block_size = config.block_size,
               .n_layer = config.n_layer,
               .n_head = config.n_head,
               .n_embd = config.n_embd,
               .weight_bytes = static_cast<int64_t>(packed.weight_bytes()),
               .weights = weights_code(packed.weights())});
  });
}

decant_status decant_model_notes(const decant_model* model, const char** text,
                                 size_t* text_size) noexcept {
  return guarded([&] {
    const char*& data = output(text, "text");
    size_t& size = output(text_size, "text_size");
    const std::string& notes = need(model, "model").notes;
    data = notes.c_str();
    size = notes.size();
  });
}

decant_status decant_session_create(const decant_model* model, int32_t threads,
                                    decant_session** session) noexcept {
  return guarded([&] {
    decant_session*& made = output(session, "session");
    const auto& shared = need(model, "model").model;
    made = make_handle<decant_session>(shared, decant::Session(*shared, threads));
  });
}

void decant_session_destroy(decant_session* session) noexcept { delete session; }

decant_status decant_session_prefill(decant_session* session, const int32_t* tokens,
                                     size_t token_count, const float** logits,
                                     size_t* vocab_size) noexcept {
  return guarded([&] {
    const float*& data = output(logits, "logits");
    size_t& size = output(vocab_size, "vocab_size");
    const auto ids = array(tokens, token_count, "tokens");
    if (ids.empty()) throw BadCall{"token_count is 0: there must be at least one token"};
    const decant::Logits row = need(session, "session").session.prefill(ids);
    data = row.data();
    size = row.size();
  });
}

decant_status decant_session_step(decant_session* session, int32_t token, const float** logits,
                                  size_t* vocab_size) noexcept {
  return decant_session_prefill(session, &token, 1, logits, vocab_size);
}

decant_status decant_session_position(const decant_session* session, int64_t* position) noexcept {
  return guarded([&] {
    int64_t& seen = output(position, "position");
    seen = need(session, "session").session.position();
  });
}

decant_status decant_session_truncate(decant_session* session, int64_t length) noexcept {
  return guarded([&] {
    decant::Session& text = need(session, "session").session;
    if (length < 0 || length > text.position()) {
      throw BadCall{"length is " + std::to_string(length) + ": it must be in [0, " +
                    std::to_string(text.position()) + "]"};
    }
    text.truncate(length);
  });
}

decant_status decant_session_score(decant_session* session, const int32_t* tokens,
                                   size_t token_count, double* logprobs) noexcept {
  return guarded([&] {
    const auto ids = array(tokens, token_count, "tokens");
    need(logprobs, "logprobs");
    decant::score(need(session, "session").session, ids,
                  [&](std::size_t index, const decant::TokenReport& score) {
                    logprobs[index - 1] = score.logprob;
                  });
  });
}

}  // extern "C"
