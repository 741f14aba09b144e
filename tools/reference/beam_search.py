"""Beam search, by its definition: what src/generate is compared with. Plain Python, in double.

A search keeps up to `num_beams` texts alive, its beams. A step extends every beam by every token;
the candidates are ranked by the sum of their tokens' scores. Those of the first `num_beams` ranks
that end with an end token are finished; the first `num_beams` that do not are the next beams. At
`max_new_tokens`, or where no token is possible after any beam, the beams are finished as they are.
Of what is finished, a pool keeps the best by sum / length ** length_penalty, where length counts
the new tokens, the end token among them.

A token's score is its log-softmax, changed in this order by
  logit bias            added
  diversity             minus the penalty for each beam of an earlier group that took the token in
                        this step (Vijayakumar et al. 2018: groups search one after the other, each
                        with its own beams and its own pool; the results are pooled)
  repetition penalty    of a token of the text, prompt included: a negative score times the
                        penalty, another divided by it
  no-repeat n-gram      a token that would complete an n-gram of the text, prompt included: never
  min_new_tokens        an end token as one of the first min_new_tokens: never
Scores are not normalised again, and what was changed stays in the sum (Hugging Face's meaning).

When a group stops, once its pool is full:
  early_stopping "true"   at once
                 "false"  when the worst of the pool is at least the best beam's sum, divided as if
                          it ended now
                 "never"  as "false", but a length_penalty > 0 divides by max_new_tokens' length:
                          then no text with negative scores could still enter the pool
`patience` p (Kasai et al. 2022) makes the pool hold p * num_beams, a half rounded up, at least one.

Ties: of candidates, the lower beam, then the lower token; of finished texts, the lower group, then
the one finished earlier (in one step: the one ranked higher).

Where Hugging Face's implementation is not followed, because it is an accident of it (versions are
of its library transformers):
  * It adds in float32; here everything after the float32 logits is in double.
  * It fills missing beams with copies that score -1e9, which may be finished and fill the pool.
    Here there are no more beams than possible texts.
  * It keeps a text that no token may follow as a beam, with score -inf. Here a token with score
    -inf is no candidate: such a text is dropped while others can go on.
  * Up to 4.49, what finishes in a step also counts as the best beam when "false" and "never" look
    whether to stop, which delays that. Here, as from 4.50 on, only what can still grow counts.
  * From 4.50 on, the beams at max_new_tokens compete with end tokens of that very step even where
    these fill the pool and early_stopping is "true". Here, as up to 4.49, a group that has stopped
    takes no more.
  * Up to 4.49, a finished text ends with the first of the end tokens, whichever it was. Here it
    ends with its own.
  * The diversity penalty counts a finished group's padding as its choices. Here a finished group
    chooses nothing.
  * Its ties depend on the hardware's sort, and equal results are returned last in, first out.
  * With num_beams = 1 it searches greedily. Here one beam is a beam search, which is greedy only
    where early_stopping is "true".
"""

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Callable


