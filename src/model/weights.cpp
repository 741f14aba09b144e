// Checkpoint to packed weights: the one pass that reads every weight, and so checks every weight.
#include "weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <mutex>
#include <numeric>
#include <string>
#include <type_traits>
#include <utility>

#include "decant/error.h"
#include "gpt_tensors.h"
#include "half.h"

namespace decant {
namespace {

// A weight that is no number.
struct BadWeight {
  const MatrixView* view;
  std::int64_t row;
  std::int64_t col;
  float value;
};

// Reads the tensors of one file; a weight that is no number ends it.
class Packer {
 public:
  Packer(std::string file, WeightType type, ThreadPool& pool, PageArena& memory)
      : file_(std::move(file)), type_(type), pool_(pool), memory_(memory) {}

  PackedMatrix matrix(const MatrixView& view) const { return stack({view}); }

  std::vector<float> table(const MatrixView& view) const {
    const auto cols = static_cast<std::size_t>(view.cols);
    std::vector<float> values(static_cast<std::size_t>(view.rows) * cols);
    for (std::int64_t r = 0; r < view.rows; ++r) {
      const auto row = std::span(values).subspan(static_cast<std::size_t>(r) * cols, cols);
      view.read_row(r, row.data());
      if (const auto bad = find_bad(view, r, row)) fail(*bad);
    }
    return values;
  }

  std::vector<float> bias(const std::optional<MatrixView>& view) const {
    return view ? table(*view) : std::vector<float>{};
  }

  LayerNormWeights layer_norm(const LayerNormTensors& tensors) const {
    return {table(tensors.weight), bias(tensors.bias)};
  }

  // All of `parts`, which have the same input, as one product: a layer's queries, keys and values.
  LinearWeights linear(std::initializer_list<const Linear*> parts) const {
    std::vector<MatrixView> pieces;
    std::size_t outputs = 0;
    const bool has_bias =
        std::ranges::any_of(parts, [](const Linear* part) { return !part->bias.empty(); });
    LinearWeights packed;
    for (const Linear* part : parts) {
      pieces.insert(pieces.end(), part->weight.begin(), part->weight.end());
      for (const MatrixView& piece : part->bias) {
        const std::vector<float> values = table(piece);
        packed.bias.insert(packed.bias.end(), values.begin(), values.end());
      }
      outputs += static_cast<std::size_t>(part->outputs());
      if (has_bias) packed.bias.resize(outputs);  // a missing bias is zero
    }
    packed.weight = stack(pieces);
    return packed;
  }

 private:
  // The rows of all views, one view below the other.
  PackedMatrix stack(const std::vector<MatrixView>& views) const {
    std::vector<std::int64_t> ends(views.size());  // the first row behind each
    std::transform_inclusive_scan(
        views.begin(), views.end(), ends.begin(), std::plus<>(),
        [](const MatrixView& view) { return view.rows; }, std::int64_t{0});
    std::mutex mutex;
    std::optional<BadWeight> bad;
    std::int64_t bad_panel = 0;
    const auto read_panel = [&](std::int64_t first, std::int64_t count, PackedMatrix::Panel panel) {
      for (std::int64_t done = 0; done < count;) {
        const auto at =
            static_cast<std::size_t>(std::ranges::upper_bound(ends, first + done) - ends.begin());
        const MatrixView& view = views[at];
        const std::int64_t row = first + done - (ends[at] - view.rows);
        const std::int64_t rows = std::min(count - done, view.rows - row);
        const bool finite = panel.f32 != nullptr ? read_columns(view, row, rows, panel.f32 + done)
                                                 : read_columns(view, row, rows, panel.bf16 + done);
        done += rows;
        if (finite) continue;
        const std::lock_guard lock(mutex);
        // The first of several, whichever thread comes first.
        const auto found = find_bad(view, row, rows);
        if (found && (!bad || first < bad_panel)) {
          bad = found;
          bad_panel = first;
        }
      }
    };
    PackedMatrix packed(ends.back(), views[0].cols, type_, read_panel, pool_, memory_);
    if (bad) fail(*bad);
    return packed;
  }

  // Whether all that was read is finite, and was not rounded to what is not. A few columns at a
  // time, which are still in the cache when they are looked at.
  template <typename Out>
  static bool read_columns(const MatrixView& view, std::int64_t first, std::int64_t count,
                           Out* out) {
    constexpr std::int64_t kColumns = 512;
    for (std::int64_t c = 0; c < view.cols; c += kColumns) {
      const std::int64_t columns = std::min(kColumns, view.cols - c);
      Out* const to = out + c * PackedMatrix::kPanelRows;
      view.col_range(c, columns).read_columns(first, count, PackedMatrix::kPanelRows, to);
      if (!are_finite(to, columns, count)) return false;
    }
    return true;
  }

  // Of `columns` times kPanelRows, the first `count` of each.
  template <typename Out>
  static bool are_finite(const Out* values, std::int64_t columns, std::int64_t count) {
    // As signed integers, which the compiler compares many at a time.
    using Bits = std::conditional_t<sizeof(Out) == 4, std::int32_t, std::int16_t>;
    constexpr auto kMagnitude = std::numeric_limits<Bits>::max();
    constexpr auto kInfinity = static_cast<Bits>(sizeof(Bits) == 4 ? 0x7f800000 : 0x7f80);
    Bits largest = 0;
    for (std::int64_t c = 0; c < columns; ++c) {
      const Out* row = values + c * PackedMatrix::kPanelRows;
      for (std::int64_t r = 0; r < count; ++r) {
        largest = std::max(largest, static_cast<Bits>(std::bit_cast<Bits>(row[r]) & kMagnitude));
      }
    }
    return largest < kInfinity;
  }

