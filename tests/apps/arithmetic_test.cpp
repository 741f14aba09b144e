#include "arithmetic.h"

#include <gtest/gtest.h>

namespace decant::cli {
namespace {

// That the sums are right is checked by what is measured, which throws where one is not.
TEST(Arithmetic, AddsUpOnAnyNumberOfThreads) {
  for (const Numbers numbers : {Numbers::kFloats, Numbers::kBytes}) {
    for (const int threads : {1, 3}) EXPECT_GT(operations_per_second(numbers, threads), 0);
  }
}

}  // namespace
}  // namespace decant::cli
