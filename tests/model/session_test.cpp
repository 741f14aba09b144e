// The oracle is PyTorch: logits of each dialect's architecture, in tests/fixtures.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <new>
#include <numeric>
#include <stdexcept>

#include "decant/error.h"
#include "decant/model.h"
#include "fixtures.h"
#include "gpt_tensors.h"
#include "instruction_sets.h"

namespace decant {
namespace {

constexpr WeightFormat kFormats[] = {WeightFormat::kF32, WeightFormat::kBF16, WeightFormat::kQ8,
                                     WeightFormat::kQ4};

class SessionOnFixture : public testing::TestWithParam<Fixture> {};

INSTANTIATE_TEST_SUITE_P(Fixtures, SessionOnFixture, testing::ValuesIn(load_fixtures()),
                         [](const auto& test) { return test.param.name; });

std::vector<float> copy(Logits logits) { return {logits.begin(), logits.end()}; }

// The logits at every position, (tokens, V).
std::vector<float> all_logits(Session& session, std::span<const TokenId> tokens) {
  std::vector<float> all;
  session.prefill(tokens, [&](std::size_t index, Logits logits, std::span<const float>) {
    EXPECT_EQ(index * logits.size(), all.size());
    all.insert(all.end(), logits.begin(), logits.end());
  });
  return all;
}

void expect_near(std::span<const float> actual, std::span<const float> expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) {
    ASSERT_NEAR(actual[i], expected[i], 1e-4) << "logit " << i;
  }
}

TEST_P(SessionOnFixture, LogitsArePyTorchs) {
  const Model model(GetParam().open(), {.weights = WeightFormat::kF32});
  Session session(model, 1);
  expect_near(all_logits(session, GetParam().tokens), GetParam().logits);
}

TEST_P(SessionOnFixture, RecomputingTheWindowPastItsEndIsPyTorchs) {
  const Fixture& f = GetParam();
  const Model model(f.open(), {.weights = WeightFormat::kF32});
  Session session(model, 1);
  std::vector<float> all;
  for (std::size_t end = f.crop_first; end < f.crop_tokens.size(); ++end) {
    const auto window = static_cast<std::size_t>(session.capacity());
    session.truncate(0);
    const Logits logits =
        session.prefill(std::span(f.crop_tokens).subspan(end + 1 - window, window));
    all.insert(all.end(), logits.begin(), logits.end());
  }
  expect_near(all, f.crop_logits);
}

// The promise: how tokens are split over calls, and over threads, changes no bit.
TEST_P(SessionOnFixture, ChunksAndThreadsChangeNoBit) {
  const Fixture& f = GetParam();
  for (const WeightFormat format : kFormats) {
    const Model model(f.open(), {.weights = format});
    Session whole(model, 1);
    const auto expected = all_logits(whole, f.tokens);
    const std::size_t vocab = expected.size() / f.tokens.size();
    for (const int threads : {1, 2, 3}) {
      for (std::size_t chunk = 1; chunk <= f.tokens.size(); chunk += chunk < 16 ? 1 : 23) {
        Session session(model, threads);
        for (std::size_t i = 0; i < f.tokens.size(); i += chunk) {
          const auto part = std::span(f.tokens).subspan(i, std::min(chunk, f.tokens.size() - i));
          const Logits logits = session.prefill(part);
          const std::size_t last = i + part.size() - 1;
          ASSERT_TRUE(std::ranges::equal(logits, std::span(expected).subspan(last * vocab, vocab)))
              << "chunks of " << chunk << ", " << threads << " threads, position " << last;
        }
      }
    }
  }
}

TEST_P(SessionOnFixture, TruncatingForgets) {
  const Fixture& f = GetParam();
  const Model model(f.open());
  Session session(model, 1);
  const auto expected = copy(session.prefill(std::span(f.tokens).first(6)));
  session.prefill(std::span(f.tokens).subspan(6));
  session.truncate(5);
  EXPECT_EQ(session.position(), 5);
  EXPECT_EQ(copy(session.step(f.tokens[5])), expected);
}

ErrorCode code_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.code();
  }
  ADD_FAILURE() << "no error";
  return ErrorCode::kIo;
}

