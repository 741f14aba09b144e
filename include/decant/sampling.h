// Logits to one token: an ordered list of stages, then a draw.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "decant/logprobs.h"
#include "decant/token_mask.h"
#include "decant/trace.h"
#include "decant/types.h"

namespace decant {

/// What top-k does with tokens that tie with the k-th.
enum class TopKRule {
  kTies,   ///< they stay, so that more than k tokens may (Hugging Face, vLLM, the chapter)
  kExact,  ///< exactly k tokens stay, the lower ids first (llama.cpp)
};

/// Which prefix of the ranking top-p keeps.
enum class TopPRule {
  kInclusive,  ///< the smallest with cumulative probability >= p: the token that crosses p stays
               ///< (Holtzman et al. 2020, Hugging Face)
  kExclusive,  ///< the tokens whose own cumulative probability is <= p, and the first: the token
               ///< that crosses p goes (the arithmetic of the chapter's generate.py)
};

/// Every knob, each with the value that switches it off as its default.
struct SamplingConfig {
  /// The system whose order, defaults, and rules these are (see config_like); empty for Decant's
  /// own. A knob that system does not have must then be off, and values must be in its ranges.
  std::string like = {};

  /// Divides every logit. 1 = off; 0 = greedy: the largest logit wins, the lowest id on a tie.
  /// Finite and >= 0.
  double temperature = 1;

  /// Keeps every token whose probability is at least the k-th largest. 0 = off; a k beyond the
  /// vocabulary keeps all. (Fan et al. 2018)
  std::int64_t top_k = 0;
  TopKRule top_k_rule = TopKRule::kTies;

  /// Keeps the nucleus: the smallest prefix of the ranking that holds probability p, at least one
  /// token. 1 = off. In (0, 1]. (Holtzman et al. 2020)
  double top_p = 1;
  TopPRule top_p_rule = TopPRule::kInclusive;

  /// Keeps tokens whose probability is at least min_p times the largest. 0 = off. In [0, 1].
  /// (Nguyen et al. 2024)
  double min_p = 0;

  /// Keeps the tokens whose surprise is nearest to the entropy, lower id first on ties: the
  /// smallest such set that holds this probability. 1 = off. In (0, 1]. (Meister et al. 2022)
  double typical_p = 1;

  /// Keeps tokens of at least this probability, and always the most probable and its ties. 0 = off.
  /// In [0, 1). (Hewitt et al. 2022)
  double epsilon_cutoff = 0;

  /// As epsilon_cutoff, with the threshold min(eta, sqrt(eta) * exp(-entropy)). 0 = off.
  /// In [0, 1). (Hewitt et al. 2022)
  double eta_cutoff = 0;

  /// Keeps logits >= max - n standard deviations of the finite logits. 0 = off. Finite and >= 0.
  /// (Tang et al. 2024)
  double top_n_sigma = 0;

  /// For each token seen so far, a positive logit is divided by it and a negative one multiplied.
  /// 1 = off. Finite and > 0. (Keskar et al. 2019, CTRL)
  double repetition_penalty = 1;

  /// Subtracted from the logit of each token seen so far, and subtracted once for each time it was
  /// seen. 0 = off. Finite; negative values encourage. (The OpenAI API)
  double presence_penalty = 0;
  double frequency_penalty = 0;

  /// How many of the last tokens the three penalties look at. -1 = all, 0 = none.
  std::int64_t penalty_last_n = -1;

  /// Whether the presence and frequency penalties count the prompt's tokens, too. The repetition
  /// penalty always does.
  bool penalize_prompt = true;

  /// Forbids each token that would complete an n-gram that was there before. 0 = off.
  /// (Paulus et al. 2018)
  std::int64_t no_repeat_ngram_size = 0;

  /// Added to the logits of these tokens. -inf bans a token; +inf and NaN are refused.
  std::map<TokenId, double> logit_bias = {};

