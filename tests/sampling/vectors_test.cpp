// Every case of tests/vectors/*.json, whose README.md has the format.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <ostream>
#include <string>
#include <tuple>
#include <vector>

#include "decant/error.h"
#include "decant/json.h"
#include "decant/sampling.h"

namespace decant {
namespace {

using nlohmann::json;

constexpr double kTolerance = 1e-6;

struct Case {
  std::string name;
  json content;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

std::vector<Case> load_cases() {
  std::vector<Case> cases;
  for (const auto& entry :
       std::filesystem::directory_iterator(DECANT_SOURCE_DIR "/tests/vectors")) {
    if (entry.path().extension() != ".json") continue;
    std::ifstream file(entry.path());
    const json content = json::parse(file);
    for (const json& c : content.at("cases")) {
      cases.push_back({entry.path().stem().string() + "/" + c.at("name").get<std::string>(), c});
    }
  }
  std::ranges::sort(cases, {}, &Case::name);
  return cases;
}

float logit(const json& value) {
  if (value.is_null()) return -std::numeric_limits<float>::infinity();
  if (value == "nan") return std::numeric_limits<float>::quiet_NaN();
  if (value == "+inf") return std::numeric_limits<float>::infinity();
  return static_cast<float>(value.get<double>());
}

std::vector<float> read_logits(const json& written) {
  std::vector<float> logits;
  if (written.is_array()) {
    for (const json& value : written) logits.push_back(logit(value));
    return logits;
  }
  const auto count = written.at("count").get<std::size_t>();
  logits.resize(count);
  if (written.contains("ramp")) {
    const auto [start, step, stride] =
        written.at("ramp").get<std::tuple<double, double, std::size_t>>();
    for (std::size_t i = 0; i < count; ++i) {
      logits[i * stride % count] = static_cast<float>(start + step * static_cast<double>(i));
    }
  } else {
    std::ranges::fill(logits, logit(written.at("repeat")));
  }
  if (written.contains("except")) {
    for (const auto& [id, value] : written.at("except").items()) {
      logits.at(std::stoul(id)) = logit(value);
    }
  }
  return logits;
}

/// Of a list that is written whole or by its ends, the members that are written, with their places.
template <typename T>
std::map<std::size_t, T> written_places(const json& list) {
  std::map<std::size_t, T> places;
  const auto put = [&places](const json& values, std::size_t begin) {
    for (const json& value : values) places[begin++] = value.get<T>();
  };
  if (list.is_array()) {
    put(list, 0);
  } else {
    put(list.at("first"), 0);
    put(list.at("last"), list.at("count").get<std::size_t>() - list.at("last").size());
  }
  return places;
}

std::size_t written_size(const json& list) {
  return list.is_array() ? list.size() : list.at("count").get<std::size_t>();
}

class Vectors : public testing::TestWithParam<Case> {
 protected:
  const json& content() const { return GetParam().content; }

  History history() const { return {.tokens = tokens_, .prompt_size = prompt_size_}; }

  Pipeline pipeline() const { return Pipeline(config_from_json(content().at("config").dump())); }

  void SetUp() override {
    logits_ = read_logits(content().at("logits"));
    if (content().contains("history")) {
      const json& history = content().at("history");
      tokens_ = history.at("tokens").get<std::vector<TokenId>>();
      prompt_size_ = history.at("prompt_size");
    }
  }

  void expect_refused() {
    const std::map<std::string, ErrorCode> codes = {{"invalid_logits", ErrorCode::kInvalidLogits},
                                                    {"no_candidates", ErrorCode::kNoCandidates},
                                                    {"invalid_option", ErrorCode::kInvalidOption}};
    for (const bool draws : {false, true}) {
      try {
        Pipeline p = pipeline();
        if (draws) {
          p.sample_at(logits_, 0.5, history());
        } else {
          p.distribution(logits_, history());
        }
        ADD_FAILURE() << "accepted";
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), codes.at(content().at("error"))) << error.what();
        EXPECT_THAT(error.what(), testing::HasSubstr(content().value("message", "")));
      }
    }
  }

  void expect_distribution(const std::vector<Pipeline::Survivor>& survivors) {
    ASSERT_EQ(survivors.size(), written_size(content().at("survivors")));
    for (const auto& [place, token] : written_places<TokenId>(content().at("survivors"))) {
      EXPECT_EQ(survivors[place].token, token) << "rank " << place;
    }
    for (const auto& [place, p] : written_places<double>(content().at("probabilities"))) {
      EXPECT_NEAR(survivors[place].probability, p, kTolerance) << "rank " << place;
    }
    double sum = 0;
    for (const Pipeline::Survivor& s : survivors) sum += s.probability;
    EXPECT_NEAR(sum, 1, kTolerance);
  }

  void expect_draws(Pipeline& p, const std::vector<Pipeline::Survivor>& survivors) {
    std::map<TokenId, double> probability;
    for (const Pipeline::Survivor& s : survivors) probability[s.token] = s.probability;
    const auto drawn_at = [&](double u) {
      const Draw draw = p.sample_at(logits_, u, history());
      EXPECT_EQ(draw.u, u);
      EXPECT_EQ(draw.survivors, static_cast<std::int64_t>(survivors.size()));
      EXPECT_GT(draw.probability, 0) << "u = " << u;
      EXPECT_NEAR(draw.probability, probability[draw.token], kTolerance) << "u = " << u;
      EXPECT_GT(probability[draw.token], 0) << "u = " << u;
      return draw.token;
    };
    for (const json& draw : content().at("draws")) {
      EXPECT_EQ(drawn_at(draw.at(0)), draw.at(1).get<TokenId>()) << "u = " << draw.at(0);
    }
    // Too near to a boundary, perhaps, for one right answer; but never an impossible token.
    for (const double u : {0x1p-53, 0.1, 0.25, 0.75, 1 - 0x1p-20, 1 - 0x1p-30, 1 - 0x1p-53}) {
      drawn_at(u);
    }
  }

  std::vector<float> logits_;
  std::vector<TokenId> tokens_;
  std::size_t prompt_size_ = 0;
};

TEST_P(Vectors, AreMet) {
  if (content().contains("error")) return expect_refused();
  Pipeline p = pipeline();
  const std::vector<Pipeline::Survivor> survivors = p.distribution(logits_, history());
  expect_distribution(survivors);
  expect_draws(p, survivors);
}

// A test's name has letters, digits and underscores only.
std::string test_name(const testing::TestParamInfo<Case>& info) {
  std::string name = info.param.name;
  std::ranges::replace_if(
      name, [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Files, Vectors, testing::ValuesIn(load_cases()), test_name);

}  // namespace
}  // namespace decant
