// Tables worked out by hand, properties, and for self-BLEU what NLTK computes.
#include "decant/metrics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <random>
#include <set>

namespace decant {
namespace {

using Samples = std::vector<std::vector<TokenId>>;

std::vector<TokenId> repeat(std::vector<TokenId> part, int times) {
  std::vector<TokenId> text;
  for (int i = 0; i < times; ++i) text.insert(text.end(), part.begin(), part.end());
  return text;
}

TEST(Distinct, Table) {
  const Samples ab = {{1, 2, 1, 2, 1}};  // 12 21 12 21; 121 212 121
  EXPECT_DOUBLE_EQ(distinct(ab, 1).value(), 2 / 5.);
  EXPECT_DOUBLE_EQ(distinct(ab, 2).value(), 2 / 4.);
  EXPECT_DOUBLE_EQ(distinct(ab, 3).value(), 2 / 3.);
  EXPECT_DOUBLE_EQ(distinct(ab, 5).value(), 1);
  EXPECT_FALSE(distinct(ab, 6));
  // Texts share a vocabulary, but no n-gram goes from one to the next: 12, 23, 12.
  const Samples two = {{1, 2, 3}, {1, 2}};
  EXPECT_DOUBLE_EQ(distinct(two, 1).value(), 3 / 5.);
  EXPECT_DOUBLE_EQ(distinct(two, 2).value(), 2 / 3.);
  EXPECT_DOUBLE_EQ(distinct(two, 3).value(), 1);  // the second has none
  EXPECT_FALSE(distinct(Samples{}, 1));
  EXPECT_FALSE(distinct(Samples{{}, {}}, 1));
}

TEST(Repetition, Table) {
  const Samples ab = {{1, 2, 1, 2, 1}};
  EXPECT_DOUBLE_EQ(repetition(ab, 1).value(), 3 / 5.);
  EXPECT_DOUBLE_EQ(repetition(ab, 2).value(), 2 / 4.);
  EXPECT_DOUBLE_EQ(repetition(ab, 3).value(), 1 / 3.);
  EXPECT_DOUBLE_EQ(repetition(ab, 4).value(), 0);
  EXPECT_FALSE(repetition(ab, 6));
  // What two texts share is no repetition: 7 n-grams, one of them again in its own text.
  const Samples shared = {{1, 2, 3, 4}, {1, 2, 3, 1, 2}};
  EXPECT_DOUBLE_EQ(repetition(shared, 2).value(), 1 / 7.);
  EXPECT_DOUBLE_EQ(distinct(shared, 2).value(), 4 / 7.);  // 12 23 34 31
}

TEST(Diversity, IsTheProduct) {
  // aaaaa: 4, 3 and 2 n-grams, one of each.
  EXPECT_DOUBLE_EQ(diversity(Samples{{7, 7, 7, 7, 7}}).value(), 1 / 4. * 1 / 3. * 1 / 2.);
  EXPECT_DOUBLE_EQ(diversity(Samples{{1, 2, 3, 4, 5}}).value(), 1);
  EXPECT_FALSE(diversity(Samples{{1, 2, 3}}));
}

TEST(TokenRepetition, LooksBackAsFarAsItsWindow) {
  const Samples text = {{1, 2, 3, 1, 1, 2}};  // 1 after 3, 1 after 1, 2 after 4
  EXPECT_DOUBLE_EQ(token_repetition(text).value(), 3 / 6.);
  EXPECT_DOUBLE_EQ(token_repetition(text, 4).value(), 3 / 6.);
  EXPECT_DOUBLE_EQ(token_repetition(text, 3).value(), 2 / 6.);
  EXPECT_DOUBLE_EQ(token_repetition(text, 2).value(), 1 / 6.);
  EXPECT_DOUBLE_EQ(token_repetition(text, 0).value(), 0);
  EXPECT_DOUBLE_EQ(token_repetition(Samples{{1, 2}, {1, 2}}).value(), 0);
  EXPECT_FALSE(token_repetition(Samples{{}}));
  std::vector<TokenId> far(130);
  for (std::size_t i = 0; i < 129; ++i) far[i] = static_cast<TokenId>(i);
  far[129] = 0;  // 129 after
  EXPECT_DOUBLE_EQ(token_repetition(Samples{far}).value(), 0);
  far[129] = 1;  // 128 after
  EXPECT_DOUBLE_EQ(token_repetition(Samples{far}).value(), 1 / 130.);
}

// The definitions once more, by sets.
TEST(Ngrams, AreWhatSetsOfVectorsSay) {
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    Samples texts(random() % 5);
    for (auto& text : texts) {
      text.resize(random() % 12);
      for (TokenId& token : text) token = static_cast<TokenId>(random() % 3);
    }
    for (std::size_t n = 1; n <= 5; ++n) {
      std::set<std::vector<TokenId>> together;
      std::size_t in_each = 0;
      std::size_t all = 0;
      for (const auto& text : texts) {
        std::set<std::vector<TokenId>> own;
        for (auto at = text.begin(); text.end() - at >= static_cast<std::ptrdiff_t>(n); ++at) {
          own.insert({at, at + static_cast<std::ptrdiff_t>(n)});
          ++all;
        }
        in_each += own.size();
        together.insert(own.begin(), own.end());
      }
      const auto total = static_cast<double>(all);
      ASSERT_EQ(distinct(texts, n).has_value(), all > 0);
      ASSERT_EQ(repetition(texts, n).has_value(), all > 0);
      if (all == 0) continue;
      EXPECT_DOUBLE_EQ(*distinct(texts, n), static_cast<double>(together.size()) / total);
      EXPECT_NEAR(*repetition(texts, n), 1 - static_cast<double>(in_each) / total, 1e-15);
      EXPECT_LE(*distinct(texts, n), 1 - *repetition(texts, n) + 1e-15);
    }
  }
}

TEST(Ngrams, ALongTextIsNoTrouble) {
  const Samples same = {std::vector<TokenId>(20000, 5), repeat({1, 2, 3}, 7000)};
  EXPECT_DOUBLE_EQ(distinct(same, 3).value(), 4. / (19998 + 20998));
  EXPECT_GT(self_bleu(same).value_or(-1), -1);
}

// NLTK 3.8:
//
//   from nltk.translate.bleu_score import sentence_bleu, SmoothingFunction
//   def self_bleu(texts):
//       return sum(sentence_bleu(texts[:i] + texts[i + 1:], text,
//                                smoothing_function=SmoothingFunction().method1)
//                  for i, text in enumerate(texts)) / len(texts)
TEST(SelfBleu, IsNltks) {
  struct Case {
    Samples texts;
    double expected;
  };
  const auto modulo_7 = [](TokenId size, const std::function<TokenId(TokenId)>& of) {
    std::vector<TokenId> text(static_cast<std::size_t>(size));
    for (TokenId i = 0; i < size; ++i) text[static_cast<std::size_t>(i)] = of(i) % 7;
    return text;
  };
  const auto squares = modulo_7(20, [](TokenId i) { return i * i; });
  const auto cubes = modulo_7(25, [](TokenId i) { return i * i * i; });
  const auto threes = modulo_7(9, [](TokenId i) { return 3 * i; });
  const auto ones = modulo_7(14, [](TokenId i) { return i; });
  const std::vector<Case> cases = {
      {{{1, 2, 3, 4, 5, 6}, {1, 2, 3, 4, 5, 6}}, 1},
      {{{1, 2, 3}, {1, 2, 3}}, 0.5623413251903491},
      {{{1, 2, 3, 4, 5}, {6, 7, 8, 9}}, 0},
      {{{1, 2, 3, 4, 5, 6, 7}, {1, 2, 3, 4, 9, 6, 7, 8}, {2, 3, 4, 5, 1, 2}}, 0.535652283272254},
      {{{1, 1, 1, 1, 1}, {1, 1, 2, 1, 1, 1}, {2, 2, 1}}, 0.22762254036857402},
      {{{5}, {5, 6, 7, 8}, {6}}, 0.15040005374274043},
      {{{}, {1, 2, 3, 4}}, 0},
      {{squares, cubes, threes, ones}, 0.06265167950467183},
      {{{1, 2, 3, 4}, {1, 2, 3, 4, 5, 6}, {1, 2}}, 0.5414888139999275},
      {{{1, 2, 3, 4, 5}, {1, 2, 3, 4, 5, 6, 7, 8}, {2, 3, 4, 5, 6, 7, 8, 9, 1, 2}},
       0.6714004890448235},
      {{{1, 2, 1, 2, 1, 2, 1, 2}, {1, 2, 1, 2}, {2, 1, 2, 3, 2, 1, 2, 2, 1}, {1, 2, 1, 2}},
       0.6651485300294282},
  };
  for (const Case& c : cases) {
    EXPECT_NEAR(self_bleu(c.texts).value(), c.expected, 1e-12);
    Samples reversed(c.texts.rbegin(), c.texts.rend());  // the order of texts is nothing to it
    EXPECT_NEAR(self_bleu(reversed).value(), c.expected, 1e-12);
  }
  EXPECT_DOUBLE_EQ(self_bleu(Samples{{}, {}}).value(), 0);
  EXPECT_FALSE(self_bleu(Samples{{1, 2, 3, 4, 5}}));
  EXPECT_FALSE(self_bleu(Samples{}));
}

TEST(SelfBleu, OneOddTextAmongEqualOnes) {
  // Two are 1, the third shares nothing.
  const Samples texts = {{1, 2, 3, 4}, {1, 2, 3, 4}, {9, 8, 7, 6}};
  EXPECT_NEAR(self_bleu(texts).value(), 2 / 3., 1e-15);
}

TEST(Perplexity, Table) {
  EXPECT_DOUBLE_EQ(mean_logprob(std::vector<double>{-1, -2, -6}).value(), -3);
  EXPECT_DOUBLE_EQ(perplexity(std::vector<double>{-1, -2, -6}).value(), std::exp(3));
  // A choice among k equally probable tokens has perplexity k, however often it is made.
  for (const double k : {1., 2., 50257.}) {
    EXPECT_NEAR(perplexity(std::vector<double>(17, -std::log(k))).value(), k, 1e-9 * k);
  }
  const double inf = std::numeric_limits<double>::infinity();
  EXPECT_EQ(mean_logprob(std::vector<double>{-1, -inf}).value(), -inf);
  EXPECT_EQ(perplexity(std::vector<double>{-1, -inf}).value(), inf);
  EXPECT_FALSE(mean_logprob({}));
  EXPECT_FALSE(perplexity({}));
}

TEST(TailShare, IsOutsideTheNucleus) {
  // Of (.5, .4, .1), the nucleus of 0.9 is the first two: before them come 0 and .5.
  EXPECT_DOUBLE_EQ(tail_share(std::vector<double>{0, .5, .9, .9}).value(), .5);
  EXPECT_DOUBLE_EQ(tail_share(std::vector<double>{0, .5, .9, .9}, .5).value(), .75);
  EXPECT_DOUBLE_EQ(tail_share(std::vector<double>{0, .5}).value(), 0);
  EXPECT_FALSE(tail_share({}));
}

}  // namespace
}  // namespace decant
