// What the pictures and the tables ask of a trace.
#pragma once

#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "decant/sampling.h"
#include "decant/trace.h"
#include "trace_svg.h"

namespace decant::cli {

inline double raw_probability(const CandidateTrace& candidate) {
  return std::exp(candidate.logprob);
}

inline bool survives(const CandidateTrace& candidate) {
  return !candidate.removed_by && std::isfinite(candidate.logit);
}

inline bool drawn(const Trace& trace, TokenId token) {
  return trace.draw && trace.draw->token == token;
}

/// The token's bytes where they are known, else its id.
inline std::string name_of(TokenId token, const TokenText& text) {
  return text ? text(token) : std::to_string(token);
}

/// The tokens that get a row, by raw rank: those that are or were most probable, and the drawn one.
std::vector<const CandidateTrace*> choose_rows(const Trace& trace, std::size_t limit);

/// The survivors in the order in which the draw lays them on [0, 1).
std::vector<const CandidateTrace*> ranked_survivors(const Trace& trace);

/// The settings in the order in which they act, broken into lines of about `width` characters.
std::vector<std::string> settings(const Trace& trace, const SamplingConfig& config,
                                  std::size_t width);

}  // namespace decant::cli
