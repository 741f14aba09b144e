// A trained GPT ready to compute, and a running text's state in it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "decant/checkpoint.h"
#include "decant/types.h"

namespace decant {

/// How the weights are held in memory, and so how many bytes each token reads. Keys and values are
/// held in as many bits, with kQ4 in 8. What each format loses is measured in docs/performance.md.
enum class WeightFormat {
  kAuto,  ///< the fastest whose loss is negligible: kQ8
  kF32,   ///< loses nothing
  kBF16,  ///< rounded to 8 significant bits
  kQ8,    ///< integers of 8 bits that share a scale among 32 neighbours
  kQ4,    ///< the same with 4 bits; the token embedding and the head are kQ8
};

/// "auto", "f32", "bf16", "q8", "q4".
std::string_view weight_format_name(WeightFormat format);

struct LoadOptions {
  WeightFormat weights = WeightFormat::kAuto;
  int threads = 0;  ///< that read and pack; 0 takes the cores that the process may use
  /// Called now and then, by the thread that loads, with the part that is done, 0 to 1. May throw:
  /// then loading ends with that.
  std::function<void(double)> progress = {};
};

/// The immutable weights, packed for speed. Sessions on any number of threads share one Model.
class Model {
 public:
  /// Reads and packs every tensor; the checkpoint is not needed afterwards. Takes the memory of the
  /// packed weights and of one tensor. Throws Error (kInvalidWeights) that names the tensor and the
  /// place of a weight that is NaN or infinite, and kInvalidOption.
  explicit Model(const Checkpoint& checkpoint, const LoadOptions& options = {});
  Model(Model&&) noexcept;
  Model& operator=(Model&&) noexcept;
  ~Model();

  const ModelConfig& config() const;
  WeightFormat weights() const;      ///< what kAuto became
  std::size_t weight_bytes() const;  ///< of all packed matrices

 private:
  friend class SessionGroup;
  struct Weights;
  std::unique_ptr<const Weights> weights_;
};

class Session;

/// Threads, and memory to compute in, for any number of sessions: what one call appends to several
/// of them reads each weight once for all. The model must outlive it. A group and its sessions are
/// for one thread at a time.
class SessionGroup {
 public:
  /// `threads` = 0 takes the cores that the process may use. Throws Error (kInvalidOption).
  explicit SessionGroup(const Model& model, int threads = 0);
  explicit SessionGroup(const Model&&, int = 0) = delete;

  int threads() const;
  std::int64_t capacity() const;    ///< tokens that fit a session: the model's block_size
  std::int64_t vocab_size() const;  ///< V

  /// Throws what append() would for these tokens, but for their number: Error (kInvalidPrompt,
  /// kInvalidToken).
  void validate(std::span<const TokenId> tokens) const;

  /// The next tokens (at least one) of one session of this group.
  struct Part {
    Session* session;
    std::span<const TokenId> tokens;
    std::size_t last = 1;  ///< of the tokens, after how many there are to be logits; at least 1
  };

  /// Appends each part to its session, no two parts to the same one, and returns the logits (R, V)
  /// after the `last` tokens of each, R in all, in order: the bits that each session would have got
  /// alone, token by token. They live until the group's next call. Throws Error (kInvalidPrompt,
  /// kInvalidToken, kContextFull) and std::bad_alloc, and then has appended nothing.
  Logits append(std::span<const Part> parts);

  /// The hidden states (R, C) that the last call's logits were made from, behind the last layer
  /// norm. They live as long as those.
  std::span<const float> hidden() const;

 private:
  friend class Session;
  struct State;
  explicit SessionGroup(std::shared_ptr<State> state) : state_(std::move(state)) {}
  std::shared_ptr<State> state_;
};

/// One text in progress: the keys and values of the tokens so far. The model must outlive it. Not
/// for two threads at once.
///
///     Session session(model);
///     Logits logits = session.prefill(tokens);
///     logits = session.step(next_token);
///
/// Logits do not depend on how the tokens were split over calls, nor on the number of threads, nor
/// on what else is in a group: the bits are the same.
class Session {
 public:
  /// A text of its own, in a group of its own. `threads` = 0 takes the cores that the process may
  /// use. Throws Error (kInvalidOption).
  explicit Session(const Model& model, int threads = 0);
  explicit Session(const Model&&, int = 0) = delete;
  /// An empty text in `group`, which it keeps alive.
  explicit Session(const SessionGroup& group);
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  ~Session();

  /// The same text once more, in the same group, to be continued in another way. It shares the
  /// memory of what both have seen: a fork costs little more than a block of 64 tokens.
  Session fork() const;

  int threads() const;
  std::int64_t position() const;  ///< tokens seen so far
  std::int64_t capacity() const;  ///< tokens that fit: the model's block_size
  /// The least that the next step reads from memory: every matrix once (of a token embedding that
  /// is not the head, one row) and the keys and values of the tokens so far.
  std::size_t step_bytes() const;

  /// Appends `tokens` (at least one) and returns the logits after the last one. They live until the
  /// group's next call. Throws what SessionGroup::append() does, and then has appended nothing.
  Logits prefill(std::span<const TokenId> tokens);

  /// As prefill(), but shows the logits after each token, in order, and the hidden state (C) that
  /// they were made from. `visit` must not use the group; where it throws, nothing is appended.
  using Visitor =
      std::function<void(std::size_t index, Logits logits, std::span<const float> hidden)>;
  void prefill(std::span<const TokenId> tokens, const Visitor& visit);

  /// Appends one token and returns the logits after it.
  Logits step(TokenId token) { return prefill({&token, 1}); }

  /// The group that the session is in.
  SessionGroup group() const;

  /// Forgets all but the first `length` tokens, 0 <= length <= position().
  void truncate(std::int64_t length);

 private:
  friend class SessionGroup;
  struct State;
  explicit Session(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace decant
