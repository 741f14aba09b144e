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
  /// Looks at the candidates as they begin. `options` say which tokens the trace lists.
  Tracer(Logits logits, const TraceOptions& options, Candidates& candidates);

  /// Looks at what one stage has left.
  void record(std::string_view stage, Candidates& candidates);
  void record(const Draw& draw, Candidates& candidates);

  Trace finish(Candidates& candidates);

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
    // Of candidates' values; -inf is none's.
    double probability_of(const std::vector<float>& some) const;
  };
  Snapshot look(Candidates& candidates) const;
  // What became of the probability before. Whichever are fewer are added up, as a filter mostly
  // keeps few of a vocabulary or removes few; the others are what is left of 1.
  struct Shares {
    double kept;
    double gone;
  };
  Shares divide(const Snapshot& before, const Snapshot& after);
  CandidateTrace follow(TokenId token, std::int64_t rank) const;

  std::size_t vocab_size_;
  TraceOptions options_;
  std::vector<Place> ranking_;  // by raw logit, of those that may be listed
  std::vector<Snapshot> snapshots_;
  std::vector<float> some_;  // workspace: values to be added up
  Trace trace_;
};

}  // namespace decant
