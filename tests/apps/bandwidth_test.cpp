#include "bandwidth.h"

#include <gtest/gtest.h>

namespace decant::cli {
namespace {

// That it reads every word is checked by the reader itself, which throws where the sum is wrong.
TEST(MemoryReader, ReadsAsMuchAsItIsGiven) {
  constexpr std::size_t kMega = std::size_t{1} << 20;
  for (const std::size_t bytes : {std::size_t{0}, 3 * kMega + 5}) {
    const MemoryReader reader(bytes);
    EXPECT_NEAR(static_cast<double>(reader.bytes()), static_cast<double>(bytes), kMega / 4);
    for (const int threads : {1, 3}) EXPECT_GT(reader.bytes_per_second(threads), 0);
  }
}

}  // namespace
}  // namespace decant::cli