TEST_P(SessionOnFixture, RefusesWhatDoesNotFitAndAppendsNothing) {
  const Fixture& f = GetParam();
  const Model model(f.open());
  Session session(model, 1);
  const auto vocab = static_cast<TokenId>(model.config().vocab_size);
  const std::vector<TokenId> outside = {1, vocab};
  const std::vector<TokenId> negative = {-1};
  const std::vector<TokenId> too_many(static_cast<std::size_t>(session.capacity()) + 1, 1);
  EXPECT_EQ(code_of([&] { session.prefill(outside); }), ErrorCode::kInvalidToken);
  EXPECT_EQ(code_of([&] { session.prefill(negative); }), ErrorCode::kInvalidToken);
  EXPECT_EQ(code_of([&] { session.prefill(too_many); }), ErrorCode::kContextFull);
  EXPECT_EQ(code_of([&] { session.prefill({}); }), ErrorCode::kInvalidPrompt);
  EXPECT_EQ(session.position(), 0);
}

TEST_P(SessionOnFixture, RefusesNegativeThreads) {
  const Model model(GetParam().open());
  EXPECT_EQ(code_of([&] { Session(model, -1); }), ErrorCode::kInvalidOption);
}

// The promise on the model that ships, whose sizes are those of real ones: several panels and
// blocks of the cache.
class ShippedModel : public testing::TestWithParam<WeightFormat> {
 protected:
  ShippedModel() {
    Session session(model_, 1);
    expected_ = all_logits(session, tokens_);
  }

  static std::vector<TokenId> some_tokens() {
    std::vector<TokenId> tokens;
    for (int i = 0; i < 200; ++i) tokens.push_back(static_cast<TokenId>(i * i * 7 % 1024));
    return tokens;
  }

  std::span<const TokenId> tokens() const { return tokens_; }

  // After `position` of the tokens, by a session that saw them at once.
  Logits expected(std::size_t position) const {
    const auto vocab = static_cast<std::size_t>(model_.config().vocab_size);
    return std::span(expected_).subspan(position * vocab, vocab);
  }

  Model model_{Checkpoint::open(DECANT_SOURCE_DIR "/models/shakespeare"), {.weights = GetParam()}};
  std::vector<TokenId> tokens_ = some_tokens();
  std::vector<float> expected_;
};

INSTANTIATE_TEST_SUITE_P(Formats, ShippedModel, testing::ValuesIn(kFormats), [](const auto& test) {
  return std::string(weight_format_name(test.param));
});

TEST_P(ShippedModel, StepsChunksAndThreadsChangeNoBit) {
  for (const int threads : {1, 2, 3}) {
    for (const std::size_t chunk : {1u, 5u, 63u, 64u, 65u, 199u}) {
      Session session(model_, threads);
      for (std::size_t i = 0; i < tokens_.size(); i += chunk) {
        const std::size_t count = std::min(chunk, tokens_.size() - i);
        const Logits logits = session.prefill(tokens().subspan(i, count));
        ASSERT_TRUE(std::ranges::equal(logits, expected(i + count - 1)))
            << "chunks of " << chunk << ", " << threads << " threads, position " << i + count - 1;
      }
    }
  }
}

TEST_P(ShippedModel, InstructionSetsChangeNoBit) {
  if (!has_fused_multiply_add()) GTEST_SKIP() << "no fused multiply-add on this kind of machine";
  on_each_target([&](std::int64_t target) {
    if ((target & kFusedTargets) == 0) return;
    // Packed anew: integer weights are rounded by kernels, too.
    const Model model(Checkpoint::open(DECANT_SOURCE_DIR "/models/shakespeare"),
                      {.weights = GetParam()});
    Session session(model, 2);
    EXPECT_EQ(all_logits(session, tokens_), expected_) << hwy::TargetName(target);
  });
}

