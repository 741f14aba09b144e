// What the output may be: tokens, strings and regular expressions, as the tokens that may come
// next.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "decant/token_mask.h"
#include "decant/tokenizer.h"
#include "decant/types.h"

namespace decant {

/// All of them hold together, for the output alone: the prompt may be anything. What is empty does
/// not constrain. docs/constraints.md has the syntax of regular expressions.
struct ConstraintOptions {
  /// The output as a whole matches it.
  std::string regex = {};
  /// The output is made of these tokens only, and of none of those.
  std::vector<TokenId> allowed_tokens = {};
  std::vector<TokenId> banned_tokens = {};
  /// The output is one of these.
  std::vector<std::string> allowed_strings = {};
  /// The output has none of these in it, also not across the borders of tokens.
  std::vector<std::string> banned_strings = {};

  /// Whether nothing is constrained.
  bool empty() const;
};

/// Tells after each token which may come next, so that the text can always still be finished:
/// whatever allowed token is taken, there are others behind it, or the text may end.
///
///     Constraint constraint(tokenizer, {.regex = "[0-9]{4}-[0-9]{2}"}, end_tokens);
///     Constraint::State state = constraint.start();
///     while (!constraint.must_end(state)) {
///       const Draw draw = pipeline.sample(logits, address, {.allowed =
///       &constraint.allowed(state)}); if (constraint.is_end(draw.token)) break; state =
///       constraint.next(state, draw.token);
///     }
///
/// Byte-level tokenizers have a token for each byte, so any text can be spelled. With other
/// vocabularies, and where tokens are banned, what no tokens can finish is not begun either.
///
/// The states are those of one automaton, made by the constructor; any number of texts may be in
/// any of them. The masks are kept, one a state that was asked for: V / 8 bytes each. Not for two
/// threads at once, as looking at a state for the first time makes its mask.
class Constraint {
 public:
  /// Where a text is. Those of one Constraint mean nothing to another.
  struct State {
    std::int32_t index = 0;
    friend bool operator==(State, State) = default;
  };

  /// `end_tokens` end a text, and are no part of it: they are allowed exactly where the text may
  /// end, unless they are among the banned tokens. Special tokens that are not among them are never
  /// allowed.
  ///
  /// Throws Error (kInvalidOption) that names the option, the place in the regular expression, and
  /// what to do, also where no text fits, or none that the tokens can spell. Takes bounded time and
  /// memory for whatever options: automata have 32,768 states at most.
  Constraint(const Tokenizer& tokenizer, const ConstraintOptions& options,
             std::span<const TokenId> end_tokens = {});
  Constraint(Constraint&&) noexcept;
  Constraint& operator=(Constraint&&) noexcept;
  ~Constraint();

  /// Before the first token of the output.
  State start() const { return {}; }

  /// After one more token. Throws Error (kInvalidToken) for one that is not among allowed(state);
  /// an end token changes nothing.
  State next(State state, TokenId token) const;

  /// Whether the text is complete as it is.
  bool may_end(State state) const;

  /// Whether no token can follow but those that end the text. Then it may end.
  bool must_end(State state) const;

  /// The tokens that may come next, with the end tokens where the text may end: for
  /// History::allowed. Lives as long as the constraint. Empty only where the text must end and
  /// there is no token to end it with.
  const TokenMask& allowed(State state) const;

  /// Whether it is one of the end tokens.
  bool is_end(TokenId token) const;

 private:
  struct Tables;
  std::unique_ptr<Tables> tables_;
};

}  // namespace decant
