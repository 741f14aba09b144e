// The objects of `decant generate --json`.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "program.h"

namespace decant {

using Json = nlohmann::ordered_json;  // stages are listed in the order in which they acted

/// A word of a shell command that is this text, whatever is in it.
inline std::string quoted(const std::string& text) {
  std::string word = "'";
  for (const char c : text) word.append(c == '\'' ? "'\\''" : std::string(1, c));
  return word + "'";
}

/// Options, one behind the other.
inline std::string words(std::initializer_list<std::string_view> parts) {
  std::string line;
  for (const std::string_view part : parts) line.append(part).append(" ");
  return line;
}

/// One object a line.
inline std::vector<Json> parse_lines(const std::string& text) {
  std::vector<Json> objects;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) objects.push_back(Json::parse(line));
  return objects;
}

/// All texts that `decant generate` makes with these options.
inline std::vector<Json> generated(const std::string& options) {
  const Outcome run = shell("$decant generate --json --quiet " + options);
  EXPECT_EQ(run.status, 0) << options << ": " << run.err;
  EXPECT_EQ(run.err, "") << options;
  return parse_lines(run.out);
}

/// The only one.
inline Json one_generated(const std::string& options) {
  const auto objects = generated(options);
  EXPECT_EQ(objects.size(), 1u) << options;
  return objects.empty() ? Json() : objects[0];
}

/// Options that are refused before anything is made, in one line that says why.
struct Refusal {
  std::string options;
  std::string message;
};

inline void expect_refused(const Refusal& refusal) {
  const Outcome run = shell("$decant generate --prompt ROMEO: --quiet " + refusal.options);
  EXPECT_EQ(run.status, 2) << refusal.options;
  EXPECT_EQ(run.out, "") << refusal.options;
  EXPECT_THAT(run.err, testing::StartsWith("decant: ")) << refusal.options;
  EXPECT_THAT(run.err, testing::HasSubstr(refusal.message)) << refusal.options;
  EXPECT_EQ(std::ranges::count(run.err, '\n'), 1) << run.err;
}

}  // namespace decant
