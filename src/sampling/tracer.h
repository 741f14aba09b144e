// Writes down what stages do to the candidates, by looking at them in between.
#pragma once

#include <optional>
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

  /// The trace, with the `top` tokens of the largest logits and all survivors.
  Trace finish(const TraceOptions& options, Candidates& candidates);

 private:
  // The candidates at one time.
  struct Snapshot {
    std::vector<double> logits;         // (V), of the candidates
    std::vector<double> probabilities;  // (V), 0 where there is no candidate
    std::vector<bool> possible;         // (V)
    std::int64_t size = 0;
    float max = 0;
    double temperature = 1;
    double mass = 1;
    double entropy = 0;
  };
  Snapshot look(Candidates& candidates) const;

  std::size_t vocab_size_;
  std::vector<Place> ranking_;  // by raw logit
  std::vector<Snapshot> snapshots_;
  Trace trace_;
};

}  // namespace decant
