// The options as one automaton over bytes, and the automaton against the tokens of a vocabulary.
#include "decant/constraint.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <string_view>

#include "byte_automaton.h"
#include "decant/error.h"
#include "file_bytes.h"
#include "regex_automaton.h"
#include "regex_parser.h"
#include "string_automata.h"
#include "token_trie.h"

namespace decant {
namespace {

[[noreturn]] void fail(const std::string& message) {
  throw Error(ErrorCode::kInvalidOption, message);
}

TokenMask checked_tokens(const Tokenizer& tokenizer, std::span<const TokenId> tokens,
                         std::string_view option) {
  TokenMask mask(tokenizer.vocab_size());
  for (const TokenId token : tokens) {
    if (!tokenizer.contains(token)) {
      fail(fmt::format("{}: {} is no token of this vocabulary, whose ids go from 0 to {}", option,
                       token, tokenizer.vocab_size() - 1));
    }
    mask.insert(token);
  }
  return mask;
}

/// The texts that the options allow.
struct Language {
  ByteAutomaton automaton = any_text();
  std::vector<std::string_view> options = {};  // that it comes from

  void restrict_to(const ByteAutomaton& other, std::string_view option) {
    options.push_back(option);
    automaton = options.size() == 1 ? other : intersection(automaton, other, names());
  }
  std::string names() const { return fmt::format("{}", fmt::join(options, " and ")); }
};

Language language_of(const ConstraintOptions& options) {
  Language language;
  if (!options.regex.empty()) {
    language.restrict_to(regex_automaton(parse_regex(options.regex)), "regex");
    if (language.automaton.size() == 0) {
      fail(fmt::format("regex: no text matches {}: it asks for a character out of an empty class",
                       quote(options.regex, 60)));
    }
  }
  if (!options.allowed_strings.empty()) {
    language.restrict_to(one_of(options.allowed_strings), "allowed_strings");
  }
  if (!options.banned_strings.empty()) {
    language.restrict_to(none_of(options.banned_strings), "banned_strings");
  }
  if (language.automaton.size() == 0) {
    fail(language.names() + ": no text satisfies all of them; loosen one");
  }
  return language;
}

/// Finds the states from which tokens lead to an end.
class Finishable {
 public:
  Finishable(const ByteAutomaton& automaton, const TokenTrie& trie,
             const std::array<bool, 256>& spelled)
      : automaton_(automaton), trie_(trie), finishable_(automaton.size()) {
    for (const std::int32_t state : states_that_reach_an_end(automaton, spelled)) {
      finishable_[static_cast<std::size_t>(state)] = 1;
    }
  }

  /// Looks for longer tokens where bytes that are tokens by themselves do not lead to an end.
  std::vector<std::uint8_t> find() {
    std::array<bool, 256> all = {};
    all.fill(true);
    waiting_.resize(automaton_.size());
    // From those next to an end to those far from it, so that a token out of most is soon found.
    for (const std::int32_t state : states_that_reach_an_end(automaton_, all)) {
      if (finishable_[static_cast<std::size_t>(state)] == 0) examine(state);
    }
    return std::move(finishable_);
  }

 private:
  // About a second, and to remember a way counts as much as 32 steps, which bounds the memory.
  static constexpr std::size_t kMostWork = std::size_t{1} << 27;

  void examine(std::int32_t state) {
    bool found = false;
    std::vector<std::int32_t> leads_to;
    work_ += trie_.walk(automaton_, state, [&](TokenId, std::int32_t to) {
      found = finishable_[static_cast<std::size_t>(to)] != 0;
      if (!found && to != state) leads_to.push_back(to);
      return !found;
    });
    if (found) {
      finish(state);
    } else {
      std::ranges::sort(leads_to);
      leads_to.erase(std::unique(leads_to.begin(), leads_to.end()), leads_to.end());
      work_ += 32 * leads_to.size();
      for (const std::int32_t to : leads_to)
        waiting_[static_cast<std::size_t>(to)].push_back(state);
    }
    if (work_ > kMostWork) {
      fail(
          "constraint: it takes too long to find out what the tokens that are left can spell; "
          "take a simpler regex, or ban no single bytes");
    }
  }

  void finish(std::int32_t state) {
    std::vector<std::int32_t> todo = {state};
    while (!todo.empty()) {
      const auto at = static_cast<std::size_t>(todo.back());
      todo.pop_back();
      if (finishable_[at] != 0) continue;
      finishable_[at] = 1;
      todo.insert(todo.end(), waiting_[at].begin(), waiting_[at].end());
      waiting_[at] = {};
    }
  }

  const ByteAutomaton& automaton_;
  const TokenTrie& trie_;
  std::vector<std::uint8_t> finishable_;
  std::vector<std::vector<std::int32_t>> waiting_ = {};  // by state: those that have a token to it
  std::size_t work_ = 0;
};

}  // namespace

bool ConstraintOptions::empty() const {
  return regex.empty() && allowed_tokens.empty() && banned_tokens.empty() &&
         allowed_strings.empty() && banned_strings.empty();
}

struct Constraint::Tables {
  Tables(const Tokenizer& t, const ConstraintOptions& options, std::span<const TokenId> ends);

