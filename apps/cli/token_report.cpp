#include "token_report.h"

namespace decant::cli {

Json to_json(const TokenReport& report, const Tokenizer& tokenizer) {
  // A model may have more rows than its tokenizer has tokens.
  const auto text = [&tokenizer](TokenId token) {
    return tokenizer.contains(token) ? tokenizer.token_bytes(token) : std::string_view();
  };
  Json step = {{"token", report.token},
               {"text", text(report.token)},
               {"logprob", report.logprob},
               {"rank", report.rank},
               {"entropy", report.entropy}};
  for (const auto& [stage, logprob] : report.after) step["after"][stage] = logprob;
  for (const TokenScore& one : report.top) {
    step["top"].push_back(
        {{"token", one.token}, {"text", text(one.token)}, {"logprob", one.logprob}});
  }
  return step;
}

}  // namespace decant::cli
