// Products with packed weights, for one token or many.
//
// T = tokens, K = inner dimension, N = output rows
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "packed_matrix.h"
#include "thread_pool.h"

namespace decant {

/// What becomes of a product before it is stored, in this order.
struct Epilogue {
  std::span<const float> bias = {};              ///< (N), or empty: added to each token's row
  void (*activate)(std::span<float>) = nullptr;  ///< element by element
  bool accumulate = false;                       ///< added to y, rather than stored there
};

/// The memory that products need, kept from one to the next: it grows to the largest that it has
/// seen. Not for two products at once.
class MatmulWorkspace {
 public:
  explicit MatmulWorkspace(ThreadPool& pool);

 private:
  friend void matmul(std::span<const float>, const PackedMatrix&, const Epilogue&, std::span<float>,
                     MatmulWorkspace&);

  ThreadPool& pool_;
  std::vector<std::vector<float>> sums_;  // of one panel, (T, kPanelRows), for each thread
  std::vector<std::int32_t> quants_;  // the inputs, where the weights are integers: QuantizedRows
  std::vector<float> scales_;
  std::vector<std::int32_t> block_sums_;
};

/// y (T, N) = x (T, K) w^T, and then the epilogue. Threads share out the panels of w. With integer
/// weights the rows of x are made integers, too, a scale a block (see quantize.h).
void matmul(std::span<const float> x, const PackedMatrix& w, const Epilogue& epilogue,
            std::span<float> y, MatmulWorkspace& workspace);

}  // namespace decant
