// Logits to one token: an ordered list of stages, then a draw.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "decant/types.h"

namespace decant {

/// Which prefix of the ranking top-p keeps.
enum class TopPRule {
  kInclusive,  ///< the smallest with cumulative probability >= p: the token that crosses p stays
               ///< (Holtzman et al. 2020, Hugging Face)
  kExclusive,  ///< the tokens whose own cumulative probability is <= p, and the first: the token
               ///< that crosses p goes (the arithmetic of the chapter's generate.py)
};

/// Every knob, each with the value that switches it off as its default.
struct SamplingConfig {
  /// Divides every logit. 1 = off; 0 = greedy: the largest logit wins, the lowest id on a tie.
  /// Finite and >= 0.
  double temperature = 1;

  /// Keeps every token whose probability is at least the k-th largest, ties with the k-th included.
  /// 0 = off; a k beyond the vocabulary keeps all. (Fan et al. 2018)
  std::int64_t top_k = 0;

  /// Keeps the nucleus: the smallest prefix of the ranking that holds probability p, at least one
  /// token. 1 = off. In (0, 1]. (Holtzman et al. 2020)
  double top_p = 1;
  TopPRule top_p_rule = TopPRule::kInclusive;

  /// The stages in the order in which they act; each filter renormalises what it keeps. A stage may
  /// be left out or stand twice.
  std::vector<std::string> stages = {"temperature", "top_k", "top_p"};
};

/// Where in the space of all uniforms a draw takes its luck from. The position is the index of the
/// token to be drawn, counted from the start of the prompt.
struct DrawAddress {
  Seed seed = 0;
  std::uint64_t sequence = 0;  ///< tells apart the texts made with one seed
  std::uint64_t position = 0;
};

/// The outcome of one step.
struct Draw {
  TokenId token = 0;
  double u = 0;                ///< the uniform in [0, 1) that chose it
  double probability = 0;      ///< in the final distribution, after all stages
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
  /// Throws Error (kInvalidLogits) that names the first index that is NaN or +inf.
  Draw sample(Logits logits, const DrawAddress& address);

  /// The draw for a uniform of the caller's, 0 <= u < 1: the survivors are ranked (most probable
  /// first, lower id first on ties), their probabilities laid end to end on [0, 1), and the token
  /// under u is taken.
  Draw sample_at(Logits logits, double u);

  struct Survivor {
    TokenId token;
    double probability;
  };

  /// The final distribution by rank, for looking at; changes nothing that sample() returns.
  std::vector<Survivor> distribution(Logits logits);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace decant