// Sessions that begin, end and go forward by different lengths, together.
TEST_P(ShippedModel, CompanyChangesNoBit) {
  for (const std::size_t batch : {1u, 2u, 3u, 6u, 7u, 13u, 16u, 31u, 64u}) {
    for (const int threads : {1, 2}) {
      SessionGroup group(model_, threads);
      std::vector<Session> sessions;
      for (std::size_t i = 0; i < batch; ++i) sessions.emplace_back(group);
      for (int round = 0; round < 4; ++round) {
        std::vector<SessionGroup::Part> parts;
        for (std::size_t i = 0; i < batch; ++i) {
          if ((i + static_cast<std::size_t>(round)) % 5 == 4) continue;  // sits this one out
          const auto position = static_cast<std::size_t>(sessions[i].position());
          const std::size_t count = round == 0 ? 1 + i * 3 % 40 : 1 + (i + 1) % 3;
          parts.push_back({&sessions[i], tokens().subspan(position, count)});
        }
        const Logits logits = group.append(parts);
        const std::size_t vocab = expected(0).size();
        ASSERT_EQ(logits.size(), parts.size() * vocab);
        for (std::size_t i = 0; i < parts.size(); ++i) {
          const auto last = static_cast<std::size_t>(parts[i].session->position() - 1);
          ASSERT_TRUE(std::ranges::equal(logits.subspan(i * vocab, vocab), expected(last)))
              << "session " << i << " of " << batch << ", position " << last;
        }
      }
    }
  }
}

// Some parts want the logits after one token, others after many, across passes of 256 tokens.
TEST_P(ShippedModel, LogitsAfterTheLastTokensOfEachPart) {
  SessionGroup group(model_, 2);
  Session first(group);
  Session second(group);
  Session third(group);
  const SessionGroup::Part parts[] = {{&first, tokens().first(150), 20},
                                      {&second, tokens().first(200), 130},
                                      {&third, tokens().first(3)}};
  const Logits logits = group.append(parts);
  const std::size_t vocab = expected(0).size();
  ASSERT_EQ(logits.size(), 151 * vocab);
  std::size_t row = 0;
  for (const SessionGroup::Part& part : parts) {
    for (std::size_t i = part.tokens.size() - part.last; i < part.tokens.size(); ++i) {
      ASSERT_TRUE(std::ranges::equal(logits.subspan(row++ * vocab, vocab), expected(i))) << i;
    }
  }
}

// The head is the token embedding: a logit is the inner product of a row of it with the state.
TEST_P(SessionOnFixture, LogitsAreMadeFromTheHiddenStates) {
  const Checkpoint checkpoint = GetParam().open();
  const Model model(checkpoint, {.weights = WeightFormat::kF32});
  const Gpt& gpt = checkpoint.gpt();
  if (gpt.head_bias) GTEST_SKIP() << "the head has a bias";
  Session session(model, 1);
  const SessionGroup::Part part{&session, GetParam().tokens, GetParam().tokens.size()};
  SessionGroup group = session.group();
  const Logits logits = group.append({&part, 1});
  const auto width = static_cast<std::size_t>(gpt.head.cols);
  const auto vocab = static_cast<std::size_t>(gpt.head.rows);
  ASSERT_EQ(group.hidden().size(), part.last * width);
  std::vector<float> row(width);
  for (std::size_t v = 0; v < vocab; v += 7) {
    gpt.head.read_row(static_cast<std::int64_t>(v), row.data());
    for (std::size_t i = 0; i < part.last; ++i) {
      const auto state = group.hidden().subspan(i * width, width);
      const double product = std::inner_product(row.begin(), row.end(), state.begin(), 0.0);
      ASSERT_NEAR(logits[i * vocab + v], product, 1e-4);
    }
  }
  Session visited(model, 1);
  visited.prefill(GetParam().tokens, [&](std::size_t index, Logits, std::span<const float> hidden) {
    EXPECT_TRUE(std::ranges::equal(hidden, group.hidden().subspan(index * width, width)));
  });
}

TEST_P(ShippedModel, ForksGoTheirOwnWay) {
  for (const std::size_t shared : {1u, 63u, 64u, 65u, 130u}) {
    Session first(model_, 2);
    first.prefill(tokens().first(shared));
    Session second = first.fork();
    EXPECT_EQ(second.position(), first.position());
    const std::vector<TokenId> other(10, 7);
    const auto branch = copy(second.prefill(other));
    EXPECT_TRUE(
        std::ranges::equal(first.prefill(tokens().subspan(shared, 10)), expected(shared + 9)));
    Session alone(model_, 1);
    alone.prefill(tokens().first(shared));
    EXPECT_EQ(copy(alone.prefill(other)), branch);
  }
}

