// What each stage did to each candidate in one step, to be shown to people.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "decant/types.h"

namespace decant {

struct TraceOptions {
  /// How many of the most probable tokens (by raw logit) are listed.
  std::int64_t top = 10;
  /// Whether survivors are listed however improbable: without a filter that is the vocabulary.
  bool every_survivor = true;
  /// The uniform in [0, 1) of a draw to show.
  std::optional<double> u = {};
};

/// One stage: what went in, and what it took out.
struct StageTrace {
  std::string name;
  std::int64_t kept = 0;
  std::int64_t removed = 0;
  /// The probability of the removed, in the distribution that went in.
  double mass_removed = 0;
  /// The probability, in the distribution that went in, below which tokens went; none where the
  /// stage does not cut by probability.
  std::optional<double> threshold = {};
  double entropy = 0;  ///< of what came out, in nats
};

/// One token's way through the stages.
struct CandidateTrace {
  TokenId token = 0;
  std::int64_t rank = 0;  ///< by raw logit; 0 = the largest, lower id first on ties
  double logit = 0;       ///< raw
  double logprob = 0;     ///< natural logarithm of the softmax of the raw logits
  /// After each stage, in Trace::stages' order: the value that the stage left, and its probability
  /// among what the stage kept. Both end where the token was removed.
  std::vector<double> logits = {};
  std::vector<double> probabilities = {};
  /// The index in Trace::stages of the stage that removed it.
  std::optional<std::size_t> removed_by = {};
  double probability = 0;  ///< in the final distribution
};

/// A draw, and where it lies on [0, 1).
struct DrawTrace {
  TokenId token = 0;
  double u = 0;
  std::int64_t rank = 0;  ///< among the survivors
  double probability = 0;
  double begin = 0;  ///< begin <= u < end; end - begin is the probability, within 1e-6
  double end = 0;
};

/// One step. Reading it costs a sort and allocates; it is for looking, not for the token loop.
struct Trace {
  std::int64_t vocab_size = 0;
  std::int64_t possible = 0;  ///< how many logits are finite
  double entropy = 0;         ///< of the raw distribution, in nats
  /// In the order in which they acted; a stage whose knob is off does not act.
  std::vector<StageTrace> stages = {};
  /// The most probable by raw logit and, unless TraceOptions says otherwise, every survivor, by
  /// rank.
  std::vector<CandidateTrace> candidates = {};
  /// The tokens that are not in `candidates`: their number, and their raw probability in all.
  std::int64_t others = 0;
  double others_probability = 0;
  double final_entropy = 0;    ///< after all stages, in nats
  std::int64_t survivors = 0;  ///< after all stages
  double mass_kept = 0;        ///< the raw probability of the survivors
  std::optional<DrawTrace> draw = {};
};

}  // namespace decant
