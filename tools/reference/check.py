"""Checks the references against exhaustive search: python3 tools/reference/check.py

Where there are at least as many beams as texts, beam search has to return every text, best first.
The list of all texts, and what each of them scores, is made here in another way: one text at a
time, from its definition, and without any search.
"""

import itertools
import math

from beam_search import Options, beam_search
from contrastive_search import Options as ContrastiveOptions
from contrastive_search import contrastive_search
from toy_model import ToyModel


def scores_of(model: ToyModel, prompt: list[int], tokens: list[int], options: Options) -> float:
    total = 0.0
    for place, token in enumerate(tokens):
        text = prompt + tokens[:place]
        if token in options.end_tokens and place < options.min_new_tokens:
            return -math.inf
        n = options.no_repeat_ngram_size
        ngrams = [text[i : i + n] for i in range(len(text) - n + 1)]
        if n and (text + [token])[-n:] in ngrams:
            return -math.inf
        row = model.logits(text)
        score = math.log(math.exp(row[token]) / math.fsum(map(math.exp, row)))
        score += options.logit_bias.get(token, 0.0)
        if token in text:
            score *= options.repetition_penalty if score < 0 else 1 / options.repetition_penalty
        total += score
    return total


def all_texts(model: ToyModel, prompt: list[int], options: Options) -> list[tuple]:
    """(score, tokens) of each text that ends, or is as long as may be; best first."""
    texts = []
    for length in range(1, options.max_new_tokens + 1):
        for tokens in map(list, itertools.product(range(model.vocabulary), repeat=length)):
            ended = tokens[-1] in options.end_tokens
            if any(token in options.end_tokens for token in tokens[:-1]):
                continue
            if ended or length == options.max_new_tokens:
                total = scores_of(model, prompt, tokens, options)
                if total > -math.inf:
                    texts.append((total / length**options.length_penalty, tokens))
    return sorted(texts, reverse=True)


def check_every_text() -> None:
    for seed in range(1, 13):
        for length_penalty, varied in itertools.product(
            (-1.0, 0.0, 1.0, 2.0),
            (
                {},
                {"repetition_penalty": 1.5},
                {"no_repeat_ngram_size": 2},
                {"min_new_tokens": 2, "end_tokens": [1, 3]},
                {"logit_bias": {2: 0.75, 0: -1.5}, "repetition_penalty": 1.25},
                {"end_tokens": []},
            ),
        ):
            model = ToyModel(seed, 4)
            common = {"num_beams": 400, "num_return_sequences": 400, "end_tokens": [0]}
            common |= {"max_new_tokens": 4, "early_stopping": "never"}
            options = Options(**(common | varied), length_penalty=length_penalty)
            expected = all_texts(model, [seed % 4, 2], options)
            found, _ = beam_search(model.logits, [seed % 4, 2], options)
            assert len(found) == len(expected)
            expected_scores = {tuple(tokens): score for score, tokens in expected}
            assert {tuple(h.tokens) for h in found} == expected_scores.keys()
            for hypothesis, (score, _) in zip(found, expected):
                assert abs(hypothesis.score - score) < 1e-9
                assert abs(hypothesis.score - expected_scores[tuple(hypothesis.tokens)]) < 1e-9


def check_never_finds_the_best() -> None:
    """ "never" stops early, and still returns the best text of all, however long it may be."""
    stopped_early = 0
    for seed in range(1, 200):
        for length_penalty in (-1.0, 0.0, 0.5, 1.0, 2.0):
            model = ToyModel(seed, 3, spread=256)
            options = Options(
                num_beams=16,
                patience=1 / 16,
                early_stopping="never",
                length_penalty=length_penalty,
                max_new_tokens=5,
                end_tokens=[0],
            )
            (best,), steps = beam_search(model.logits, [1], options)
            score, tokens = all_texts(model, [1], options)[0]
            assert best.tokens == tokens and abs(best.score - score) < 1e-9
            stopped_early += steps < 5
    assert stopped_early > 50


def check_one_beam_is_greedy() -> None:
    for seed in range(1, 100):
        model = ToyModel(seed, 6, hidden_size=4)
        text = [2]
        while len(text) < 9 and text[-1] != 0:
            row = model.logits(text)
            text.append(row.index(max(row)))
        options = {"max_new_tokens": 8, "end_tokens": [0]}
        one = Options(num_beams=1, early_stopping="true", **options)
        assert beam_search(model.logits, [2], one)[0][0].tokens == text[1:]
        for varied in ({"top_k": 1}, {"alpha": 0.0}):
            alike = ContrastiveOptions(**options, **varied)
            assert contrastive_search(model.logits, model.hidden, [2], alike).tokens == text[1:]


def check_groups() -> None:
    """Without a penalty each group searches as if it were alone; with a huge one, none agree."""
    for seed in range(1, 50):
        model = ToyModel(seed, 8)
        common = {"end_tokens": [0], "max_new_tokens": 5}
        alone, _ = beam_search(
            model.logits, [1, 2], Options(num_beams=2, num_return_sequences=2, **common)
        )
        groups = {"num_beams": 6, "num_beam_groups": 3, "num_return_sequences": 6, **common}
        pooled, _ = beam_search(model.logits, [1, 2], Options(**groups))
        assert pooled == [hypothesis for hypothesis in alone for _ in range(3)]

        apart = {**groups, "num_beam_groups": 6, "diversity_penalty": 100.0, "end_tokens": []}
        found, _ = beam_search(model.logits, [1, 2], Options(**apart))
        for place in range(5):
            assert len({h.tokens[place] for h in found}) == 6


if __name__ == "__main__":
    check_every_text()
    check_never_finds_the_best()
    check_one_beam_is_greedy()
    check_groups()
    print("The references agree with exhaustive search.")
