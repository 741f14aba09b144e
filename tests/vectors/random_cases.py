"""Random questions: searched until the settings matter and every engine that counts in float64 must
agree. They are reproducible, as nothing of Python's random but Random.random() is used.

filters(), pairs() and chains() give (name, logits, history or None, config).
"""

import math
import random

from definition import STAGES, Calls, History, Refused, float32, pipeline, probabilities


def tokens(*ids, prompt_size=0):
    return {"tokens": list(ids), "prompt_size": prompt_size}


class Dice:
    def __init__(self, seed):
        self.random = random.Random(seed).random

    def below(self, n):
        return int(self.random() * n)

    def between(self, low, high, digits=3):
        return round(low + (high - low) * self.random(), digits)

    def normal(self, deviation, digits):
        return round(deviation * (sum(self.random() for _ in range(12)) - 6), digits)

    def logits(self, size):
        """Roughly normal, two digits, so that ties happen; some are impossible."""
        spread = self.between(0.7, 2.5)
        row = [self.normal(spread, 2) for _ in range(size)]
        return [None if self.random() < 0.05 else x for x in row]

    def history(self, vocab):
        """Of few different tokens, with its end repeating something, and a stranger or two."""
        few = [self.below(vocab) for _ in range(5)] + [vocab + 3]
        text = [few[self.below(6)] for _ in range(12)]
        begin = self.below(9)
        text += text[begin : begin + 3]
        return tokens(*text, prompt_size=self.below(len(text)))

    def shuffled(self, values):
        values = list(values)
        return [values.pop(self.below(len(values))) for _ in range(len(values))]


KNOBS = {
    "logit_bias": lambda d, v: {"logit_bias": {
        str(t): None if d.random() < 0.3 else d.between(-3, 3)
        for t in sorted({d.below(v) for _ in range(4)})}},
    "penalties": lambda d, v: {
        "repetition_penalty": d.between(1.05, 2), "presence_penalty": d.between(-0.5, 1.5),
        "frequency_penalty": d.between(-0.2, 0.8), "penalty_last_n": d.below(12) - 1,
        "penalize_prompt": d.random() < 0.5},
    "no_repeat_ngram": lambda d, v: {"no_repeat_ngram_size": 1 + d.below(3)},
    "temperature": lambda d, v: {"temperature": d.between(0.3, 2.5)},
    "top_k": lambda d, v: {"top_k": 2 + d.below(9),
                           "top_k_rule": "exact" if d.random() < 0.3 else "ties"},
    "top_p": lambda d, v: {"top_p": d.between(0.3, 0.97),
                           "top_p_rule": "exclusive" if d.random() < 0.3 else "inclusive"},
    "min_p": lambda d, v: {"min_p": d.between(0.01, 0.5)},
    "typical_p": lambda d, v: {"typical_p": d.between(0.3, 0.97)},
    "epsilon_cutoff": lambda d, v: {"epsilon_cutoff": d.between(0.005, 0.15)},
    "eta_cutoff": lambda d, v: {"eta_cutoff": d.between(0.01, 0.5)},
    "top_n_sigma": lambda d, v: {"top_n_sigma": d.between(0.2, 2)},
}


def asked(dice, names, vocab):
    """Random logits and settings for these stages, in this order."""
    config = {"stages": list(names)}
    for name in dict.fromkeys(names):
        config.update(KNOBS[name](dice, vocab))
    looks_back = {"penalties", "no_repeat_ngram"} & set(names)
    return dice.logits(vocab), dice.history(vocab) if looks_back else None, config


def outcome(question, names):
    """The distribution after these stages; None where a call is too close or nothing is left."""
    logits, history, config = question
    row = [-math.inf if x is None else float32(x) for x in logits]
    calls = Calls()
    past = History(history["tokens"], history["prompt_size"]) if history else History()
    try:
        survivors = pipeline(row, {**config, "stages": list(names)}, past, calls)
    except Refused:
        return None
    if not calls.fair():
        return None
    return dict(zip((s.token for s in survivors), probabilities(survivors)))


def differ(a, b):
    return a.keys() != b.keys() or any(abs(a[t] - b[t]) > 1e-3 for t in a)


def matters(question, names):
    """Whether every stage changes what the ones before it left, and a choice remains."""
    steps = [outcome(question, names[:i]) for i in range(len(names) + 1)]
    return (None not in steps and len(steps[-1]) > 1
            and all(differ(a, b) for a, b in zip(steps, steps[1:])))


def search(dice, names, vocab, good, tries):
    for _ in range(tries):
        question = asked(dice, names, vocab)
        if good(question):
            return question
    return None


def filters():
    for name in STAGES:
        for i in range(8):
            dice = Dice(f"{name} {i}")
            vocab = 8 + dice.below(17)
            logits, history, config = search(dice, [name], vocab, lambda q: matters(q, [name]), 999)
            yield f"{name}_{i}", logits, history, config


def pairs():
    names = list(STAGES)
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            orders = ([a, b], [b, a])

            def both_orders(q):
                return all(matters(q, order) for order in orders)

            def order_matters(q):
                return both_orders(q) and differ(*(outcome(q, order) for order in orders))

            for n in range(2):
                dice = Dice(f"{a} {b} {n}")
                # The same settings in both orders, best with two outcomes; a pair of prefixes of
                # one ranking has none such, and gets settings of its own for each order.
                question = (search(dice, orders[0], 14, order_matters, 400)
                            or search(dice, orders[0], 14, both_orders, 400))
                for order in orders:
                    logits, history, config = question or search(
                        dice, order, 14, lambda q: matters(q, order), 4000)
                    yield f"{order[0]}_{order[1]}_{n}", logits, history, {**config, "stages": order}


def chains():
    for i in range(60):
        dice = Dice(f"chain {i}")
        names = [name for name in STAGES if dice.random() < 0.6]
        default_order = i < 30
        if not default_order:
            names = dice.shuffled(names)
        vocab = 5 + dice.below(40)
        logits, history, config = search(
            dice, names, vocab, lambda q: len(outcome(q, names) or ()) > 1, 999)
        if default_order:
            del config["stages"]  # the stages that are not in `names` are off
        name = "default_order" if default_order else "any_order"
        yield f"{name}_{i}", logits, history, config
