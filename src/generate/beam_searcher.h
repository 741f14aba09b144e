// Beam search over the logits that somebody else computes.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <vector>

#include "beam_pool.h"
#include "job.h"
#include "next_tokens.h"
#include "stream.h"

namespace decant {

class BeamSearcher {
 public:
  /// The request's strategy is BeamSearch. The task must outlive it.
  explicit BeamSearcher(const Task& task);
  BeamSearcher(const BeamSearcher&) = delete;
  BeamSearcher& operator=(const BeamSearcher&) = delete;

  /// A beginning to continue.
  struct Beam {
    std::vector<TokenId> tokens;  ///< the prompt and what was made
    Stream stream;
    NextTokens next;
    std::size_t parent = 0;  ///< in beams(), a step ago
  };
  /// None, once the search is over. At first there is one: the prompt.
  std::span<const Beam> beams() const { return beams_; }

  /// One step; the rows are the logits after each of beams(), in order.
  void advance(std::span<const Logits> rows);

  /// What was found, best first.
  Generation finish(std::optional<FinishReason> interruption);

 private:
  struct Group {
    BeamPool pool;
    std::vector<std::size_t> beams;  // where in beams_ the pool's live ones are
  };

  void advance(Group& group, std::span<const Logits> rows);
  void report(const Group& group, std::size_t first_node, std::span<const std::int64_t> parents,
              std::span<const Logits> rows);
  std::vector<BeamCandidate> candidates(const Group& group, std::size_t most,
                                        std::span<const Logits> rows);
  std::vector<BeamCandidate> draw(const Group& group, std::size_t most,
                                  std::span<const BeamCandidate> all) const;
  bool ends(const Beam& beam, TokenId token) const;
  void branch();
  FinishReason reason(const BeamNode& last, std::optional<FinishReason> interruption) const;
  Hypothesis hypothesis(std::int64_t last, double final_score, FinishReason reason) const;
  const BeamNode& node(std::int64_t index) const {
    return made_.beam_tree[static_cast<std::size_t>(index)];
  }

  const Task& task_;
  const BeamSearch options_;
  std::vector<Beam> beams_;
  std::vector<Group> groups_;
  std::map<TokenId, double> handicap_;   // of tokens that groups have chosen in this step
  std::optional<FinishReason> failure_;  // what befell a beam that led nowhere; see made_.error
  Generation made_;
};

}  // namespace decant
