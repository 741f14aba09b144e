// The loop that joins tokenizer, model and sampling: a prompt becomes text.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

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
  kLength,     ///< max_new_tokens were made, or the context was full under ContextPolicy::kStop
  kStop,       ///< a stop string or a stop token came up; it is not part of the text
  kCancelled,  ///< the listener asked for it
  kError,      ///< the model broke down, or the settings forbid every token; see Generation::error
};

/// "length", "stop", "cancelled", "error".
std::string_view finish_reason_name(FinishReason reason);

struct GenerateOptions {
  std::int64_t max_new_tokens = 200;  ///< 0 or more
  ContextPolicy context = ContextPolicy::kCrop;
  std::vector<std::string> stop = {};     ///< texts that end the output; they may straddle tokens
  std::vector<TokenId> stop_tokens = {};  ///< tokens that end the output
  Seed seed = 0;
  std::uint64_t sequence = 0;  ///< tells apart several texts from one seed
  bool raw = false;  ///< pass bytes on as they are, rather than U+FFFD for what is not UTF-8
};

/// Throws Error (kInvalidOption) that names the option, its value and its range. generate() does
/// this first; to do it before a model is loaded saves the wait.
void validate(const GenerateOptions& options);

/// One token that was drawn, with the scores that it was drawn from.
struct Step {
  const Draw& draw;
  Logits logits;           ///< (V), before any stage; valid during the call
  std::string_view bytes;  ///< of this token alone, maybe not whole characters
};

struct Generation {
  std::vector<TokenId>
      tokens;  ///< the new ones, without the prompt; a stop token is not among them
  FinishReason finish_reason = FinishReason::kLength;
  std::string error;  ///< with FinishReason::kError: what went wrong, in one line
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
