#include "byte_automaton.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "accepts.h"
#include "decant/error.h"

namespace decant {
namespace {

ByteAutomaton random_automaton(std::mt19937& random) {
  ByteAutomaton result;
  std::array<bool, 256> marked = {};
  for (const char byte : {'a', 'b', 'c'}) {
    marked[static_cast<unsigned char>(byte)] = random() % 3 != 0;
  }
  set_classes(result, marked);
  const std::size_t states = 1 + random() % 6;
  for (std::size_t s = 0; s < states; ++s) result.add_state(random() % 4 == 0);
  for (std::int32_t& next : result.next) {
    next = static_cast<std::int32_t>(random() % (states + 1)) - 1;
  }
  return result;
}

std::string random_text(std::mt19937& random) {
  std::string text(random() % 8, ' ');
  for (char& c : text) c = "abcd"[random() % 4];
  return text;
}

TEST(ByteAutomaton, ClassesTellMarkedBytesApart) {
  for (const std::size_t count : {0U, 1U, 3U, 255U, 256U}) {
    std::array<bool, 256> marked = {};
    for (std::size_t i = 0; i < count; ++i) marked[255 - i] = true;
    ByteAutomaton automaton;
    set_classes(automaton, marked);
    EXPECT_EQ(automaton.classes, std::min<std::size_t>(count + 1, 256));
    for (std::size_t a = 0; a < 256; ++a) {
      ASSERT_LT(automaton.byte_class[a], automaton.classes);
      for (std::size_t b = 0; b < a; ++b) {
        ASSERT_EQ(automaton.byte_class[a] == automaton.byte_class[b], !marked[a] && !marked[b]);
      }
    }
  }
}

TEST(ByteAutomaton, TrimmingChangesNoAnswerAndLeavesNoDeadEnd) {
  std::mt19937 random(1);
  for (int round = 0; round < 2000; ++round) {
    const ByteAutomaton before = random_automaton(random);
    const ByteAutomaton after = trimmed(before);
    for (int i = 0; i < 20; ++i) {
      const std::string text = random_text(random);
      ASSERT_EQ(accepts(before, text), accepts(after, text)) << text;
    }
    // A state is left by a way to another until one accepts, within as many steps as there are.
    std::vector<std::uint8_t> alive = after.accepts;
    for (std::size_t step = 0; step < after.size(); ++step) {
      for (std::size_t i = 0; i < after.next.size(); ++i) {
        const std::int32_t to = after.next[i];
        if (to >= 0 && alive[static_cast<std::size_t>(to)] != 0) alive[i / after.classes] = 1;
      }
    }
    for (const std::uint8_t a : alive) ASSERT_NE(a, 0);
  }
}

TEST(ByteAutomaton, AnIntersectionAcceptsWhatBothDo) {
  std::mt19937 random(2);
  for (int round = 0; round < 2000; ++round) {
    const ByteAutomaton a = trimmed(random_automaton(random));
    const ByteAutomaton b = trimmed(random_automaton(random));
    const ByteAutomaton both = intersection(a, b, "test");
    for (int i = 0; i < 20; ++i) {
      const std::string text = random_text(random);
      ASSERT_EQ(accepts(both, text), accepts(a, text) && accepts(b, text)) << text;
    }
  }
}

// Rings of 251 and 257 states run in step only after 251 * 257 = 64,507.
TEST(ByteAutomaton, AnIntersectionHasBoundedSize) {
  const auto ring = [](std::int32_t size) {
    ByteAutomaton result;
    for (std::int32_t i = 0; i < size; ++i) {
      result.add_state(i == 0);
      result.next.back() = (i + 1) % size;
    }
    return result;
  };
  EXPECT_EQ(intersection(ring(10), ring(21), "test").size(), 210u);
  try {
    intersection(ring(251), ring(257), "these");
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidOption);
    EXPECT_STREQ(error.what(),
                 "these: the automaton needs more than 32768 states; take smaller counts, or fewer "
                 "and shorter strings");
  }
}

}  // namespace
}  // namespace decant
