// The loop that joins tokenizer, model and sampling: a prompt becomes text.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "decant/beam_search.h"
#include "decant/constraint.h"
#include "decant/model.h"
#include "decant/sampling.h"
#include "decant/tokenizer.h"
#include "decant/types.h"

namespace decant {

/// What happens when the text has outgrown the model's block_size. A longer prompt is always
/// cropped from the left.
enum class ContextPolicy {
  kCrop,   ///< each step sees the last block_size tokens, and recomputes them (the chapter's loop)
  kSlide,  ///< the older half is dropped and the newer recomputed, once every half window
  kStop,   ///< the text ends
};

enum class FinishReason {
  kLength,        ///< max_new_tokens were made, or the context was full under ContextPolicy::kStop
  kStop,          ///< a stop string or a stop token came up; it is not part of the text
  kTime,          ///< max_time was over
  kCancelled,     ///< the listener asked for it
  kNoCandidates,  ///< constraint and settings together forbid every token; see Generation::error
  kError,         ///< the model broke down; see Generation::error
};

/// "length", "stop", "time", "cancelled", "no_candidates", "error".
std::string_view finish_reason_name(FinishReason reason);

/// Guesses some tokens ahead, for the model to check in one step: it reads its weights once for all
/// of them. A guess holds where it is the very token that is drawn, so the text is, to the bit, the
/// one without. Where guesses fail, fewer are made.
struct Speculation {
  /// Guesses by what followed the last tokens where they stood in the text before: at most so many
  /// at a time. 0 = off. (Saxena 2023, "Prompt Lookup Decoding")
  std::int64_t prompt_lookup_num_tokens = 0;
  /// Guesses by a smaller model with the same tokenizer: at most num_draft_tokens at a time. It
  /// draws with the same luck. (Leviathan et al. 2022)
  SessionGroup* draft = nullptr;
  std::int64_t num_draft_tokens = 5;
};

/// Draws each token from the pipeline's distribution; greedy at temperature 0.
struct Sampling {
  Speculation speculation = {};
};

/// Takes, of the top_k most probable tokens, the one with the largest
/// (1 - alpha) * probability - alpha * (largest cosine similarity of its hidden state to those of
/// the tokens before it). (Su et al. 2022)
struct ContrastiveSearch {
  std::int64_t top_k = 4;      ///< from 1 to kMostBeams
  double penalty_alpha = 0.6;  ///< in [0, 1]; 0 is greedy
};

using Strategy = std::variant<Sampling, BeamSearch, ContrastiveSearch>;

struct GenerateOptions {
  Strategy strategy = Sampling{};
  std::int64_t max_new_tokens = 200;  ///< 0 or more
  std::int64_t min_new_tokens = 0;    ///< before so many, stop tokens are not drawn
  ContextPolicy context = ContextPolicy::kCrop;
  std::vector<std::string> stop = {};     ///< texts that end the output; they may straddle tokens
  std::vector<TokenId> stop_tokens = {};  ///< tokens that end the output
  /// That a text may take, prompt and all, from the call on; of more than kMostAtOnce texts, from
  /// when it joins.
  std::optional<std::chrono::duration<double>> max_time = {};
  Seed seed = 0;
  std::uint64_t sequence = 0;  ///< tells apart several texts from one seed
  /// What the text has to keep to, made with these stop tokens as its end tokens; it must outlive
  /// the call. Where the constraint lets no token follow, the text ends with FinishReason::kStop.
  const Constraint* constraint = nullptr;
  /// BeamSearch is to report on each token, with as many of the most probable ones. The other
  /// strategies have Listener::on_step for that.
  std::optional<std::int64_t> logprobs = {};
  bool raw = false;  ///< pass bytes on as they are, rather than U+FFFD for what is not UTF-8
};

/// Throws Error (kInvalidOption) that names the option, its value and its range. generate() does
/// this first; to do it before a model is loaded saves the wait.
void validate(const GenerateOptions& options);

/// The same, and what the options ask of the pipeline: a constraint and min_new_tokens need the
/// stage "constraint"; beams of which none is drawn refuse temperature and filters; contrastive
/// search refuses temperature 0, which leaves it no choice.
void validate(const GenerateOptions& options, const SamplingConfig& sampling);

/// One token that was drawn, with the scores that it was drawn from.
struct Step {
  const Draw& draw;
  Logits logits;           ///< (V), before any stage; valid during the call
  const History& history;  ///< what the stages saw; valid during the call
  std::string_view bytes;  ///< of this token alone, maybe not whole characters
};

/// A text that beam search returns.
struct Hypothesis {
  std::int64_t node = -1;            ///< its last one, in Generation::beam_tree; -1: an empty text
  std::vector<TokenId> tokens = {};  ///< the new ones; a stop token is not among them
  std::string text = {};
  double sum_logprob = 0;   ///< of its tokens and the stop token, as the model has them
  double score = 0;         ///< the sum of what the stages made of them
  std::int64_t length = 0;  ///< in tokens, the stop token included
  double final_score = 0;   ///< score / length^length_penalty
  FinishReason finish_reason = FinishReason::kLength;
};

struct Generation {
  std::vector<TokenId>
      tokens;  ///< the new ones, without the prompt; a stop token is not among them
  FinishReason finish_reason = FinishReason::kLength;
  std::string error = {};  ///< with kNoCandidates and kError: what went wrong, in one line
  /// Of BeamSearch: what it returns, best first. The first is this text.
  std::vector<Hypothesis> hypotheses = {};
  std::vector<BeamNode> beam_tree = {};  ///< of BeamSearch: all that it looked at
  std::int64_t guessed = 0;              ///< tokens that Speculation guessed,
  std::int64_t guessed_right = 0;        ///< and that were drawn
};

/// What generate() tells while it runs. Each may be empty; none may use the session or its group.
struct Listener {
  /// Text as soon as it is certain: whole UTF-8 characters that cannot be part of a stop string.
  std::function<void(std::string_view text)> on_text = {};
  std::function<void(const Step& step)> on_step = {};
  std::function<void(const Generation& made)> on_finish = {};
  /// Asked before each token; true ends the text.
  std::function<bool()> cancelled = {};
};

/// Continues `prompt` (at least one token) in `session`, which it starts over. Text, tokens and
/// draws are a function of the model, the settings and the seed alone. Between tokens
/// nothing is allocated but what grows with the text: keys and values, a block every 64 tokens.
/// Throws Error (kInvalidPrompt, kInvalidOption, kInvalidToken) before the first token; later
/// trouble is a FinishReason, so that nothing made so far is lost.
///
///     Generation made = generate(session, tokenizer, pipeline, tokenizer.encode("ROMEO:"),
///                                {.seed = 1}, {.on_text = [](std::string_view t) { std::cout << t;
///                                }});
Generation generate(Session& session, const Tokenizer& tokenizer, Pipeline& pipeline,
                    std::span<const TokenId> prompt, const GenerateOptions& options,
                    const Listener& listener = {});

/// One of several texts.
struct GenerateRequest {
  std::span<const TokenId> prompt;  ///< at least one token
  GenerateOptions options = {};
  Listener listener = {};
};

/// Makes all texts, up to kMostAtOnce side by side: a step reads each weight once for all of them,
/// or once for 256 tokens, where texts have outgrown the window and are recomputed. When one ends,
/// the next joins. Neighbours with the same prompt, if it fits the window, compute it once. Each
/// text is, to the bit, what generate() makes of its request alone. Throws as that does, before the
/// first token of any.
std::vector<Generation> generate(SessionGroup& group, const Tokenizer& tokenizer,
                                 Pipeline& pipeline, std::span<const GenerateRequest> requests);

/// Each has its own keys and values: 32 texts of 1,024 tokens take 1.2 GB with GPT-2 124M in bf16.
inline constexpr std::size_t kMostAtOnce = 32;

}  // namespace decant
