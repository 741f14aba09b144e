// Masks and walks against their definitions: what may be written, token by token.
#include "decant/constraint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <random>
#include <regex>
#include <set>
#include <string>

#include "decant/error.h"
#include "utf8.h"
#include "utf8_of.h"

namespace decant {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr TokenId kEndOfText = 50256;  // GPT-2's

// std::regex takes long where it is instrumented: there, some tokens do.
#ifdef DECANT_SANITIZED
constexpr TokenId kStride = 23;
#else
constexpr TokenId kStride = 1;
#endif

const Tokenizer& gpt2() {
  static const Tokenizer tokenizer = Tokenizer::gpt2();
  return tokenizer;
}

std::vector<TokenId> members(const TokenMask& mask) {
  std::vector<TokenId> tokens;
  for (TokenId token = 0; static_cast<std::size_t>(token) < mask.vocab_size(); ++token) {
    if (mask.contains(token)) tokens.push_back(token);
  }
  return tokens;
}

std::vector<std::string> words(const Tokenizer& tokenizer, const TokenMask& mask) {
  std::vector<std::string> result;
  for (const TokenId token : members(mask)) result.emplace_back(tokenizer.token_bytes(token));
  return result;
}

// Takes random allowed tokens until the text must end, or may and a coin says so. After `most`
// tokens it goes on with single bytes, of which more lead out of a loop.
std::string random_walk(const Tokenizer& tokenizer, const Constraint& constraint,
                        std::mt19937& random, std::size_t most = 30) {
  std::string text;
  Constraint::State state = constraint.start();
  for (std::size_t i = 0; !constraint.must_end(state); ++i) {
    if (constraint.may_end(state) && (random() % 8 == 0 || i >= most)) break;
    std::vector<TokenId> tokens = members(constraint.allowed(state));
    const auto singles = std::partition(tokens.begin(), tokens.end(), [&](TokenId token) {
      return tokenizer.token_bytes(token).size() == 1;
    });
    if (i >= most && singles != tokens.begin()) tokens.erase(singles, tokens.end());
    if (tokens.empty()) {
      ADD_FAILURE() << "a dead end behind '" << text << "'";
      break;
    }
    if (i > most + 2000) {
      ADD_FAILURE() << "no end in sight behind '" << text << "'";
      break;
    }
    const TokenId token = tokens[random() % tokens.size()];
    if (constraint.is_end(token)) {
      EXPECT_TRUE(constraint.may_end(state));
      break;
    }
    text += tokenizer.token_bytes(token);
    state = constraint.next(state, token);
  }
  EXPECT_TRUE(constraint.may_end(state)) << text;
  return text;
}

TEST(Constraint, ByHand) {
  const Tokenizer tokenizer = Tokenizer::characters_of("ab01");  // 0, 1, a, b: ids 0 to 3
  const Constraint c(tokenizer, {.regex = "a[01]+|b"});
  EXPECT_EQ(words(tokenizer, c.allowed(c.start())), (std::vector<std::string>{"a", "b"}));
  EXPECT_FALSE(c.may_end(c.start()));
  const auto after_a = c.next(c.start(), 2);
  EXPECT_THAT(members(c.allowed(after_a)), ElementsAre(0, 1));
  EXPECT_FALSE(c.may_end(after_a));
  const auto after_a0 = c.next(after_a, 0);
  EXPECT_THAT(members(c.allowed(after_a0)), ElementsAre(0, 1));
  EXPECT_TRUE(c.may_end(after_a0));
  EXPECT_FALSE(c.must_end(after_a0));
  const auto after_b = c.next(c.start(), 3);
  EXPECT_TRUE(c.may_end(after_b));
  EXPECT_TRUE(c.must_end(after_b));
  EXPECT_THAT(members(c.allowed(after_b)), IsEmpty());
}

TEST(Constraint, RefusesTokensThatAreNotAllowed) {
  const Constraint c(gpt2(), {.regex = "ab?"}, std::vector<TokenId>{kEndOfText});
  const TokenId a = gpt2().encode("a")[0];
  for (const TokenId token : {gpt2().encode("b")[0], kEndOfText, -1, 50257, 1 << 30}) {
    try {
      c.next(c.start(), token);
      FAIL() << "accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidToken);
      EXPECT_THAT(error.what(), HasSubstr(std::to_string(token)));
    }
  }
  const auto after_a = c.next(c.start(), a);
  EXPECT_EQ(c.next(after_a, kEndOfText), after_a);
}

// Whether text without characters from a to z can begin like this, the last one perhaps unfinished.
bool begins_text_without_letters(std::string_view text) {
  static const std::set<std::string> unfinished = [] {
    std::set<std::string> parts = {""};
    for (char32_t c = 0; c <= 0x10FFFF; ++c) {
      if (c >= 0xD800 && c <= 0xDFFF) continue;
      const std::string whole = utf8_of(c);
      for (std::size_t size = 1; size < whole.size(); ++size) parts.insert(whole.substr(0, size));
    }
    return parts;
  }();
  std::size_t at = 0;
  while (at < text.size()) {
    const Utf8Character c = decode_utf8(text, at);
    if (c.size == 0) break;
    if (c.code_point >= 'a' && c.code_point <= 'z') return false;
    at += c.size;
  }
  return unfinished.contains(std::string(text.substr(at)));
}

// The definition: a token may come if some match begins with the text so far and the token. (Here
// each byte is a token, so every match can be spelled.)
TEST(Constraint, MasksAreTheBeginningsOfMatches) {
  const auto like = [](const char* regex) {
    return [reference = std::regex(regex)](std::string_view text) {
      return std::regex_match(text.begin(), text.end(), reference);
    };
  };
  const struct {
    const char* regex;
    std::function<bool(std::string_view)> begins;
  } table[] = {
      {"(yes|no|not now)[.!]?",
       like("(y|ye|yes[.!]?|n|no[.!]?|not|not |not n|not no|not now[.!]?)?")},
      {"\"[a-z]{1,9}\"", like("(\"([a-z]{0,9}|[a-z]{1,9}\"))?")},
      {"-?\\d+(\\.\\d+)?", like("-?(\\d+(\\.\\d*)?)?")},
      {"[^a-z]*", begins_text_without_letters},
  };
  std::mt19937 random(1);
  for (const auto& [regex, begins] : table) {
    SCOPED_TRACE(regex);
    const Constraint c(gpt2(), {.regex = regex});
    std::string text;
    Constraint::State state = c.start();
    for (int i = 0; i < 4 && !c.must_end(state); ++i) {
      for (TokenId token = 0; token < kEndOfText; token += kStride) {
        const std::string longer = text + std::string(gpt2().token_bytes(token));
        ASSERT_EQ(c.allowed(state).contains(token), begins(longer)) << longer;
      }
      ASSERT_FALSE(c.allowed(state).contains(kEndOfText));
      const auto tokens = members(c.allowed(state));
      const TokenId token = tokens[random() % tokens.size()];
      text += gpt2().token_bytes(token);
      state = c.next(state, token);
    }
  }
}

TEST(Constraint, ASecondLookIsTheSameMask) {
  const Constraint c(gpt2(), {.regex = "[a-z ]+"});
  EXPECT_EQ(&c.allowed(c.start()), &c.allowed(c.start()));
  EXPECT_EQ(c.allowed(c.start()).vocab_size(), 50257u);
}

TEST(Constraint, EveryWalkEndsInAMatch) {
  const Tokenizer characters = Tokenizer::characters_of("abc019 .-_\n");
  std::mt19937 random(1);
  const char* const patterns[] = {
      "[a-c]{3}",         "(ab|ba)*c?",          "-?(0|[1-9]\\d*)(\\.\\d{1,3})?",
      "a{2,5}|b{0,3}c",   "\\w+( \\w+){0,4}\\.", "[^a]*",
      "(a|b)*a(a|b){3}",  "((a|b)*c){2}",        "\\S{4}\\s\\D",
      "^(abc|abcab|b+)$",
  };
  for (const char* pattern : patterns) {
    const std::string bare = pattern[0] == '^' ? "(abc|abcab|b+)" : pattern;
    const std::regex reference(bare, std::regex::ECMAScript | std::regex_constants::__polynomial);
    for (const Tokenizer* tokenizer : {&gpt2(), &characters}) {
      const Constraint c(*tokenizer, {.regex = pattern});
      for (int walk = 0; walk < (tokenizer == &characters ? 100 : 10); ++walk) {
        const std::string text = random_walk(*tokenizer, c, random);
        if (!std::ranges::all_of(text, [](char b) { return b >= ' ' || b == '\n'; })) continue;
        ASSERT_TRUE(std::regex_match(text, reference)) << pattern << " on '" << text << "'";
      }
    }
  }
}

// A small vocabulary of a random choice of GPT-2's tokens, so that much of what bytes could spell
// is out of reach. What can be reached and finished is computed by exhaustive search over texts of
// limited length, on a pattern without loops.
TEST(Constraint, NoDeadEndsWhereTokensCannotSpellEverything) {
  std::mt19937 random(1);
  const auto text_of = [&](std::size_t least, std::size_t most) {
    std::string text(least + random() % (most - least + 1), ' ');
    for (char& c : text) c = "abc"[random() % 3];
    return text;
  };
  std::vector<TokenId> abc;  // tokens of these letters alone
  for (TokenId token = 0; token < kEndOfText; ++token) {
    const std::string_view bytes = gpt2().token_bytes(token);
    if (bytes.find_first_not_of("abc") == bytes.npos) abc.push_back(token);
  }
  ASSERT_GT(abc.size(), 20u);
  int refused = 0;
  for (int round = 0; round < 300; ++round) {
    std::vector<std::string> strings(1 + random() % 6);
    for (std::string& s : strings) s = text_of(1, 6);
    std::ranges::shuffle(abc, random);
    const std::vector<TokenId> some(abc.begin(),
                                    abc.begin() + 1 + static_cast<std::ptrdiff_t>(random() % 12));
    // The definition: which strings can be finished from each prefix.
    const std::set<std::string> whole(strings.begin(), strings.end());
    std::map<std::string, bool> known;
    const std::function<bool(const std::string&)> finishable = [&](const std::string& text) {
      if (const auto found = known.find(text); found != known.end()) return found->second;
      bool yes = whole.contains(text);
      for (const TokenId token : some) {
        if (yes || text.size() > 6) break;
        yes = finishable(text + std::string(gpt2().token_bytes(token)));
      }
      return known[text] = yes;
    };
    const ConstraintOptions options = {.allowed_tokens = some, .allowed_strings = strings};
    if (!finishable("")) {
      ++refused;
      EXPECT_THROW(Constraint(gpt2(), options), Error);
      continue;
    }
    const Constraint c(gpt2(), options);
    const std::function<void(const std::string&, Constraint::State)> check =
        [&](const std::string& text, Constraint::State state) {
          ASSERT_EQ(c.may_end(state), whole.contains(text));
          bool any = false;
          for (const TokenId token : abc) {
            const std::string longer = text + std::string(gpt2().token_bytes(token));
            const bool expected = std::ranges::count(some, token) > 0 && finishable(longer);
            ASSERT_EQ(c.allowed(state).contains(token), expected) << text << " + " << longer;
            any = any || expected;
            if (expected) check(longer, c.next(state, token));
          }
          ASSERT_EQ(c.must_end(state), !any);
        };
    check("", c.start());
  }
  EXPECT_GT(refused, 20);
  EXPECT_LT(refused, 280);
}

TEST(Constraint, LoopsThatTokensCannotLeaveAreNotEntered) {
  const Tokenizer tokenizer = Tokenizer::characters_of("abc");
  const Constraint c(tokenizer, {.regex = "a*\u00E9|b+|(ca*)+x|c"});
  EXPECT_EQ(words(tokenizer, c.allowed(c.start())), (std::vector<std::string>{"b", "c"}));
  EXPECT_TRUE(c.must_end(c.next(c.start(), 2)));
}

TEST(Constraint, BannedStringsNeverAppear) {
  std::mt19937 random(1);
  const std::vector<std::string> banned = {" the", "an", "e ", "\xC3\xA9", "  ", "ing"};
  const std::vector<TokenId> ends = {kEndOfText};
  for (const char* regex : {"", "[a-z ]{20,60}", "(.|\\n){30}"}) {
    const Constraint c(gpt2(), {.regex = regex, .banned_strings = banned}, ends);
    for (int walk = 0; walk < 20; ++walk) {
      const std::string text = random_walk(gpt2(), c, random, 60);
      for (const std::string& b : banned) ASSERT_EQ(text.find(b), text.npos) << text;
    }
  }
  // Straddling two tokens, and inside one.
  const Constraint c(gpt2(), {.banned_strings = {"lo w"}});
  const auto after = c.next(c.start(), gpt2().encode("hello")[0]);
  EXPECT_FALSE(c.allowed(after).contains(gpt2().encode(" world")[0]));
  EXPECT_TRUE(c.allowed(c.start()).contains(gpt2().encode(" world")[0]));
  EXPECT_TRUE(c.allowed(after).contains(gpt2().encode(" earth")[0]));
}

TEST(Constraint, AllowedStringsAreTheOnlyTexts) {
  std::mt19937 random(1);
  const std::vector<std::string> strings = {"positive", "negative", "pos", "\u00E4\u00F6", "no"};
  const Constraint c(gpt2(), {.banned_tokens = gpt2().encode("no"), .allowed_strings = strings});
  std::set<std::string> seen;
  for (int walk = 0; walk < 500; ++walk) seen.insert(random_walk(gpt2(), c, random));
  EXPECT_EQ(seen, std::set<std::string>(strings.begin(), strings.end()));
  // "no" is still spelled as n, o.
  EXPECT_FALSE(c.allowed(c.start()).contains(gpt2().encode("no")[0]));
}

TEST(Constraint, AllOptionsHoldTogether) {
  const Constraint c(
      gpt2(),
      {.regex = "[a-z]+", .allowed_strings = {"cat", "dog", "Bird"}, .banned_strings = {"og"}});
  std::mt19937 random(1);
  for (int walk = 0; walk < 20; ++walk) EXPECT_EQ(random_walk(gpt2(), c, random), "cat");
}

TEST(Constraint, TokensAlone) {
  const std::vector<TokenId> ends = {kEndOfText};
  const Constraint some(gpt2(), {.allowed_tokens = {5, 7, 50256}, .banned_tokens = {7}}, ends);
  EXPECT_THAT(members(some.allowed(some.start())), ElementsAre(5, kEndOfText));
  EXPECT_EQ(some.next(some.start(), 5), some.start());
  const Constraint most(gpt2(), {.banned_tokens = {0, 13, kEndOfText}}, ends);
  EXPECT_EQ(most.allowed(most.start()).count(), 50257u - 3);
  EXPECT_FALSE(most.allowed(most.start()).contains(13));
}

TEST(Constraint, EndTokensComeExactlyWhereTheTextMayEnd) {
  const TokenId newline = gpt2().encode("\n")[0];
  const std::vector<TokenId> ends = {kEndOfText, newline};
  const Constraint c(gpt2(), {.regex = "a\\n?b?"}, ends);
  EXPECT_TRUE(c.is_end(newline));
  EXPECT_TRUE(c.is_end(kEndOfText));
  EXPECT_FALSE(c.is_end(0));
  const TokenId a = gpt2().encode("a")[0];
  const TokenId b = gpt2().encode("b")[0];
  EXPECT_FALSE(c.allowed(c.start()).contains(newline));
  const auto after_a = c.next(c.start(), a);
  // A token that ends the text is no part of it, though its byte would match.
  EXPECT_EQ(c.next(after_a, newline), after_a);
  EXPECT_TRUE(c.allowed(after_a).contains(newline));
  EXPECT_TRUE(c.allowed(after_a).contains(kEndOfText));
  EXPECT_TRUE(c.allowed(after_a).contains(b));
  const auto after_ab = c.next(after_a, b);
  EXPECT_TRUE(c.must_end(after_ab));
  EXPECT_THAT(members(c.allowed(after_ab)), ElementsAre(newline, kEndOfText));
}

TEST(Constraint, SpecialTokensMatchNoText) {
  const Constraint c(gpt2(), {.regex = "<\\|endoftext\\|>"});
  EXPECT_FALSE(c.allowed(c.start()).contains(kEndOfText));
  EXPECT_TRUE(c.allowed(c.start()).contains(gpt2().encode("<")[0]));
  const Constraint any(gpt2(), {.banned_strings = {"x"}});
  EXPECT_FALSE(any.allowed(any.start()).contains(kEndOfText));
}

TEST(Constraint, ARegexThatMatchesOnlyTheEmptyTextEndsAtOnce) {
  const Constraint c(gpt2(), {.regex = "a{0}"});
  EXPECT_TRUE(c.may_end(c.start()));
  EXPECT_TRUE(c.must_end(c.start()));
}

TEST(Constraint, WhatNothingCanSatisfyIsRefused) {
  const Tokenizer letters = Tokenizer::characters_of("abc");
  const struct {
    const Tokenizer& tokenizer;
    ConstraintOptions options;
    const char* what;
  } table[] = {
      {gpt2(), {.regex = "[^\\x{0}-\\x{10FFFF}]"}, "regex: no text matches"},
      {gpt2(), {.regex = "a*(b"}, "regex: at offset 2"},
      {letters,
       {.regex = "\\d+"},
       "regex: no token of this vocabulary can start a text that satisfies it; write it with the "
       "characters that the vocabulary has"},
      {letters,
       {.regex = "a+\\d"},
       "regex: no token of this vocabulary can finish a text that satisfies it"},
      {letters, {.allowed_strings = {"x", "y"}}, "allowed_strings: no token of this vocabulary"},
      {letters,
       {.regex = "a+", .banned_tokens = {0}},
       "regex: no token that is left of this vocabulary can start a text that satisfies it; allow "
       "more tokens"},
      {letters, {.regex = "a+", .banned_strings = {"a"}}, "regex and banned_strings: no text"},
      {letters,
       {.regex = "a+", .allowed_strings = {"b"}, .banned_strings = {"c"}},
       "regex and allowed_strings and banned_strings: no text satisfies all of them"},
      {letters, {.banned_strings = {""}}, "banned_strings: the empty string"},
      {letters, {.banned_tokens = {0, 1, 2}}, "leave no token to write a text with"},
      {letters, {.allowed_tokens = {0}, .banned_tokens = {0}}, "leave no token"},
      {letters,
       {.banned_tokens = {3}},
       "banned_tokens: 3 is no token of this vocabulary, whose ids go from 0 to 2"},
      {letters, {.allowed_tokens = {-1}}, "allowed_tokens: -1 is no token"},
  };
  for (const auto& [tokenizer, options, what] : table) {
    try {
      const Constraint c(tokenizer, options);
      ADD_FAILURE() << "accepted: " << what;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidOption);
      EXPECT_THAT(error.what(), HasSubstr(what));
    }
  }
  EXPECT_THROW(Constraint(letters, {}, std::vector<TokenId>{7}), Error);
}

