#include "decant/score.h"

#include <algorithm>

#include "decant/error.h"

namespace decant {

void score(Session& session, std::span<const TokenId> tokens,
           const std::function<void(std::size_t index, const TokenScore& score)>& visit) {
  if (tokens.size() < 2) {
    throw Error(ErrorCode::kInvalidPrompt,
                "a text to score needs at least two tokens: the first has nothing before it");
  }
  const auto window = static_cast<std::size_t>(session.capacity());
  std::size_t scored = 1;  // tokens before this one are done
  while (scored < tokens.size()) {
    // The next window starts half a window back, so that its new tokens have something before them.
    const std::size_t begin = scored == 1 ? 0 : scored - std::max<std::size_t>(1, window / 2);
    const std::size_t end = std::min(begin + window, tokens.size() - 1);
    session.truncate(0);
    session.prefill(tokens.subspan(begin, end - begin),
                    [&](std::size_t i, Logits logits, std::span<const float>) {
                      const std::size_t next = begin + i + 1;
                      if (next >= scored) visit(next, score_token(logits, tokens[next]));
                    });
    scored = end + 1;
  }
}

}  // namespace decant