@dataclass(frozen=True)
class Options:
    num_beams: int = 4
    num_beam_groups: int = 1
    diversity_penalty: float = 0.0
    length_penalty: float = 1.0
    early_stopping: str = "false"
    patience: float = 1.0
    num_return_sequences: int = 1
    max_new_tokens: int = 8
    min_new_tokens: int = 0
    end_tokens: list[int] = field(default_factory=list)
    repetition_penalty: float = 1.0
    no_repeat_ngram_size: int = 0
    logit_bias: dict[int, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Beam:
    tokens: list[int]  # the new ones
    sum: float


@dataclass(frozen=True)
class Hypothesis:
    tokens: list[int]  # with the end token, where there is one
    sum: float
    score: float
    ended: bool  # by an end token


@dataclass
class Group:
    beams: list[Beam]
    pool: list[Hypothesis]  # in the order in which they were finished
    done: bool = False


Logits = Callable[[list[int]], list[float]]
Margins = list[float]  # how far each decision was from the other outcome


def log_softmax(row: list[float]) -> list[float]:
    largest = max(row)
    log_sum = largest + math.log(sum(math.exp(logit - largest) for logit in row))
    return [logit - log_sum for logit in row]


def token_scores(
    row: list[float], text: list[int], new_tokens: int, chosen: Counter, options: Options
) -> list[float]:
    scores = log_softmax(row)
    for token, bias in options.logit_bias.items():
        scores[token] += bias
    for token, times in chosen.items():
        scores[token] -= options.diversity_penalty * times
    for token in set(text):
        penalty = options.repetition_penalty
        scores[token] = scores[token] * penalty if scores[token] < 0 else scores[token] / penalty
    n = options.no_repeat_ngram_size
    if n > 0:
        for start in range(len(text) - n + 1):
            if text[start : start + n - 1] == text[len(text) - n + 1 :]:
                scores[text[start + n - 1]] = -math.inf
    if new_tokens < options.min_new_tokens:
        for token in options.end_tokens:
            scores[token] = -math.inf
    return scores


def rank(candidate: tuple[float, int, int]) -> tuple:
    total, beam, token = candidate
    return (-total, beam, token)


def group_size(options: Options) -> int:
    return options.num_beams // options.num_beam_groups


def finish(group: Group, beam: Beam, ended: bool, options: Options, margins: Margins) -> None:
    score = beam.sum / len(beam.tokens) ** options.length_penalty
    group.pool.append(Hypothesis(beam.tokens, beam.sum, score, ended))
    capacity = max(1, math.floor(options.patience * group_size(options) + 0.5))
    if len(group.pool) > capacity:
        worst = min(group.pool, key=lambda hypothesis: hypothesis.score)
        last = max(i for i, h in enumerate(group.pool) if h.score == worst.score)
        margins += [h.score - worst.score for i, h in enumerate(group.pool) if i != last]
        del group.pool[last]


def is_done(group: Group, length: int, options: Options, margins: Margins) -> bool:
    if not group.beams:
        return True
    if len(group.pool) < max(1, math.floor(options.patience * group_size(options) + 0.5)):
        return False
    if options.early_stopping == "true":
        return True
    if options.early_stopping == "never" and options.length_penalty > 0:
        length = options.max_new_tokens
    worst = min(hypothesis.score for hypothesis in group.pool)
    attainable = group.beams[0].sum / length**options.length_penalty
    margins.append(abs(worst - attainable))
    return worst >= attainable


def step(
    group: Group,
    logits: Logits,
    prompt: list[int],
    length: int,
    chosen: Counter,
    options: Options,
    margins: Margins,
) -> None:
    candidates = []
    for index, beam in enumerate(group.beams):
        text = prompt + beam.tokens
        scores = token_scores(logits(text), text, length - 1, chosen, options)
        candidates += [(beam.sum + s, index, t) for t, s in enumerate(scores) if s > -math.inf]
    if not candidates:
        for beam in group.beams if length > 1 else []:
            finish(group, beam, False, options, margins)
    candidates.sort(key=rank)
    size = group_size(options)
    del candidates[max(2, 1 + len(options.end_tokens)) * size :]
    margins += [a[0] - b[0] for a, b in zip(candidates, candidates[1:])]

    beams = []
    for place, (score, index, token) in enumerate(candidates):
        extended = Beam(group.beams[index].tokens + [token], score)
        if token not in options.end_tokens:
            beams.append(extended)
        elif place < size:
            finish(group, extended, True, options, margins)
        if len(beams) == size:
            break
    group.beams = beams


def beam_search(
    logits: Logits, prompt: list[int], options: Options, margins: Margins | None = None
) -> tuple[list[Hypothesis], int]:
    """The best hypotheses, best first, and how many steps the search took."""
    margins = [] if margins is None else margins
    groups = [Group([Beam([], 0.0)], []) for _ in range(options.num_beam_groups)]
    steps = 0
    while steps < options.max_new_tokens and not all(group.done for group in groups):
        steps += 1
        chosen: Counter = Counter()
        for group in groups:
            if group.done:
                continue
            step(group, logits, prompt, steps, chosen, options, margins)
            chosen.update(beam.tokens[-1] for beam in group.beams)
            group.done = is_done(group, steps, options, margins)
    for group in groups:
        if not group.done:
            for beam in group.beams:
                finish(group, beam, False, options, margins)
    best = [hypothesis for group in groups for hypothesis in group.pool]
    best.sort(key=lambda hypothesis: -hypothesis.score)
    margins += [a.score - b.score for a, b in zip(best, best[1:])]
    return best[: options.num_return_sequences], steps
