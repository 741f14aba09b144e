// Pictures of traces: SVG documents that stand alone, in light and in dark.
#pragma once

#include <functional>
#include <span>
#include <string>

#include "decant/sampling.h"
#include "decant/trace.h"

namespace decant::cli {

/// The bytes of a token, which may be anything; empty where only ids are known.
using TokenText = std::function<std::string(TokenId)>;

/// One step as a picture: each token's probability before and after, the stage that removed it,
/// what every stage did, and the draw on [0, 1). `config` is what the trace was made with. Rows
/// beyond the first twenty are summed; the rank curve goes as far as the trace lists candidates, so
/// that a TraceOptions::top of the vocabulary's size shows it whole.
std::string trace_svg(const Trace& trace, const SamplingConfig& config, const TokenText& text = {});

/// A trace with the words that stand over its picture, for instance "top_p 0.5".
struct NamedTrace {
  std::string name;
  Trace trace;
};

/// Small multiples: one cell a strategy, all over the same logits, with one scale and one order of
/// tokens. Each trace lists at least the tokens that are to be shown: a TraceOptions::top of 10.
std::string strategies_svg(std::span<const NamedTrace> strategies, const TokenText& text = {});

}  // namespace decant::cli
