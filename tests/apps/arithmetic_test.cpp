#include "arithmetic.h"

#include <gtest/gtest.h>

#include "instruction_sets.h"

namespace decant::cli {
namespace {

// That the sums are right is checked by what is measured, which throws where one is not.
TEST(Arithmetic, AddsUpOnEveryInstructionSetAndAnyNumberOfThreads) {
  for (const Numbers numbers : {Numbers::kFloats, Numbers::kBytes}) {
    on_each_target(
        [&](std::int64_t target) { EXPECT_GT(operations_per_second(numbers, 1), 0) << target; });
    EXPECT_GT(operations_per_second(numbers, 3), 0);
  }
}

}  // namespace
}  // namespace decant::cli
