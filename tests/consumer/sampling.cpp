// An engine that has logits, and gets a token.
#include <decant/json.h>
#include <decant/sampling.h>
#include <decant/trace.h>

#include <cstdio>
#include <vector>

// The public headers come along, and no room's own do.
#if __has_include("candidates.h") || __has_include("stages.h")
#error "src/sampling is among the include directories"
#endif

int main() {
  const std::vector<float> logits = {1, 3, 2};
  decant::Pipeline pipeline({.temperature = 0});
  const decant::Draw draw = pipeline.sample(logits, {.seed = 1});
  const std::string json = decant::to_json(pipeline.trace(logits, {.u = draw.u}));
  std::printf("%d %s\n", draw.token, json.c_str());
  return draw.token == 1 ? 0 : 1;
}