  /// The stages in the order in which they act; each filter renormalises what it keeps. A stage may
  /// be left out or stand twice.
  std::vector<std::string> stages = {
      "logit_bias", "constraint", "penalties", "no_repeat_ngram", "temperature", "top_k",
      "top_p",      "min_p",      "typical_p", "epsilon_cutoff",  "eta_cutoff",  "top_n_sigma"};
};

/// The systems whose settings config_like() knows: "hf", "llama.cpp", "vllm", "openai",
/// "generate.py" (the chapter's script).
std::span<const std::string_view> peers();

/// What `peer` does when nobody sets a knob: its order, defaults, tie and boundary rules
/// (docs/peers.md). Throws Error (kInvalidOption) for a name that is not among peers().
SamplingConfig config_like(std::string_view peer);

/// Where in the space of all uniforms a draw takes its luck from. The position is the index of the
/// token to be drawn, counted from the start of the prompt.
struct DrawAddress {
  Seed seed = 0;
  std::uint64_t sequence = 0;  ///< tells apart the texts made with one seed
  std::uint64_t position = 0;
};

/// The uniform at that address: 53 random bits in [0, 1), by Philox 4x32-10 (Salmon et al. 2011).
double uniform(const DrawAddress& address);

/// The text so far: what penalties, no_repeat_ngram_size and the constraint look at. Tokens outside
/// the vocabulary of the logits are passed over.
struct History {
  std::span<const TokenId> tokens = {};  ///< prompt and completion
  std::size_t prompt_size = 0;           ///< how many of them are the prompt
  /// The tokens that may come next (see constraint.h): the stage "constraint" removes all others,
  /// those beyond the mask's vocabulary too. nullptr = any; the stage then does not act.
  const TokenMask* allowed = nullptr;
};

/// The outcome of one step.
struct Draw {
  TokenId token = 0;
  double u = 0;                ///< the uniform in [0, 1) that chose it
  double probability = 0;      ///< in the final distribution, after all stages; within 1e-6
  std::int64_t survivors = 0;  ///< how many tokens the final distribution holds
};

/// The stages of one configuration, validated, with their workspace: after the first step of a
/// given vocabulary size, sampling allocates nothing. Not for two threads at once.
///
///     Pipeline pipeline({.temperature = 0.8, .top_k = 50, .top_p = 0.9});
///     const Draw draw = pipeline.sample(logits, {.seed = 1, .position = tokens.size()});
class Pipeline {
 public:
  /// Throws Error (kInvalidOption) that names the option, its value and its range.
  explicit Pipeline(const SamplingConfig& config = {});
  Pipeline(Pipeline&&) noexcept;
  Pipeline& operator=(Pipeline&&) noexcept;
  ~Pipeline();

  const SamplingConfig& config() const;

  /// Draws the next token from `logits` (V). One uniform a token, always: also for a lone survivor
  /// and in greedy steps, so that the luck of later tokens never depends on earlier settings.
  /// Throws Error (kInvalidLogits) that names the first index that is NaN or +inf,
  /// Error (kNoCandidates) where biases, the constraint or no_repeat_ngram_size forbid every token,
  /// and Error (kInvalidOption) for allowed tokens where the stages leave out "constraint".
  Draw sample(Logits logits, const DrawAddress& address, const History& history = {});

  /// The draw for a uniform of the caller's, 0 <= u < 1: the survivors are ranked (most probable
  /// first, lower id first on ties), their probabilities laid end to end on [0, 1), and the token
  /// under u is taken. Throws Error (kInvalidOption) for another u.
  Draw sample_at(Logits logits, double u, const History& history = {});

  struct Survivor {
    TokenId token;
    double probability;
  };

  /// The `most` most probable of the final distribution, by rank; changes nothing that sample()
  /// returns.
  std::vector<Survivor> distribution(Logits logits, const History& history = {},
                                     std::size_t most = std::numeric_limits<std::size_t>::max());

  /// A way to continue a beam.
  struct Continuation {
    TokenId token;
    double logprob;  ///< natural logarithm of the softmax of the raw logits
    double score;    ///< what the stages made of it; not normalised again
  };

  /// The `most` best continuations by score, lower id first on ties: what beam search chooses
  /// among. As Hugging Face has it, the stages act on log-probabilities rather than on logits, and
  /// the first of them is subtracting `handicap`. Valid until the next call. Throws what sample()
  /// throws.
  std::span<const Continuation> continuations(Logits logits, std::size_t most,
                                              const History& history = {},
                                              const std::map<TokenId, double>& handicap = {});

  /// What every stage did to these logits: see trace.h. With a uniform it holds sample_at()'s draw.
  /// Throws what sample_at() throws.
  Trace trace(Logits logits, const TraceOptions& options = {}, const History& history = {});

  /// What the model thought of one token, the `top` most probable ones, and what each stage made of
  /// the token: see logprobs.h. Reading it costs a pass or two over the logits for each stage; it
  /// changes nothing that sample() returns. Throws what sample() throws, and Error (kInvalidToken)
  /// for a token outside the vocabulary of the logits.
  TokenReport report(Logits logits, TokenId token, std::int64_t top = 0,
                     const History& history = {});

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace decant
