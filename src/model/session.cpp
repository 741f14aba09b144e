// The forward pass of a GPT: Radford et al. 2019, pre-layer-norm blocks over learned positions.
//
// C = channels, D = C / H, H = heads, I = n_inner, R = rows: tokens of one pass, of any sessions,
// V = vocabulary
#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <numeric>
#include <utility>

#include "decant/error.h"
#include "decant/model.h"
#include "kernels.h"
#include "kv_cache.h"
#include "matmul.h"
#include "thread_pool.h"
#include "weights.h"

namespace decant {
namespace {

// Tokens that go through the layers together: each weight is read once a pass.
constexpr std::int64_t kMostRows = 256;
// Rows of logits computed together when a caller wants to see all of them.
constexpr std::int64_t kHeadRows = 16;
// Rows that a thread takes at a time, where a row is little work.
constexpr std::int64_t kRowGrain = 4;
// Attention over so few numbers, some microseconds, is over before other threads have joined in.
constexpr std::int64_t kAloneWork = 1 << 16;
// Answers of attention (heads times tokens) that are computed side by side: as neighbouring heads
// lie one behind the other, they make long runs of memory out of short ones.
constexpr std::size_t kAnswers = 2 * kAttendQueries;

std::size_t count(std::int64_t rows, std::int64_t cols) {
  return static_cast<std::size_t>(rows * cols);
}

std::span<float> rows_of(std::vector<float>& values, std::int64_t first, std::int64_t rows,
                         std::int64_t cols) {
  return std::span(values).subspan(count(first, cols), count(rows, cols));
}

// Rows `first` to `first + tokens.size()` of a pass: the next tokens of one session.
struct Slice {
  KvCache* cache;
  std::span<const TokenId> tokens;
  std::int64_t first;
  std::int64_t position;  // of the first token

  std::int64_t rows() const { return static_cast<std::int64_t>(tokens.size()); }
};

}  // namespace

struct Session::State {
  std::shared_ptr<SessionGroup::State> group;
  KvCache cache;
};

// The memory and the threads that a group's sessions share, and one pass through the layers.
struct SessionGroup::State {
  State(const Model& m, int threads)
      : weights(*m.weights_),
        blocks(weights.config, cache_type()),
        pool(thread_count(threads)),
        workspace(pool),
        attend_workspaces(static_cast<std::size_t>(pool.threads())) {}

  std::int64_t c() const { return weights.config.n_embd; }
  // As many bits as the weights have, but for kQ4: of keys and values that is too few.
  CacheType cache_type() const {
    switch (weights.format) {
      case WeightFormat::kAuto:
      case WeightFormat::kF32:
        return CacheType::kF32;
      case WeightFormat::kBF16:
        return CacheType::kBF16;
      case WeightFormat::kQ8:
      case WeightFormat::kQ4:
        break;
    }
    return CacheType::kQ8;
  }

  void check(std::span<const TokenId> tokens) const;
  void check(const KvCache& cache, std::span<const TokenId> tokens) const;
  Logits append(std::span<const Part> parts);
  void append(KvCache& cache, std::span<const TokenId> tokens, const Session::Visitor& visit);
  std::span<const TokenId> add_slice(KvCache& cache, std::span<const TokenId> tokens);
  void clear_slices();

  void forward();
  void prepare_attention();
  void embed();
  void normalize(std::int64_t row, const LayerNormWeights& norm, std::span<float> out);
  void normalize(const LayerNormWeights& norm);
  void attention(const LayerWeights& layer, std::int64_t index);
  void attend_slice(const Slice& slice, std::int64_t layer, Heads heads,
                    std::span<float> attend_workspace);
  void feed_forward(const LayerWeights& layer);
  void head(std::int64_t to);

  // Calls task(row) for each row of the pass, on all threads.
  template <typename Task>
  void for_each_row(const Task& task) {
    pool.parallel_for(rows, kRowGrain, [&](int, std::int64_t begin, std::int64_t end) {
      for (std::int64_t row = begin; row < end; ++row) task(row);
    });
  }

  const Model::Weights& weights;
  KvBlocks blocks;
  ThreadPool pool;
  MatmulWorkspace workspace;
  std::vector<std::vector<float>> attend_workspaces;  // one a thread

