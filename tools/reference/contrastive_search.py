"""Contrastive search (Su et al. 2022), by its definition. Plain Python, in double.

At each step the `top_k` most probable tokens are candidates (of equals, the lower ids). A candidate
c with probability p, by the softmax over the whole vocabulary, scores

    (1 - alpha) * p - alpha * max over all earlier tokens j, prompt included, of cos(h(c), h(j))

where h is the model's last hidden state at a token, once the model has read it. The best score
wins; of equals, the more probable, then the lower id. An end token ends the text and belongs to it.

Hugging Face's meaning, in double where that is in float32.
"""

import math
from dataclasses import dataclass, field
from typing import Callable

from beam_search import log_softmax


@dataclass(frozen=True)
class Options:
    top_k: int = 1
    alpha: float = 0.0
    max_new_tokens: int = 8
    end_tokens: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Result:
    tokens: list[int]  # the new ones, with the end token
    scores: list[float]  # what each had when it won
    ended: bool  # by an end token


def rank(candidate: tuple) -> tuple:
    value, *order = candidate
    return (-value, *order)


def cosine(a: list[float], b: list[float]) -> float:
    dot = sum(x * y for x, y in zip(a, b))
    return dot / math.sqrt(sum(x * x for x in a) * sum(y * y for y in b))


def contrastive_search(
    logits: Callable[[list[int]], list[float]],
    hidden: Callable[[list[int]], list[float]],
    prompt: list[int],
    options: Options,
    margins: list[float] | None = None,
) -> Result:
    """Continues the prompt. `hidden` gives the last hidden state of a text's last token."""
    margins = [] if margins is None else margins
    text = list(prompt)
    earlier = [hidden(text[: end + 1]) for end in range(len(text))]
    result = Result([], [], False)
    while len(result.tokens) < options.max_new_tokens and not result.ended:
        probabilities = [math.exp(score) for score in log_softmax(logits(text))]
        ranking = sorted(((p, token) for token, p in enumerate(probabilities)), key=rank)
        scored = []
        for probability, token in ranking[: options.top_k]:
            state = hidden(text + [token])
            penalty = max(cosine(state, other) for other in earlier)
            score = (1 - options.alpha) * probability - options.alpha * penalty
            scored.append((score, -probability, token))
        best, *others = sorted(scored, key=rank)
        edge = ranking[options.top_k - 1 : options.top_k + 1]
        margins += [inside[0] - outside[0] for inside, outside in zip(edge, edge[1:])]
        margins += [best[0] - other[0] for other in others]

        score, _, token = best
        text.append(token)
        earlier.append(hidden(text))
        ended = token in options.end_tokens
        result = Result(result.tokens + [token], result.scores + [score], ended)
    return result
