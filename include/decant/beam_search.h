// Beam search: its options, and all that it looked at.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "decant/logprobs.h"
#include "decant/types.h"

namespace decant {

/// Of beams, and of the candidates of contrastive search. Each has keys and values of its own, 2.4
/// MB more for every 64 tokens with GPT-2 124M in bf16.
inline constexpr std::int64_t kMostBeams = 1024;

/// Keeps the most probable beginnings of a text and continues them side by side, as Hugging Face
/// does it.
struct BeamSearch {
  /// From 1 to kMostBeams. One is a search, too, with its rules for when to end; in Hugging Face it
  /// means none.
  std::int64_t num_beams = 5;
  /// Texts to return, the best first; at most num_beams.
  std::int64_t num_return_sequences = 1;
  /// Finished texts are ranked by score / length^length_penalty, the score being a sum of
  /// log-probabilities, and so negative: more than 0 favours longer texts. From -10 to 10.
  double length_penalty = 1;
  /// When to end, once as many texts are finished as there are beams.
  enum class EarlyStopping {
    kFalse,  ///< when no beam would be better, if it ended now
    kTrue,   ///< at once
    kNever,  ///< when no beam can become better, whatever its length
  };
  EarlyStopping early_stopping = EarlyStopping::kFalse;
  /// How many times num_beams texts must be finished. (Kasai et al. 2022)
  double patience = 1;
  /// Draws the continuations from their distribution, without replacement, rather than to take the
  /// most probable; then temperature and filters act, too.
  bool do_sample = false;
  /// Divides the beams into groups of a size, of which each avoids the tokens that those before it
  /// have chosen in the same step: each use costs diversity_penalty. (Vijayakumar et al. 2016)
  std::int64_t num_beam_groups = 1;
  double diversity_penalty = 0;
};

/// What became of a beginning that beam search looked at.
enum class BeamFate {
  kContinued,   ///< some of its continuations were kept
  kOutranked,   ///< better ones were kept in its step
  kBarren,      ///< kept, but none of its continuations was
  kFinished,    ///< a whole text, but not among the best in the end
  kDisplaced,   ///< a whole text that better ones pushed out
  kReturned,    ///< a whole text, or the best that there was when time was over
  kUnfinished,  ///< kept, but the search ended
};

/// "continued", "outranked", "barren", "finished", "displaced", "returned", "unfinished".
std::string_view beam_fate_name(BeamFate fate);

/// One beginning of a text: its parent's, and a token more.
struct BeamNode {
  std::int64_t parent = -1;  ///< index in Generation::beam_tree; -1: the prompt
  TokenId token = 0;
  std::int64_t length = 0;  ///< new tokens, this one included
  std::int64_t group = 0;
  double logprob = 0;      ///< of the token, as the model has it
  double sum_logprob = 0;  ///< of all new tokens
  double score = 0;        ///< the sum of what the stages made of the log-probabilities
  bool ends = false;       ///< with it the text is whole
  BeamFate fate = BeamFate::kOutranked;
  std::int64_t decided = 0;  ///< the step of that, as a length
  /// With GenerateOptions::logprobs, of a token that is neither outranked nor barren.
  std::optional<TokenReport> report = {};
};

}  // namespace decant