// Bans every single byte: what the other tokens can spell has to be searched for, at each of many
// states. It is found, or refused, but does not take for ever.
TEST(Constraint, ASearchThatTakesTooLongIsRefused) {
  std::vector<TokenId> singles;
  for (TokenId token = 0; token < kEndOfText; ++token) {
    if (gpt2().token_bytes(token).size() == 1) singles.push_back(token);
  }
  ASSERT_EQ(singles.size(), 256u);
  const Constraint c(gpt2(), {.regex = "(.|\\n){8}!!", .banned_tokens = singles});
  std::mt19937 random(1);
  for (int walk = 0; walk < 20; ++walk) {
    EXPECT_THAT(random_walk(gpt2(), c, random), testing::EndsWith("!!"));
  }
#ifndef DECANT_SANITIZED  // takes a minute there
  try {
    const Constraint slow(gpt2(),
                          {.regex = "([^!]{1000}){3}\\x{10FFFF}", .banned_tokens = singles});
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("constraint: it takes too long to find out"));
  }
#endif
}

TEST(ConstraintOptions, EmptyMeansNoConstraint) {
  EXPECT_TRUE(ConstraintOptions().empty());
  EXPECT_FALSE(ConstraintOptions{.regex = "a"}.empty());
  EXPECT_FALSE(ConstraintOptions{.banned_tokens = {1}}.empty());
  const Constraint c(gpt2(), {});
  EXPECT_EQ(c.allowed(c.start()).count(), 50256u);
}

}  // namespace
}  // namespace decant
