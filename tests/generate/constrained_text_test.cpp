// Every strategy keeps to a constraint and to min_new_tokens, and ends where it cannot.
#include <gtest/gtest.h>

#include <cmath>
#include <regex>

#include "decant/generate.h"
#include "small_model.h"

namespace decant {
namespace {

// Of the model's tokens: "!" is 0, so a letter is its place behind that.
constexpr TokenId token_of(char letter) { return letter - '!'; }

struct Named {
  const char* name;
  Strategy strategy;
  friend void PrintTo(const Named& named, std::ostream* out) { *out << named.name; }
};

class ConstrainedText : public testing::TestWithParam<Named> {
 protected:
  Generation make(GenerateOptions options, const SamplingConfig& sampling = {}) {
    options.strategy = GetParam().strategy;
    Pipeline pipeline(sampling);
    return generate(small_.session, small_.tokenizer, pipeline, small_.data.tokens, options);
  }
  std::string text(const Generation& made) const { return small_.tokenizer.decode(made.tokens); }

  SmallModel small_;
};

INSTANTIATE_TEST_SUITE_P(
    Strategies, ConstrainedText,
    testing::Values(Named{"Sampling", Sampling{}},
                    Named{"Lookup", Sampling{{.prompt_lookup_num_tokens = 4}}},
                    Named{"Beams", BeamSearch{.num_beams = 3}},
                    Named{"BeamSampling", BeamSearch{.num_beams = 3, .do_sample = true}},
                    Named{"BeamGroups", BeamSearch{.num_beams = 4, .num_beam_groups = 2}},
                    Named{"Contrastive", ContrastiveSearch{.top_k = 3}}),
    [](const auto& test) { return test.param.name; });

TEST_P(ConstrainedText, MatchesTheRegularExpression) {
  const std::string expression = "([A-C]{2}|xy+z)(-[0-9]){3}";
  const Constraint constraint(small_.tokenizer, {.regex = expression});
  for (Seed seed = 0; seed < 20; ++seed) {
    const auto made = make({.max_new_tokens = 200, .seed = seed, .constraint = &constraint});
    ASSERT_EQ(made.finish_reason, FinishReason::kStop);
    EXPECT_TRUE(std::regex_match(text(made), std::regex(expression))) << text(made);
  }
}

// Each token stops the text, so that only what forbids it makes the text longer.
TEST_P(ConstrainedText, StopTokensWaitForMinNewTokens) {
  std::vector<TokenId> letters;
  for (char letter = 'a'; letter <= 'y'; ++letter) letters.push_back(token_of(letter));
  const Constraint constraint(small_.tokenizer, {.regex = "[a-z]*"}, letters);
  for (const std::int64_t least : {0, 1, 7}) {
    const auto made = make({.max_new_tokens = 20,
                            .min_new_tokens = least,
                            .stop_tokens = letters,
                            .constraint = &constraint});
    EXPECT_GE(made.tokens.size(), static_cast<std::size_t>(least));
    EXPECT_EQ(text(made).find_first_not_of('z'), std::string::npos) << text(made);
  }
}

TEST_P(ConstrainedText, MayBeEmpty) {
  const Constraint constraint(small_.tokenizer, {.regex = "()"});
  const auto made = make({.max_new_tokens = 20, .constraint = &constraint});
  EXPECT_EQ(made.finish_reason, FinishReason::kStop);
  EXPECT_TRUE(made.tokens.empty());
}

// A bias, of which the constraint does not know, forbids the only way on.
TEST_P(ConstrainedText, EndsWhereNoTokenIsLeft) {
  const Constraint constraint(small_.tokenizer, {.regex = "abc"});
  for (const auto& [banned, begun] : {std::pair('c', "ab"), {'a', ""}}) {
    const auto made = make({.max_new_tokens = 20, .constraint = &constraint},
                           {.logit_bias = {{token_of(banned), -INFINITY}}});
    EXPECT_EQ(made.finish_reason, FinishReason::kNoCandidates);
    EXPECT_EQ(text(made), begun);
    EXPECT_NE(made.error.find("constraint"), std::string::npos) << made.error;
    for (const Hypothesis& one : made.hypotheses) {
      EXPECT_EQ(one.finish_reason, FinishReason::kNoCandidates);
    }
  }
}

// One way on breaks off, however probable it is, and the other is whole.
TEST(BeamSearch, AWholeTextOutranksOneThatBreaksOff) {
  SmallModel small;
  const Constraint constraint(small.tokenizer, {.regex = "aaaab|cd"});
  Pipeline pipeline(
      {.logit_bias = {{token_of('a'), 20}, {token_of('b'), -INFINITY}, {token_of('d'), -20}}});
  for (const std::int64_t groups : {1, 2}) {
    const auto made = generate(small.session, small.tokenizer, pipeline, small.data.tokens,
                               {.strategy = BeamSearch{.num_beams = 2 * groups,
                                                       .num_return_sequences = 2,
                                                       .num_beam_groups = groups},
                                .constraint = &constraint});
    EXPECT_EQ(made.hypotheses.at(0).text, "cd");
    EXPECT_EQ(made.finish_reason, FinishReason::kStop);
    EXPECT_TRUE(made.error.empty());
  }
}

}  // namespace
}  // namespace decant
