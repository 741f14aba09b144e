// What `decant bench` measures of a loaded model, and the floor beside it.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "arithmetic.h"
#include "decant/model.h"
#include "decant/sampling.h"

namespace decant::cli {

double median(std::vector<double> values);

/// Steps of one sequence, always at the same positions.
struct Decode {
  std::int64_t position = 0;    ///< of the first step
  std::int64_t steps = 0;       ///< in a round
  double bytes = 0;             ///< that a step reads, in the mean
  std::vector<double> seconds;  ///< of a step, one number a round
  std::vector<double> floor;    ///< to read as many bytes, measured just before
};

/// Steps of several sequences at once, which share each read of the weights.
struct Batch {
  std::size_t sequences = 0;
  std::int64_t position = 0;         ///< of the first step
  std::int64_t steps = 0;            ///< in a round
  std::vector<double> seconds = {};  ///< of a step of all sequences, one number a round
  std::vector<double> floor = {};    ///< of its reading or its arithmetic, whichever takes longer
};

/// Times are in seconds, one number a round.
struct Measurements {
  int threads = 0;
  std::size_t buffer_bytes = 0;  ///< what was read to measure the bandwidth: as much as the weights
  std::vector<double> bandwidth;       ///< bytes per second, more than one a round
  Numbers numbers = Numbers::kFloats;  ///< that weights and inputs are multiplied as
  std::vector<double> arithmetic;      ///< multiplications and additions of such per second
  std::int64_t prompt_tokens = 0;
  std::vector<double> first_token;  ///< a short prompt and the first draw
  std::int64_t prefill_tokens = 0;
  std::vector<double> prefill;
  std::vector<double> prefill_floor;  ///< of its arithmetic
  std::array<Decode, 2> decode;       ///< near the beginning of the window, and up to its end
  std::array<Batch, 2> batches;
  std::vector<double> sampling;  ///< of one token
};

/// First makes sure that the logits are the same on one thread and on all, step by step and at
/// once, alone and in company: a fast wrong answer is worth nothing. Then measures in rounds,
/// everything once a round, for some fifteen seconds: what else runs on the machine then slows all
/// of it, the floor too. Throws std::runtime_error where the logits differ.
Measurements measure(const Model& model, int threads, const SamplingConfig& sampling);

/// The operations of `tokens` behind `position` others, and the logits after the
/// last one: a multiplication and an addition for each weight and, in attention, for each channel
/// of each key and value that a token looks at.
double operations(const ModelConfig& config, std::int64_t position, std::int64_t tokens);

}  // namespace decant::cli
