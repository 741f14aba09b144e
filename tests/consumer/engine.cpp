// A program around the whole engine: engine MODEL
#include <decant/checkpoint.h>
#include <decant/generate.h>
#include <decant/json.h>
#include <decant/model.h>
#include <decant/score.h>
#include <decant/tokenizer.h>

#include <cstdio>
#include <vector>

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const decant::Checkpoint checkpoint = decant::Checkpoint::open(argv[1]);
  const decant::Model model(checkpoint);
  const decant::Tokenizer tokenizer = decant::Tokenizer::load(argv[1]);
  decant::Session session(model);
  decant::Pipeline pipeline(decant::config_from_json(R"({"temperature": 0})"));
  const std::vector<decant::TokenId> prompt = tokenizer.encode("ROMEO:");
  std::size_t scored = 0;
  decant::score(session, prompt, [&](std::size_t, const decant::TokenReport&) { ++scored; });
  const decant::Generation made =
      decant::generate(session, tokenizer, pipeline, prompt, {.max_new_tokens = 3, .seed = 1});
  std::printf("%s\n", tokenizer.decode(made.tokens).c_str());
  return made.tokens.size() == 3 && scored == prompt.size() - 1 ? 0 : 1;
}
