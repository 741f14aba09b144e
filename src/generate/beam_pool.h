// The rules of beam search, without a model: which beginnings are kept, finished and returned.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "decant/beam_search.h"

namespace decant {

/// A continuation of a live beam.
struct BeamCandidate {
  std::size_t beam = 0;  ///< index in live()
  TokenId token = 0;
  double logprob = 0;  ///< of the token, as the model has it
  double score = 0;    ///< what the stages made of that
  bool ends = false;   ///< with it the text is whole
};

/// One group of beams and its finished texts. With num_beam_groups = 1 it is the whole search.
/// How many finished texts a group keeps.
std::size_t finished_capacity(const BeamSearch& options);

class BeamPool {
 public:
  /// `max_length` is in new tokens. The tree, which it adds to, must outlive it.
  BeamPool(const BeamSearch& options, std::int64_t group, std::int64_t max_length,
           std::vector<BeamNode>& tree);

  struct Live {
    std::int64_t node;   ///< -1: the prompt
    std::size_t parent;  ///< where that was in live() a step ago
  };
  /// The beams to continue, best first. None, once the search is over.
  std::span<const Live> live() const { return live_; }

  /// The sum of scores of a beam in live().
  double score(std::size_t beam) const;

  /// How many continuations compete in a step: as many as leave enough when some of them end by
  /// stop tokens. Where stop strings or a constraint end more, fewer beams live on.
  std::size_t competitors(std::size_t stop_tokens) const;

  /// One step: the `most` best of these continuations, lower beam and then lower token first on
  /// ties, compete. Of those that end, as many as there are beams may finish, if they rank so high;
  /// the best others live on, up to the maximal length, or as long as there are any continuations:
  /// then they are finished as they are. Returns the tokens by which it goes on.
  std::vector<TokenId> advance(std::vector<BeamCandidate> candidates, std::size_t most);

  /// Ends the search: what is live is finished as it is.
  void close();

  /// The finished texts by their nodes, in no particular order.
  std::span<const std::int64_t> finished() const { return finished_; }

  double final_score(std::int64_t node) const;

 private:
  double value(double score, std::int64_t length) const;
  BeamNode child(std::int64_t parent, const BeamCandidate& candidate) const;
  void decide(std::int64_t node, BeamFate fate);
  void finish(std::int64_t node);
  bool is_over() const;

  const BeamSearch options_;
  std::int64_t group_;
  std::int64_t max_length_;
  std::vector<BeamNode>& tree_;
  std::size_t size_;      // beams
  std::size_t capacity_;  // finished texts that are kept
  std::int64_t length_ = 0;
  std::vector<Live> live_ = {{-1, 0}};
  std::vector<std::int64_t> finished_;
};

}  // namespace decant
