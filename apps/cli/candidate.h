// What the pictures ask of a candidate.
#pragma once

#include <cmath>
#include <string>

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

}  // namespace decant::cli