  // Of one pass. Memory grows to what the largest pass so far took.
  std::vector<Slice> slices;
  std::int64_t attend_grain = 1;      // heads of slices that a thread takes at a time
  std::int64_t rows = 0;              // R
  std::vector<float> x;               // (R, C) the residual stream
  std::vector<float> normal;          // (R, C)
  std::vector<float> qkv;             // (R, 3 C)
  std::vector<float> attended;        // (R, C)
  std::vector<float> hidden;          // (R, I)
  std::vector<std::int64_t> wanted;   // the rows whose logits a caller wants
  std::vector<std::int64_t> lengths;  // of the sessions before a call
  // Of all passes of a call.
  std::vector<float> finals;  // (of the wanted rows, C) hidden states behind the last layer norm
  std::vector<float> logits;  // (of the wanted rows, V)
  std::size_t final_rows = 0;
};

void SessionGroup::State::check(std::span<const TokenId> tokens) const {
  if (tokens.empty()) throw Error(ErrorCode::kInvalidPrompt, "no tokens to continue from");
  for (const TokenId token : tokens) {
    if (token >= 0 && token < weights.config.vocab_size) continue;
    throw Error(
        ErrorCode::kInvalidToken,
        fmt::format("token {} is outside the model's vocabulary of {}: is this the tokenizer "
                    "that the model was trained with?",
                    token, weights.config.vocab_size));
  }
}

void SessionGroup::State::check(const KvCache& cache, std::span<const TokenId> tokens) const {
  check(tokens);
  const auto room = weights.config.block_size - cache.length();
  if (static_cast<std::int64_t>(tokens.size()) <= room) return;
  throw Error(ErrorCode::kContextFull,
              fmt::format("{} tokens do not fit behind the {} in a context of {}", tokens.size(),
                          cache.length(), weights.config.block_size));
}

// Adds as many of `tokens` as have room in this pass; returns the others.
std::span<const TokenId> SessionGroup::State::add_slice(KvCache& cache,
                                                        std::span<const TokenId> tokens) {
  const auto taken = std::min(tokens.size(), static_cast<std::size_t>(kMostRows - rows));
  slices.push_back({&cache, tokens.first(taken), rows, cache.length()});
  cache.extend(static_cast<std::int64_t>(taken));
  rows += static_cast<std::int64_t>(taken);
  return tokens.subspan(taken);
}

void SessionGroup::State::clear_slices() {
  slices.clear();
  wanted.clear();
  rows = 0;
}

// Leaves the rows' last hidden states in x, and their keys and values in the caches.
void SessionGroup::State::forward() {
  const auto grow = [this](std::vector<float>& values, std::int64_t cols) {
    if (values.size() < count(rows, cols)) values.resize(count(rows, cols));
  };
  for (std::vector<float>* values : {&x, &normal, &attended}) grow(*values, c());
  grow(qkv, 3 * c());
  grow(hidden, weights.config.n_inner);
  prepare_attention();
  embed();
  for (std::int64_t i = 0; i < weights.config.n_layer; ++i) {
    const LayerWeights& layer = weights.layers[static_cast<std::size_t>(i)];
    attention(layer, i);
    feed_forward(layer);
  }
}

void SessionGroup::State::prepare_attention() {
  const std::int64_t heads = weights.config.n_head;
  std::int64_t scores = 0;  // of one head, about: keys are multiplied by whole blocks
  std::int64_t longest = 0;
  for (const Slice& slice : slices) {
    longest = std::max(longest, slice.position + slice.rows());
    const std::int64_t seen = slice.position + slice.rows();
    scores += slice.rows() * ((seen - 1) / kCachePositions + 1) * kCachePositions;
  }
  const std::size_t room =
      attend_workspace_size(kAnswers, longest, static_cast<std::size_t>(c() / heads));
  for (std::vector<float>& of_thread : attend_workspaces) {
    if (of_thread.size() < room) of_thread.resize(room);
  }
  const auto pairs = static_cast<std::int64_t>(slices.size()) * heads;
  // Else two times for each thread, for a processor that falls behind.
  attend_grain =
      scores * c() <= kAloneWork ? pairs : std::max(pairs / (2 * pool.threads()), std::int64_t{1});
}

void SessionGroup::State::embed() {
  for (const Slice& slice : slices) {
    for (std::int64_t t = 0; t < slice.rows(); ++t) {
      const auto row = rows_of(x, slice.first + t, 1, c());
      weights.embedding().unpack_row(slice.tokens[static_cast<std::size_t>(t)], row);
      add(row, std::span(weights.wpe).subspan(count(slice.position + t, c()), row.size()));
    }
  }
}

void SessionGroup::State::normalize(std::int64_t row, const LayerNormWeights& norm,
                                    std::span<float> out) {
  layer_norm(rows_of(x, row, 1, c()), norm.weight, norm.bias, weights.config.layer_norm_epsilon,
             out);
}

void SessionGroup::State::normalize(const LayerNormWeights& norm) {
  for_each_row([&](std::int64_t row) { normalize(row, norm, rows_of(normal, row, 1, c())); });
}

void SessionGroup::State::attention(const LayerWeights& layer, std::int64_t index) {
  normalize(layer.ln_1);
  matmul(rows_of(normal, 0, rows, c()), layer.qkv.weight, {.bias = layer.qkv.bias},
         rows_of(qkv, 0, rows, 3 * c()), workspace);
  const std::int64_t heads = weights.config.n_head;
  const auto pairs = static_cast<std::int64_t>(slices.size()) * heads;
  pool.parallel_for(pairs, attend_grain, [&](int thread, std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end;) {
      const std::int64_t first = i % heads;
      const std::int64_t n = std::min(heads - first, end - i);
      attend_slice(slices[static_cast<std::size_t>(i / heads)], index,
                   {static_cast<std::size_t>(first), static_cast<std::size_t>(n)},
                   attend_workspaces[static_cast<std::size_t>(thread)]);
      i += n;
    }
  });
  matmul(rows_of(attended, 0, rows, c()), layer.attn_proj.weight,
         {.bias = layer.attn_proj.bias, .accumulate = true}, rows_of(x, 0, rows, c()), workspace);
}

