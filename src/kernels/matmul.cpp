#include "matmul.h"

#include <algorithm>
#include <cassert>

#include "panel.h"
#include "token_tiles.h"

namespace decant {
namespace {

constexpr std::size_t kRows = PackedMatrix::kPanelRows;

// A product of so few bytes of weights times tokens, some microseconds, is over before other
// threads have joined in.
constexpr std::size_t kAloneBytes = std::size_t{320} << 10;

template <typename T>
T* at_least(std::vector<T>& values, std::size_t count) {
  if (values.size() < count) values.resize(count);
  return values.data();
}

// y (T, N) from a panel's sums (T, kRows): its rows `first` to `first + count`.
void store(std::span<float> sums, const Epilogue& epilogue, std::size_t first, std::size_t count,
           std::span<float> y, std::size_t stride) {
  const std::size_t tokens = sums.size() / kRows;
  if (!epilogue.bias.empty()) {
    const float* const bias = epilogue.bias.data() + first;
    for (std::size_t t = 0; t < tokens; ++t) {
      for (std::size_t r = 0; r < count; ++r) sums[t * kRows + r] += bias[r];
    }
  }
  if (epilogue.activate != nullptr) epilogue.activate(sums);
  for (std::size_t t = 0; t < tokens; ++t) {
    const float* const from = sums.data() + t * kRows;
    float* const to = y.data() + t * stride + first;
    if (epilogue.accumulate) {
      for (std::size_t r = 0; r < count; ++r) to[r] += from[r];
    } else {
      std::copy_n(from, count, to);
    }
  }
}

}  // namespace

MatmulWorkspace::MatmulWorkspace(ThreadPool& pool)
    : pool_(pool), sums_(static_cast<std::size_t>(pool.threads())) {}

void matmul(std::span<const float> x, const PackedMatrix& w, const Epilogue& epilogue,
            std::span<float> y, MatmulWorkspace& workspace) {
  const auto cols = static_cast<std::size_t>(w.cols());
  const auto rows = static_cast<std::size_t>(w.rows());
  const std::size_t tokens = x.size() / cols;
  assert(x.size() == tokens * cols && y.size() == tokens * rows);
  assert(epilogue.bias.empty() || epilogue.bias.size() == rows);

  const bool integers = is_integer(w.type());
  const auto blocks = static_cast<std::size_t>(w.blocks());
  QuantizedRows quantized{};
  if (integers) {
    constexpr std::size_t kBlock = PackedMatrix::kBlock;
    std::int32_t* const quants = at_least(workspace.quants_, tokens * blocks * (kBlock / 4));
    float* const scales = at_least(workspace.scales_, tokens * blocks);
    std::int32_t* const sums = at_least(workspace.block_sums_, tokens * blocks);
    workspace.pool_.parallel_for(static_cast<std::int64_t>(token_tiles(tokens)), 1,
                                 [&](int, std::int64_t begin, std::int64_t end) {
                                   for (std::int64_t tile = begin; tile < end; ++tile) {
                                     quantize_tile(x, cols, static_cast<std::size_t>(tile), quants,
                                                   scales, sums);
                                   }
                                 });
    quantized = {quants, scales, sums, blocks};
  }

  // Here and not where they are used: a task of the pool must not throw.
  for (std::vector<float>& sums : workspace.sums_) at_least(sums, tokens * kRows);
  const std::int64_t grain = w.bytes() * tokens <= kAloneBytes ? w.panels() : 1;
  workspace.pool_.parallel_for(
      w.panels(), grain, [&](int thread, std::int64_t begin, std::int64_t end) {
        float* const sums = workspace.sums_[static_cast<std::size_t>(thread)].data();
        for (std::int64_t panel = begin; panel < end; ++panel) {
          if (integers) {
            multiply_integer_panel(w, panel, quantized, tokens, sums);
          } else {
            multiply_float_panel(w, panel, x.data(), tokens, sums);
          }
          const std::size_t first = static_cast<std::size_t>(panel) * kRows;
          const std::size_t count = std::min(rows - first, kRows);
          store({sums, tokens * kRows}, epilogue, first, count, y, rows);
        }
      });
}

}  // namespace decant
