// Writes down what stages do to the candidates, by looking at them in between.
#pragma once

#include <string_view>
#include <vector>

#include "candidates.h"
#include "decant/sampling.h"
#include "decant/trace.h"
#include "decant/types.h"

namespace decant {

class Tracer {
 public:
  /// Looks at the candidates as they begin.
  Tracer(Logits logits, Candidates& candidates);

  /// Looks at what one stage has left.
  void record(std::string_view stage, Candidates& candidates);
  void record(const Draw& draw, Candidates& candidates);

  /// The trace, with the tokens that `options` ask for.
  Trace finish(const TraceOptions& options, Candidates& candidates);

 private:
  // The candidates at one time.
  struct Snapshot {
    std::vector<float> values;  // (V), -inf where there is no candidate
    std::int64_t size = 0;
    float max = 0;
    double temperature = 1;
    double mass = 1;
    double entropy = 0;

    bool has(std::size_t token) const;
    double probability(std::size_t token) const;
    double probability_of(const std::vector<float>& some) const;  // values of candidates
  };
  Snapshot look(Candidates& candidates) const;
  CandidateTrace follow(TokenId token, std::int64_t rank) const;

  std::size_t vocab_size_;
  std::vector<Place> ranking_;  // by raw logit
  std::vector<Snapshot> snapshots_;
  std::vector<float> some_;  // workspace: values to be added up
  Trace trace_;
};

}  // namespace decant
