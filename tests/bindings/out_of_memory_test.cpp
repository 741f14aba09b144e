// Memory that runs out at any single allocation is a status, and leaves everything usable.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "c_support.h"

namespace {
// Allocations until one fails; none does below 0. Of this thread, as gtest and others have theirs.
thread_local long remaining = -1;
// Only allocations of at least this many bytes can.
thread_local std::size_t smallest = 0;
}  // namespace

// The replacements pair malloc with free, which the compiler cannot see.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
void* operator new(std::size_t size) {
  if (size >= smallest) {
    if (remaining == 0) throw std::bad_alloc();
    if (remaining > 0) --remaining;
  }
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace decant {
namespace {

// Runs `call` with ever more memory until it succeeds, and returns how often it failed.
template <typename Call>
long failures(const Call& call) {
  for (long allowed = 0;; ++allowed) {
    remaining = allowed;
    const decant_status status = call();
    remaining = -1;
    if (status == DECANT_OK) return allowed;
    EXPECT_EQ(status, DECANT_ERROR_OUT_OF_MEMORY) << last_error();
    EXPECT_EQ(last_error(), "out of memory");
    if (testing::Test::HasFailure()) return -1;
  }
}

// Without JSON: nlohmann-json's destructor allocates, and so ends the program where it cannot.
TEST(COutOfMemory, InSampling) {
  const std::vector<float> logits = {1, 3, 2, 5, 4, 0, 7, 6};
  const decant_sampling_input input = c_input(logits);
  decant_draw draw = c_draw();
  decant_pipeline* made = nullptr;
  EXPECT_GT(failures([&] { return decant_pipeline_create(nullptr, 0, &made); }), 3);
  const CPipeline pipeline(made);
  failures([&] { return decant_pipeline_sample(made, &input, 1, 0, 0, &draw); });
  EXPECT_EQ(failures([&] { return decant_pipeline_sample(made, &input, 1, 0, 0, &draw); }), 0);
  std::size_t size = 0;
  EXPECT_GT(failures([&] {
              return decant_pipeline_distribution(made, &input, nullptr, nullptr, 0, &size);
            }),
            0);
}

TEST(COutOfMemory, InTheTokenizer) {
  const CTokenizer tokenizer = c_gpt2();
  std::int32_t* tokens = nullptr;
  std::size_t count = 0;
  EXPECT_GT(failures([&] {
              return decant_tokenizer_encode(tokenizer.get(), "to be or not", 12, &tokens, &count);
            }),
            0);
  char* text = nullptr;
  std::size_t size = 0;
  EXPECT_GT(failures([&] {
              return decant_tokenizer_decode(tokenizer.get(), tokens, count, &text, &size);
            }),
            0);
  EXPECT_EQ(take(text, size), "to be or not");
  decant_free(tokens);
}

TEST(COutOfMemory, WhileAModelIsOpened) {
  smallest = 1024;  // the weights, but not the JSON of the config
  decant_model* made = nullptr;
  EXPECT_GT(failures([&] {
              return decant_model_open(kSmallModel.data(), kSmallModel.size(), nullptr, &made);
            }),
            10);
  smallest = 0;
  const CModel model(made);
  decant_session* session = nullptr;
  EXPECT_GT(failures([&] { return decant_session_create(made, 1, &session); }), 3);
  decant_session_destroy(session);
}

TEST(COutOfMemory, WhereAMessageCannotBeKept) {
  decant_tokenizer* made = nullptr;
  const std::string nowhere = "/nowhere/with/a/name/that/is/longer/than/any/small/string";
  const auto load = [&] { return decant_tokenizer_load(nowhere.data(), nowhere.size(), &made); };
  ASSERT_EQ(load(), DECANT_ERROR_IO);
  const std::string whole = last_error();
  int lost = 0;
  bool done = false;
  for (long allowed = 0;; ++allowed) {
    // The thread's message gives its memory back, so that the next one needs some.
    std::thread([&, allowed] {
      remaining = allowed;
      const decant_status status = load();
      remaining = -1;
      EXPECT_TRUE(status == DECANT_ERROR_OUT_OF_MEMORY || status == DECANT_ERROR_IO);
      lost += status == DECANT_ERROR_IO && last_error() == "out of memory";
      done = status == DECANT_ERROR_IO && last_error() == whole;
    }).join();
    if (done) break;
  }
  EXPECT_EQ(lost, 1);
}

}  // namespace
}  // namespace decant
