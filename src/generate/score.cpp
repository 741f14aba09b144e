#include "decant/score.h"

#include <fmt/format.h>

#include <algorithm>

#include "decant/error.h"

namespace decant {

void validate(const ScoreOptions& options, std::int64_t block_size) {
  const Pipeline checked(options.sampling);  // throws for what is out of range
  const std::int64_t stride = options.stride_for(block_size);
  if (stride >= 1 && stride <= block_size) return;
  throw Error(ErrorCode::kInvalidOption,
              fmt::format("stride is {}: it must be from 1 to {}, the tokens that the model sees",
                          stride, block_size));
}

void score(Session& session, std::span<const TokenId> tokens,
           const std::function<void(std::size_t index, const TokenReport& report)>& visit,
           const ScoreOptions& options) {
  validate(options, session.capacity());
  if (tokens.size() < 2) {
    throw Error(ErrorCode::kInvalidPrompt,
                "a text to score needs at least two tokens: the first has nothing before it");
  }
  const std::size_t last = tokens.size() - 1;
  const auto window = static_cast<std::size_t>(session.capacity());
  const auto stride = static_cast<std::size_t>(options.stride_for(session.capacity()));
  Pipeline pipeline(options.sampling);
  std::size_t scored = 0;  // the last token that is
  for (std::size_t begin = 0; scored < last; begin += stride) {
    const std::size_t end = std::min(begin + window, last);
    session.truncate(0);
    // What the window before this one has seen, too, is only read.
    if (begin < scored) session.prefill(tokens.subspan(begin, scored - begin));
    session.prefill(tokens.subspan(scored, end - scored), [&](std::size_t i, Logits logits,
                                                              std::span<const float>) {
      const std::size_t next = scored + i + 1;
      const History history{.tokens = tokens.first(next), .prompt_size = 1};
      const Logits writable =
          logits.first(std::min(logits.size(), options.vocab_size.value_or(logits.size())));
      visit(next, pipeline.report(writable, tokens[next], 0, history));
    });
    scored = end;
  }
}

}  // namespace decant