// Some heads of one layer: puts the slice's keys and values into its cache, and answers its
// queries.
void SessionGroup::State::attend_slice(const Slice& slice, std::int64_t layer, Heads heads,
                                       std::span<float> attend_workspace) {
  const LayerCache cache = slice.cache->layer(layer);
  const auto width = static_cast<std::size_t>(c());
  const float* const rows_qkv = rows_of(qkv, slice.first, slice.rows(), 3 * c()).data();
  float* const rows_out = rows_of(attended, slice.first, slice.rows(), c()).data();
  const std::size_t tokens = slice.tokens.size();
  // Of many tokens, a head at a time: its keys and values are then read again from a cache.
  const std::size_t together = tokens > kAttendQueries ? 1 : kAnswers / tokens;
  for (std::size_t h = 0; h < heads.count; h += together) {
    const Heads some{heads.first + h, std::min(together, heads.count - h)};
    const float* const queries = rows_qkv + some.first * cache.depth;
    store_positions(cache, some, slice.position,
                    {.keys = queries + width,
                     .values = queries + 2 * width,
                     .stride = 3 * width,
                     .count = tokens});
    for (std::size_t t = 0; t < tokens; t += kAttendQueries) {
      attend({.queries = queries + t * 3 * width,
              .query_stride = 3 * width,
              .out = rows_out + t * width + some.first * cache.depth,
              .out_stride = width,
              .count = std::min(tokens - t, kAttendQueries)},
             cache, some, slice.position + static_cast<std::int64_t>(t) + 1, attend_workspace);
    }
  }
}

void SessionGroup::State::feed_forward(const LayerWeights& layer) {
  const auto activation = [this] {
    switch (weights.config.activation) {
      case Activation::kGelu:
        return gelu_exact;
      case Activation::kGeluTanh:
        return gelu_tanh;
      case Activation::kRelu:
        break;
    }
    return relu;
  }();
  normalize(layer.ln_2);
  const auto inner = rows_of(hidden, 0, rows, weights.config.n_inner);
  matmul(rows_of(normal, 0, rows, c()), layer.fc.weight,
         {.bias = layer.fc.bias, .activate = activation}, inner, workspace);
  matmul(inner, layer.mlp_proj.weight, {.bias = layer.mlp_proj.bias, .accumulate = true},
         rows_of(x, 0, rows, c()), workspace);
}

// The logits of the wanted rows, from row `to` of all logits on.
void SessionGroup::State::head(std::int64_t to) {
  const std::int64_t vocab = weights.config.vocab_size;
  const auto n = static_cast<std::int64_t>(wanted.size());
  if (finals.size() < count(to + n, c())) finals.resize(count(to + n, c()));
  if (logits.size() < count(to + n, vocab)) logits.resize(count(to + n, vocab));
  for (std::int64_t i = 0; i < n; ++i) {
    normalize(wanted[static_cast<std::size_t>(i)], weights.ln_f, rows_of(finals, to + i, 1, c()));
  }
  matmul(rows_of(finals, to, n, c()), weights.head, {.bias = weights.head_bias},
         rows_of(logits, to, n, vocab), workspace);
}

SessionGroup::SessionGroup(const Model& model, int threads)
    : state_(std::make_shared<State>(model, threads)) {}