  struct Allowed {
    TokenMask mask;
    bool ends = false;  // no token of the text is among them
  };

  std::size_t checked(State state) const {
    if (state.index < 0 || static_cast<std::size_t>(state.index) >= automaton.size()) {
      fail(fmt::format("constraint: it has no state {}", state.index));
    }
    return static_cast<std::size_t>(state.index);
  }
  bool may_end(std::size_t state) const { return automaton.accepts[state] != 0; }
  const Allowed& allowed(State state);

  Tokenizer tokenizer;
  TokenMask end_tokens;                // all
  std::vector<TokenId> possible_ends;  // those that are not banned
  TokenMask text_tokens;
  ByteAutomaton automaton;
  TokenTrie trie;
  std::vector<std::uint8_t> finishable;         // by state
  std::vector<std::unique_ptr<Allowed>> masks;  // by state, where asked for
};

Constraint::Tables::Tables(const Tokenizer& t, const ConstraintOptions& options,
                           std::span<const TokenId> ends)
    : tokenizer(t),
      end_tokens(checked_tokens(t, ends, "end_tokens")),
      text_tokens(t.vocab_size()),
      trie({}) {
  const TokenMask listed = checked_tokens(t, options.allowed_tokens, "allowed_tokens");
  TokenMask excluded = checked_tokens(t, options.banned_tokens, "banned_tokens");
  for (const TokenId token : ends) {
    if (!excluded.contains(token)) possible_ends.push_back(token);
    excluded.insert(token);
  }
  for (const TokenId token : t.special_tokens()) excluded.insert(token);

  std::vector<TokenTrie::Token> tokens;
  std::array<bool, 256> spelled = {};
  for (TokenId token = 0; static_cast<std::size_t>(token) < t.vocab_size(); ++token) {
    const bool in_list = options.allowed_tokens.empty() || listed.contains(token);
    if (!in_list || excluded.contains(token) || !t.contains(token)) continue;
    const std::string_view bytes = t.token_bytes(token);
    tokens.push_back({token, bytes});
    text_tokens.insert(token);
    if (bytes.size() == 1) spelled[static_cast<unsigned char>(bytes.front())] = true;
  }
  if (tokens.empty()) {
    fail("allowed_tokens and banned_tokens leave no token to write a text with; allow one more");
  }
  trie = TokenTrie(std::move(tokens));

  Language language = language_of(options);
  automaton = std::move(language.automaton);
  finishable = Finishable(automaton, trie, spelled).find();
  masks.resize(automaton.size());
  if (finishable[0] != 0) return;
  bool can_start = false;
  trie.walk(automaton, 0, [&](TokenId, std::int32_t) {
    can_start = true;
    return false;
  });
  const bool listed_some = !options.allowed_tokens.empty() || !options.banned_tokens.empty();
  fail(fmt::format(
      "{}: {} of this vocabulary {} a text that satisfies {}; {}", language.names(),
      listed_some ? "no token that is left" : "no token", can_start ? "can finish" : "can start",
      language.options.size() > 1 ? "them" : "it",
      listed_some ? "allow more tokens" : "write it with the characters that the vocabulary has"));
}

const Constraint::Tables::Allowed& Constraint::Tables::allowed(State state) {
  const std::size_t at = checked(state);
  if (masks[at] == nullptr) {
    auto made = std::make_unique<Allowed>(Allowed{TokenMask(tokenizer.vocab_size()), true});
    trie.walk(automaton, state.index, [&](TokenId token, std::int32_t to) {
      if (finishable[static_cast<std::size_t>(to)] != 0) {
        made->mask.insert(token);
        made->ends = false;
      }
      return true;
    });
    if (may_end(at)) {
      for (const TokenId token : possible_ends) made->mask.insert(token);
    }
    masks[at] = std::move(made);
  }
  return *masks[at];
}

Constraint::Constraint(const Tokenizer& tokenizer, const ConstraintOptions& options,
                       std::span<const TokenId> end_tokens)
    : tables_(std::make_unique<Tables>(tokenizer, options, end_tokens)) {}
Constraint::Constraint(Constraint&&) noexcept = default;
Constraint& Constraint::operator=(Constraint&&) noexcept = default;
Constraint::~Constraint() = default;

Constraint::State Constraint::next(State state, TokenId token) const {
  const std::size_t at = tables_->checked(state);
  if (is_end(token) && tables_->may_end(at)) return state;
  State to = {ByteAutomaton::kDead};
  if (tables_->text_tokens.contains(token)) {
    to.index = tables_->automaton.walk(state.index, tables_->tokenizer.token_bytes(token));
  }
  if (to.index == ByteAutomaton::kDead ||
      tables_->finishable[static_cast<std::size_t>(to.index)] == 0) {
    throw Error(ErrorCode::kInvalidToken,
                fmt::format("constraint: token {} is not among those that may come next", token));
  }
  return to;
}

bool Constraint::may_end(State state) const { return tables_->may_end(tables_->checked(state)); }

bool Constraint::must_end(State state) const { return tables_->allowed(state).ends; }

const TokenMask& Constraint::allowed(State state) const { return tables_->allowed(state).mask; }

bool Constraint::is_end(TokenId token) const { return tables_->end_tokens.contains(token); }

}  // namespace decant