  std::optional<BadWeight> find_bad(const MatrixView& view, std::int64_t first,
                                    std::int64_t count) const {
    std::vector<float> row(static_cast<std::size_t>(view.cols));
    for (std::int64_t r = first; r < first + count; ++r) {
      view.read_row(r, row.data());
      if (const auto bad = find_bad(view, r, row)) return bad;
    }
    return std::nullopt;
  }

  // `values` are those of one row. They count as they are held: a large f32 is infinite in bf16.
  std::optional<BadWeight> find_bad(const MatrixView& view, std::int64_t row,
                                    std::span<const float> values) const {
    const auto bad = std::ranges::find_if_not(values, [this](float w) {
      return std::isfinite(type_ == WeightType::kBF16 ? widen_bf16(narrow_bf16(w)) : w);
    });
    if (bad == values.end()) return std::nullopt;
    return BadWeight{&view, row, bad - values.begin(), *bad};
  }

  [[noreturn]] void fail(const BadWeight& bad) const {
    throw Error(ErrorCode::kInvalidWeights,
                fmt::format("{}: tensor '{}': the weight at ({}, {}) is {}; the training run "
                            "diverged, or the file is damaged: use an earlier checkpoint",
                            file_, bad.view->name, bad.row, bad.col,
                            std::isnan(bad.value) ? "NaN" : "infinite"));
  }

  std::string file_;
  WeightType type_;
  ThreadPool& pool_;
  PageArena& memory_;
};

WeightType weight_type(WeightFormat format) {
  switch (format) {
    case WeightFormat::kBF16:
      return WeightType::kBF16;
    case WeightFormat::kQ8:
      return WeightType::kQ8;
    case WeightFormat::kQ4:
      return WeightType::kQ4;
    case WeightFormat::kAuto:
    case WeightFormat::kF32:
      break;
  }
  return WeightType::kF32;
}

}  // namespace

std::string_view weight_format_name(WeightFormat format) {
  switch (format) {
    case WeightFormat::kAuto:
      return "auto";
    case WeightFormat::kF32:
      return "f32";
    case WeightFormat::kBF16:
      return "bf16";
    case WeightFormat::kQ8:
      return "q8";
    case WeightFormat::kQ4:
      break;
  }
  return "q4";
}

Model::Model(const Checkpoint& checkpoint, const LoadOptions& options) {
  const Gpt& gpt = checkpoint.gpt();
  auto weights = std::make_unique<Weights>();
  weights->config = checkpoint.config();
  weights->format = options.weights == WeightFormat::kAuto ? WeightFormat::kQ8 : options.weights;
  ThreadPool pool(thread_count(options.threads));
  PageArena memory;
  const std::string file = checkpoint.file().string();
  const Packer pack(file, weight_type(weights->format), pool, memory);
  // Four bits are too few for the rows that stand for tokens.
  const bool q4 = weights->format == WeightFormat::kQ4;
  const Packer pack_rows(file, q4 ? WeightType::kQ8 : weight_type(weights->format), pool, memory);
  const auto steps = static_cast<double>(gpt.layers.size() + 1);  // the tables take as a layer does
  const auto finish = [&](std::size_t layers) {
    checkpoint.release_memory();
    if (options.progress) options.progress(static_cast<double>(layers + 1) / steps);
  };
  weights->head = pack_rows.matrix(gpt.head);
  weights->head_bias = pack.bias(gpt.head_bias);
  if (!weights->config.tied_head) weights->wte = pack_rows.matrix(gpt.wte);
  weights->wpe = pack.table(gpt.wpe);
  weights->ln_f = pack.layer_norm(gpt.ln_f);
  finish(0);
  for (const GptLayer& layer : gpt.layers) {
    weights->layers.push_back({.ln_1 = pack.layer_norm(layer.ln_1),
                               .qkv = pack.linear({&layer.q, &layer.k, &layer.v}),
                               .attn_proj = pack.linear({&layer.attn_proj}),
                               .ln_2 = pack.layer_norm(layer.ln_2),
                               .fc = pack.linear({&layer.fc}),
                               .mlp_proj = pack.linear({&layer.mlp_proj})});
    finish(weights->layers.size());
  }
  weights_ = std::move(weights);
}

Model::Model(Model&&) noexcept = default;
Model& Model::operator=(Model&&) noexcept = default;
Model::~Model() = default;

const ModelConfig& Model::config() const { return weights_->config; }
WeightFormat Model::weights() const { return weights_->format; }

std::size_t Model::weight_bytes() const { return weights_->matrix_bytes(); }

std::size_t Model::Weights::matrix_bytes() const {
  std::size_t bytes = head.bytes() + wte.bytes();
  for (const LayerWeights& layer : layers) {
    bytes += layer.qkv.weight.bytes() + layer.attn_proj.weight.bytes() + layer.fc.weight.bytes() +
             layer.mlp_proj.weight.bytes();
  }
  return bytes;
}

}  // namespace decant