std::int64_t SessionGroup::capacity() const { return state_->weights.config.block_size; }
std::int64_t SessionGroup::vocab_size() const { return state_->weights.config.vocab_size; }
int SessionGroup::threads() const { return state_->pool.threads(); }

Logits SessionGroup::append(std::span<const Part> parts) {
  State& s = *state_;
  std::vector<std::int64_t>& lengths = s.lengths;
  lengths.clear();
  for (const Part& part : parts) {
    assert(part.session->state_->group == state_);
    assert(std::ranges::count(parts, part.session, &Part::session) == 1);
    s.check(part.session->state_->cache, part.tokens);
    assert(part.last >= 1 && part.last <= part.tokens.size());
    lengths.push_back(part.session->position());
  }
  try {
    return s.append(parts);
  } catch (...) {  // out of memory
    for (std::size_t i = 0; i < parts.size(); ++i) parts[i].session->truncate(lengths[i]);
    throw;
  }
}

Logits SessionGroup::State::append(std::span<const Part> parts) {
  clear_slices();
  std::int64_t done = 0;  // rows of logits that are there
  for (const Part& part : parts) {
    std::size_t unwanted = part.tokens.size() - part.last;  // tokens that are still to come
    for (std::span<const TokenId> left = part.tokens; !left.empty();) {
      const std::int64_t first = rows;
      left = add_slice(part.session->state_->cache, left);
      const std::int64_t skipped = std::min(rows - first, static_cast<std::int64_t>(unwanted));
      unwanted -= static_cast<std::size_t>(skipped);
      for (std::int64_t row = first + skipped; row < rows; ++row) wanted.push_back(row);
      const bool last = left.empty() && &part == &parts.back();
      if (rows < kMostRows && !last) continue;
      forward();
      if (!wanted.empty()) head(done);
      done += static_cast<std::int64_t>(wanted.size());
      clear_slices();
    }
  }
  final_rows = static_cast<std::size_t>(done);
  return Logits(logits).first(count(done, weights.config.vocab_size));
}

std::span<const float> SessionGroup::hidden() const {
  return std::span<const float>(state_->finals)
      .first(state_->final_rows * static_cast<std::size_t>(state_->c()));
}

void SessionGroup::validate(std::span<const TokenId> tokens) const { state_->check(tokens); }

Session::Session(const Model& model, int threads) : Session(SessionGroup(model, threads)) {}

Session::Session(const SessionGroup& group)
    : state_(std::make_unique<State>(State{group.state_, KvCache(group.state_->blocks)})) {}

Session::Session(std::unique_ptr<State> state) : state_(std::move(state)) {}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

Session Session::fork() const { return Session(std::make_unique<State>(*state_)); }

int Session::threads() const { return state_->group->pool.threads(); }
SessionGroup Session::group() const { return SessionGroup(state_->group); }
std::int64_t Session::position() const { return state_->cache.length(); }
std::int64_t Session::capacity() const { return state_->group->weights.config.block_size; }

std::size_t Session::step_bytes() const {
  const auto& weights = state_->group->weights;
  return weights.matrix_bytes() - weights.wte.bytes() + state_->cache.bytes();
}

Logits Session::prefill(std::span<const TokenId> tokens) {
  const SessionGroup::Part part{this, tokens};
  return group().append({&part, 1});
}

void Session::prefill(std::span<const TokenId> tokens, const Visitor& visit) {
  SessionGroup::State& s = *state_->group;
  s.check(state_->cache, tokens);
  const std::int64_t length = position();
  try {
    s.append(state_->cache, tokens, visit);
  } catch (...) {  // out of memory, or the visitor's
    truncate(length);
    throw;
  }
}

void SessionGroup::State::append(KvCache& cache, std::span<const TokenId> tokens,
                                 const Session::Visitor& visit) {
  const auto vocab = static_cast<std::size_t>(weights.config.vocab_size);
  const auto width = static_cast<std::size_t>(c());
  std::size_t index = 0;
  for (std::span<const TokenId> left = tokens; !left.empty();) {
    clear_slices();
    left = add_slice(cache, left);
    forward();
    for (std::int64_t row = 0; row < rows; row += kHeadRows) {
      wanted.resize(static_cast<std::size_t>(std::min(kHeadRows, rows - row)));
      std::iota(wanted.begin(), wanted.end(), row);
      head(0);
      for (std::size_t i = 0; i < wanted.size(); ++i) {
        visit(index++, Logits(logits).subspan(i * vocab, vocab),
              std::span<const float>(finals).subspan(i * width, width));
      }
    }
  }
}

void Session::truncate(std::int64_t length) { state_->cache.truncate(length); }

}  // namespace decant
