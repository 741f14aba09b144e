// decant bench on a tiny model. What the speeds are is nobody's business here.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "program.h"

namespace decant {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::StartsWith;

const std::string kTiny = "$decant bench --model '" DECANT_SOURCE_DIR "/tests/fixtures/hf_f32' ";

TEST(CliBench, TheNumbersFitTogether) {
  const Outcome run = shell(kTiny + "--weights f32 --threads 2 --json --quiet");
  ASSERT_EQ(run.status, 0) << run.err;
  EXPECT_EQ(run.err, "");
  const json found = json::parse(run.out);
  EXPECT_THAT(found["model"].get<std::string>(), HasSubstr("hf_f32"));
  EXPECT_EQ(found["random_weights"], false);
  EXPECT_EQ(found["weights"], "f32");
  EXPECT_EQ(found["threads"], 2);
  EXPECT_GE(found["rounds"], 3);
  EXPECT_GT(found["bandwidth"]["bytes_per_second"], 0);
  EXPECT_GT(found["arithmetic"]["operations_per_second"], 0);
  EXPECT_GT(found["load"]["seconds"], 0);
  EXPECT_GT(found["first_token"]["seconds"], 0);
  EXPECT_NEAR(found["prefill"]["tokens_per_second"].get<double>() *
                  found["prefill"]["seconds"].get<double>(),
              found["prefill"]["tokens"].get<double>(), 1e-6);
  EXPECT_GT(found["prefill"]["floor_seconds"], 0);
  EXPECT_GT(found["prefill"]["share_of_floor"], 0);
  EXPECT_GT(found["sampling"]["share_of_step"], 0);
  EXPECT_LT(found["sampling"]["share_of_step"], 1);
  ASSERT_EQ(found["decode"].size(), 2u);
  EXPECT_LT(found["decode"][0]["position"], found["decode"][1]["position"]);
  double bytes = found["weight_bytes"];  // the head is tied: each step reads all matrices
  for (const json& place : found["decode"]) {
    EXPECT_GT(place["bytes_per_token"], bytes);
    bytes = place["bytes_per_token"];
    EXPECT_NEAR(place["tokens_per_second"].get<double>() * place["seconds_per_token"].get<double>(),
                1, 1e-9);
    EXPECT_GT(place["floor_seconds_per_token"], 0);
    EXPECT_GT(place["share_of_floor"], 0);
  }
  ASSERT_EQ(found["batches"].size(), 2u);
  for (const json& batch : found["batches"]) {
    EXPECT_NEAR(batch["tokens_per_second"].get<double>() * batch["seconds_per_step"].get<double>(),
                batch["sequences"].get<double>(), 1e-6);
    EXPECT_GT(batch["operations_per_second"], 0);
    EXPECT_GT(batch["floor_seconds_per_step"], 0);
    EXPECT_GT(batch["share_of_floor"], 0);
  }
}

TEST(CliBench, ShowsATable) {
  const Outcome run = shell(kTiny + "--weights bf16");
  EXPECT_EQ(run.status, 0) << run.err;
  for (const char* word :
       {"weights      bf16, ", "GB/s", "floats at ", "load ", "first token", "prefill",
        "of the arithmetic", "sampling", "decode at", "reached", "%", "32 sequences"}) {
    EXPECT_THAT(run.out, HasSubstr(word));
  }
}

TEST(CliBench, RefusesAShapeThatIsNone) {
  const Outcome run = shell("$decant bench --shape gpt3");
  EXPECT_EQ(run.status, 2);
  EXPECT_EQ(run.out, "");
  EXPECT_EQ(run.err,
            "decant: --shape is 'gpt3': it must be one of gpt2, gpt2-medium, gpt2-large, "
            "gpt2-xl\n");
  const Outcome both = shell(kTiny + "--shape gpt2");
  EXPECT_EQ(both.status, 2);
  EXPECT_THAT(both.err, HasSubstr("excludes"));
  EXPECT_EQ(std::ranges::count(both.err, '\n'), 1);
}

}  // namespace
}  // namespace decant
