#include "matmul.h"

#include <algorithm>
#include <cassert>

#include "panel.h"

namespace decant {
namespace {

constexpr std::size_t kRows = PackedMatrix::kPanelRows;

template <typename T>
T* at_least(std::vector<T>& values, std::size_t count) {
  if (values.size() < count) values.resize(count);
  return values.data();
}

// Floats of a piece of a panel that is widened for many tokens.
std::size_t widened_floats(const PackedMatrix& w) {
  switch (w.type()) {
    case WeightType::kBF16:
      return static_cast<std::size_t>(std::min(w.cols(), kWidenedInputs)) * kRows;
    case WeightType::kQ4:
      return static_cast<std::size_t>(w.blocks()) * kQ8BlockBytes / sizeof(float);
    case WeightType::kF32:
    case WeightType::kQ8:
      break;
  }
  return 0;
}

// y (rows of one panel) of one token from its sums.
void store(std::span<float> sums, const Epilogue& epilogue, std::size_t first, float* y) {
  if (!epilogue.bias.empty()) {
    const float* const bias = epilogue.bias.data() + first;
    for (std::size_t r = 0; r < sums.size(); ++r) sums[r] += bias[r];
  }
  if (epilogue.activate != nullptr) epilogue.activate(sums);
  if (epilogue.accumulate) {
    for (std::size_t r = 0; r < sums.size(); ++r) y[r] += sums[r];
  } else {
    std::ranges::copy(sums, y);
  }
}

}  // namespace

MatmulWorkspace::MatmulWorkspace(ThreadPool& pool)
    : pool_(pool), threads_(static_cast<std::size_t>(pool.threads())) {}

void matmul(std::span<const float> x, const PackedMatrix& w, const Epilogue& epilogue,
            std::span<float> y, MatmulWorkspace& workspace) {
  const auto cols = static_cast<std::size_t>(w.cols());
  const auto rows = static_cast<std::size_t>(w.rows());
  const std::size_t tokens = x.size() / cols;
  assert(x.size() == tokens * cols && y.size() == tokens * rows);
  assert(epilogue.bias.empty() || epilogue.bias.size() == rows);

  const bool integers = w.type() == WeightType::kQ8 || w.type() == WeightType::kQ4;
  const auto blocks = static_cast<std::size_t>(w.blocks());
  QuantizedRows quantized{};
  if (integers) {
    constexpr std::size_t kBlock = PackedMatrix::kBlock;
    std::int8_t* const quants = at_least(workspace.quants_, tokens * blocks * kBlock);
    float* const scales = at_least(workspace.scales_, tokens * blocks);
    std::int32_t* const sums = at_least(workspace.block_sums_, tokens * blocks);
    workspace.pool_.parallel_for(
        static_cast<std::int64_t>(tokens), 4, [&](int, std::int64_t begin, std::int64_t end) {
          for (auto t = static_cast<std::size_t>(begin); t < static_cast<std::size_t>(end); ++t) {
            quantize_row(x.subspan(t * cols, cols), quants + t * blocks * kBlock,
                         scales + t * blocks, sums + t * blocks);
          }
        });
    quantized = {quants, scales, sums, blocks};
  }

  const std::size_t widened_size = widened_floats(w);
  workspace.pool_.parallel_for(
      w.panels(), 1, [&](int thread, std::int64_t begin, std::int64_t end) {
        MatmulWorkspace::Thread& own = workspace.threads_[static_cast<std::size_t>(thread)];
        float* const sums = at_least(own.sums, tokens * kRows);
        float* const widened = at_least(own.widened, widened_size);
        for (std::int64_t panel = begin; panel < end; ++panel) {
          if (integers) {
            multiply_integer_panel(w, panel, quantized, tokens, widened, sums);
          } else {
            multiply_float_panel(w, panel, x.data(), tokens, widened, sums);
          }
          const std::size_t first = static_cast<std::size_t>(panel) * kRows;
          const std::size_t count = std::min(rows - first, kRows);
          for (std::size_t t = 0; t < tokens; ++t) {
            store({sums + t * kRows, count}, epilogue, first, y.data() + t * rows + first);
          }
        }
      });
}

}  // namespace decant