TEST_P(ShippedModel, ABatchWithABadPartAppendsNothing) {
  SessionGroup group(model_, 1);
  Session good(group);
  Session bad(group);
  const std::vector<TokenId> outside = {-1};
  const SessionGroup::Part parts[] = {{&good, tokens().first(5)}, {&bad, outside}};
  EXPECT_EQ(code_of([&] { group.append(parts); }), ErrorCode::kInvalidToken);
  EXPECT_EQ(good.position(), 0);
}

TEST_P(ShippedModel, AVisitorThatThrowsLeavesTheSessionAsItWas) {
  Session session(model_, 1);
  session.prefill(tokens().first(70));
  const auto stop = [](std::size_t index, Logits, std::span<const float>) {
    if (index == 20) throw std::runtime_error("enough");
  };
  EXPECT_THROW(session.prefill(tokens().subspan(70), stop), std::runtime_error);
  EXPECT_EQ(session.position(), 70);
  EXPECT_TRUE(std::ranges::equal(session.step(tokens_[70]), expected(70)));
}

// While one lives, the process gets no more memory, but for what is free in its heap.
class NoMoreMemory {
 public:
  NoMoreMemory() {
    getrlimit(RLIMIT_AS, &before_);
    std::ifstream file("/proc/self/statm");
    rlim_t pages = 0;
    file >> pages;
    const rlimit now = {pages * static_cast<rlim_t>(sysconf(_SC_PAGESIZE)), before_.rlim_max};
    setrlimit(RLIMIT_AS, &now);
  }
  NoMoreMemory(const NoMoreMemory&) = delete;
  NoMoreMemory& operator=(const NoMoreMemory&) = delete;
  ~NoMoreMemory() { setrlimit(RLIMIT_AS, &before_); }

 private:
  rlimit before_ = {};
};

TEST(Session, OutOfMemoryAppendsNothing) {
#ifdef DECANT_SANITIZED
  GTEST_SKIP() << "AddressSanitizer needs an address space without a limit";
#endif
  // So wide that what 256 rows take is more than any of the heap's arenas can hold.
  const Model model(Checkpoint::random({.vocab_size = 64,
                                        .block_size = 300,
                                        .n_layer = 1,
                                        .n_head = 2,
                                        .n_embd = 16,
                                        .n_inner = 80'000}));
  const std::vector<TokenId> tokens(300, 7);
  const std::span all(tokens);
  SessionGroup group(model, 2);
  Session first(group);
  Session second(group);
  first.prefill(all.first(10));
  const SessionGroup::Part parts[] = {{&first, all.first(200)}, {&second, all.first(100)}};
  {
    const NoMoreMemory limit;
    EXPECT_THROW(group.append(parts), std::bad_alloc);
  }
  EXPECT_EQ(first.position(), 10);
  EXPECT_EQ(second.position(), 0);
  const std::vector<float> after = copy(group.append(parts));
  Session alone(model, 1);
  EXPECT_EQ(std::vector(after.begin(), after.begin() + 64), copy(alone.prefill(all.first(210))));
}

// Counted by hand, for sizes that need no padding.
TEST(Session, AStepReadsEveryMatrixAndThePast) {
  ModelConfig config = {
      .vocab_size = 192, .block_size = 8, .n_layer = 3, .n_head = 2, .n_embd = 64, .n_inner = 128};
  const std::size_t matrices = 192 * 64 + 3 * (4 * 64 * 64 + 2 * 64 * 128);
  for (const bool tied : {false, true}) {
    config.tied_head = tied;
    const Model model(Checkpoint::random(config), {.weights = WeightFormat::kF32});
    EXPECT_EQ(model.weight_bytes(), 4 * (matrices + (tied ? 0 : 192 * 64)));
    Session session(model, 1);
    EXPECT_EQ(session.step_bytes(), 4 * matrices);
    session.prefill(std::vector<TokenId>{1, 2, 3, 4, 5});
    EXPECT_EQ(session.step_bytes(), 4 * (matrices + 5 * 3 * 2 * 64));
    session.truncate(1);
    EXPECT_EQ(session.step_bytes(), 4 * (matrices + 3 * 2 * 64));
  }
}

}  // namespace
}  // namespace decant
