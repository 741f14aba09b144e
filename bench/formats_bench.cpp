// What each weight format loses: `formats_bench TEXT [MODEL]` compares it with f32 on a text that
// the model was not trained on, window by window. Perplexity is of the text; the divergence
// KL(f32 || format), in nats a token, and how often the most probable token is the same are over
// the whole distribution at every position.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "decant/error.h"
#include "decant/model.h"
#include "decant/tokenizer.h"

namespace decant {
namespace {

// Log-probabilities of every token.
std::vector<float> log_softmax(Logits logits) {
  const float max = *std::ranges::max_element(logits);
  double sum = 0;
  for (const float logit : logits) sum += std::exp(double{logit} - max);
  std::vector<float> result(logits.begin(), logits.end());
  for (float& value : result) value = static_cast<float>(value - max - std::log(sum));
  return result;
}

struct Loss {
  double nats = 0;        // of the text's tokens
  double divergence = 0;  // from f32
  std::size_t same_best = 0;
  std::size_t scored = 0;  // tokens of the text
  std::size_t positions = 0;
};

// Adds one window. The reference is f32's own session, beside the other.
void add_window(Session& reference, Session& session, std::span<const TokenId> window, Loss& loss) {
  std::vector<std::vector<float>> expected;
  reference.truncate(0);
  reference.prefill(window, [&](std::size_t, Logits all, std::span<const float>) {
    expected.push_back(log_softmax(all));
  });
  session.truncate(0);
  session.prefill(window, [&](std::size_t i, Logits all, std::span<const float>) {
    const std::vector<float> actual = log_softmax(all);
    for (std::size_t token = 0; token < actual.size(); ++token) {
      loss.divergence +=
          std::exp(double{expected[i][token]}) * (expected[i][token] - actual[token]);
    }
    loss.same_best += std::ranges::max_element(actual) - actual.begin() ==
                      std::ranges::max_element(expected[i]) - expected[i].begin();
    ++loss.positions;
    if (i + 1 == window.size()) return;
    loss.nats -= actual[static_cast<std::size_t>(window[i + 1])];
    ++loss.scored;
  });
}

int run(const std::filesystem::path& text_file, const std::filesystem::path& path) {
  std::ifstream file(text_file, std::ios::binary);
  if (!file) throw Error(ErrorCode::kIo, fmt::format("{}: cannot read", text_file.string()));
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto tokenizer = Tokenizer::load(
      std::filesystem::is_directory(path) ? path : std::filesystem::absolute(path).parent_path());
  const std::vector<TokenId> tokens = tokenizer.encode(text);
  if (tokens.size() < 2) {
    throw Error(ErrorCode::kInvalidPrompt,
                fmt::format("{}: too short to be scored", text_file.string()));
  }
  const Checkpoint checkpoint = Checkpoint::open(path);
  const Model exact(checkpoint, {.weights = WeightFormat::kF32});
  Session reference(exact);

  fmt::print("| weights | bytes of weights | perplexity | KL from f32, nats | same best token |\n");
  fmt::print("| --- | --- | --- | --- | --- |\n");
  for (const WeightFormat format :
       {WeightFormat::kF32, WeightFormat::kBF16, WeightFormat::kQ8, WeightFormat::kQ4}) {
    const Model model(checkpoint, {.weights = format});
    Session session(model);
    const auto window = static_cast<std::size_t>(session.capacity());
    Loss loss;
    for (std::size_t i = 0; i + 1 < tokens.size(); i += window) {
      add_window(reference, session,
                 std::span(tokens).subspan(i, std::min(window, tokens.size() - i)), loss);
    }
    fmt::print("| {} | {} | {:.4f} | {:.2e} | {:.2f}% |\n", weight_format_name(format),
               model.weight_bytes(), std::exp(loss.nats / static_cast<double>(loss.scored)),
               loss.divergence / static_cast<double>(loss.positions),
               100 * static_cast<double>(loss.same_best) / static_cast<double>(loss.positions));
  }
  return 0;
}

}  // namespace
}  // namespace decant

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "formats_bench TEXT [MODEL]: what each weight format loses on a text\n");
    return 2;
  }
  try {
    return decant::run(argv[1], argc > 2 ? argv[2] : DECANT_SOURCE_DIR "/models/shakespeare");
  } catch (const decant::Error& error) {
    fmt::print(stderr, "formats_bench: {}\n", error.what());
    return 1;
  }
}
