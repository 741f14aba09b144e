#include "beam_json.h"

#include <algorithm>

#include "token_report.h"

namespace decant::cli {

Json score_json(const Hypothesis& hypothesis, double length_penalty) {
  return {{"sum_logprob", hypothesis.sum_logprob},
          {"score", hypothesis.score},
          {"length", hypothesis.length},
          {"length_penalty", length_penalty},
          {"final", hypothesis.final_score}};
}

Json steps_json(const Generation& made, const Hypothesis& hypothesis, const Tokenizer& tokenizer) {
  std::vector<Json> steps;
  for (std::int64_t i = hypothesis.node; i >= 0;) {
    const BeamNode& node = made.beam_tree[static_cast<std::size_t>(i)];
    if (node.report) steps.push_back(to_json(*node.report, tokenizer));
    i = node.parent;
  }
  std::ranges::reverse(steps);
  return steps;
}

Json tree_json(std::span<const BeamNode> tree, const Tokenizer& tokenizer) {
  Json nodes = Json::array();
  for (const BeamNode& node : tree) {
    nodes.push_back({{"parent", node.parent < 0 ? Json() : Json(node.parent)},
                     {"token", node.token},
                     {"text", tokenizer.token_bytes(node.token)},
                     {"length", node.length},
                     {"group", node.group},
                     {"logprob", node.logprob},
                     {"sum_logprob", node.sum_logprob},
                     {"score", node.score},
                     {"ends", node.ends},
                     {"fate", beam_fate_name(node.fate)},
                     {"decided", node.decided}});
  }
  return nodes;
}

}  // namespace decant::cli
