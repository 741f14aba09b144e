#include "comparison.h"

#include <algorithm>

#include "decant/metrics.h"

namespace decant::cli {

std::vector<TokenReport> judge(Session& session, std::span<const TokenId> prompt,
                               std::span<const TokenId> tokens, ContextPolicy policy,
                               std::size_t vocab_size) {
  std::vector<TokenId> text(prompt.begin(), prompt.end());
  text.insert(text.end(), tokens.begin(), tokens.end());
  const std::span<const TokenId> all = text;
  const auto window = static_cast<std::size_t>(session.capacity());
  const std::size_t kept =
      policy == ContextPolicy::kSlide ? std::max<std::size_t>(1, window / 2) : window;
  Pipeline raw;
  std::vector<TokenReport> reports;
  // Whenever the window is full it moves, to end with the last known token, which predicts the
  // next.
  std::size_t known = prompt.size();
  std::size_t begin = known - std::min(known, window);
  while (known < all.size()) {
    const std::size_t end = std::min(begin + window, all.size() - 1);
    session.truncate(0);
    if (begin + 1 < known) session.prefill(all.subspan(begin, known - 1 - begin));
    session.prefill(all.subspan(known - 1, end - (known - 1)),
                    [&](std::size_t i, Logits logits, std::span<const float>) {
                      const Logits writable = logits.first(std::min(logits.size(), vocab_size));
                      reports.push_back(raw.report(writable, all[known + i]));
                    });
    known = end + 1;
    begin = known - std::min(known, kept);
  }
  return reports;
}

Figures figures_of(const ComparedStrategy& strategy, std::uint64_t samples) {
  std::vector<std::vector<TokenId>> texts;
  std::vector<double> logprobs;
  std::vector<double> mass_before;
  std::size_t tokens = 0;
  for (const ComparedText& text : strategy.texts) {
    texts.push_back(text.made.tokens);
    tokens += text.made.tokens.size();
    for (const TokenReport& report : text.reports) {
      logprobs.push_back(report.logprob);
      mass_before.push_back(report.mass_before);
    }
  }
  const auto made = static_cast<double>(tokens);
  Figures figures{.mean_logprob = mean_logprob(logprobs),
                  .perplexity = perplexity(logprobs),
                  .distinct = {},
                  .repetition = {},
                  .diversity = diversity(texts),
                  .tail_share = tail_share(mass_before, kNucleus),
                  .self_bleu = {},
                  .length = texts.empty() ? 0 : made / static_cast<double>(texts.size()),
                  .tokens_per_second = strategy.seconds > 0 ? made / strategy.seconds : 0};
  for (std::size_t n = 1; n <= figures.repetition.size(); ++n) {
    figures.repetition[n - 1] = repetition(texts, n);
  }
  if (strategy.deterministic && !texts.empty()) texts.resize(samples, texts.front());
  for (std::size_t n = 1; n <= figures.distinct.size(); ++n) {
    figures.distinct[n - 1] = distinct(texts, n);
  }
  figures.self_bleu = self_bleu(texts);
  return figures;
}

}  // namespace decant::cli
