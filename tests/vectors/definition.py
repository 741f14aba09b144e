"""What every knob means, in float64 and plain Python: README.md's definitions, a function a stage.

It sorts everything, takes no shortcut and shares nothing with any engine. Candidates are the tokens
that are still possible, always in ranking order: the larger logit first, the lower id on a tie.
"""

import math
import struct
from collections import Counter
from itertools import accumulate
from typing import NamedTuple


class Candidate(NamedTuple):
    token: int
    logit: float


class History(NamedTuple):
    tokens: list = []  # prompt and completion
    prompt_size: int = 0


class Refused(Exception):
    """`code` is the case's "error"; `place` names the index or the option."""

    def __init__(self, code, place=None):
        super().__init__(code, place)
        self.code, self.place = code, place


class Calls:
    """Compares two numbers, and remembers the closest call by relative distance.

    `exact` is said of numbers that every order of summation in float64 gives to the last bit; only
    they may meet, or nearly so. A case with any other call closer than `safe` is no fair test.
    """

    def __init__(self):
        self.closest = self.closest_inexact = math.inf
        self.safe = 1e-9

    def logits_changed(self):
        """From here on they may be held as float32, as they were given, or as float64."""
        self.safe = 1e-6

    def fair(self):
        return self.closest_inexact >= self.safe

    def at_least(self, value, limit, exact=False):
        distance = 0.0 if value == limit else abs(value - limit) / max(abs(value), abs(limit))
        self.closest = min(self.closest, distance)
        if not exact:
            self.closest_inexact = min(self.closest_inexact, distance)
        return value >= limit

    def ordered(self, a, b):
        """Two numbers whose order matters, and which are no tie by definition."""
        self.closest_inexact = min(self.closest_inexact, abs(a - b) / max(abs(a), abs(b)))


def float32(x):
    return struct.unpack("f", struct.pack("f", x))[0]


# ---- The distribution of candidates --------------------------------------------------------------


def ranked(candidates):
    return sorted(candidates, key=lambda c: (-c.logit, c.token))


def weights(candidates):
    """Probabilities before the division by their sum."""
    largest = max(c.logit for c in candidates)
    return [math.exp(c.logit - largest) for c in candidates]


def shares(weight):
    """What each token and those before it hold of the whole: sums first, one division last."""
    sums = list(accumulate(weight))
    return [s / sums[-1] for s in sums]


def probabilities(candidates):
    weight = weights(candidates)
    total = math.fsum(weight)
    return [w / total for w in weight]


def log_probabilities(candidates):
    """From the logits, so that they are finite also where the probability underflows to 0."""
    largest = candidates[0].logit
    log_total = math.log(math.fsum(weights(candidates)))
    return [c.logit - largest - log_total for c in candidates]


def entropy(candidates):
    return -math.fsum(math.exp(log_p) * log_p for log_p in log_probabilities(candidates))


def countable(weight):
    """Whether sums of these weights are exact, as they only count the ones."""
    return all(w in (0.0, 1.0) for w in weight)


def smallest_prefix(candidates, p, calls):
    """The fewest of the first candidates that hold the probability p."""
    weight = weights(candidates)
    exact = countable(weight)
    for i, share in enumerate(shares(weight)):
        if calls.at_least(share, p, exact):
            return candidates[: i + 1]
    raise AssertionError("the last share is 1")


# ---- The stages: (ranked candidates, configuration, history, calls) -> what they leave -----------


def logit_bias(candidates, config, history, calls):
    bias = {int(token): value for token, value in config["logit_bias"].items()}
    left = [
        Candidate(c.token, c.logit + bias.get(c.token, 0))
        for c in candidates
        if bias.get(c.token, 0) is not None  # null bans
    ]
    if not left:
        raise Refused("no_candidates", "bias")
    if any(bias.get(c.token) for c in left):
        calls.logits_changed()
    return left


def penalties(candidates, config, history, calls):
    last_n = config["penalty_last_n"]
    begin = 0 if last_n == -1 else max(0, len(history.tokens) - last_n)
    seen = set(history.tokens[begin:])
    if not config["penalize_prompt"]:
        begin = max(begin, history.prompt_size)
    count = Counter(history.tokens[begin:])

    def penalized(c):
        logit = c.logit
        if c.token in seen:
            r = config["repetition_penalty"]
            logit = logit / r if logit > 0 else logit * r
        if count[c.token] > 0:
            logit -= config["presence_penalty"] + config["frequency_penalty"] * count[c.token]
        return logit

    left = [Candidate(c.token, penalized(c)) for c in candidates]
    if left != candidates:
        calls.logits_changed()
    return left


def no_repeat_ngram(candidates, config, history, calls):
    n, tokens = config["no_repeat_ngram_size"], history.tokens
    if n == 0:
        return candidates
    now = tokens[len(tokens) - (n - 1) :]
    ngrams = [tokens[i : i + n] for i in range(len(tokens) - n + 1)]
    forbidden = {ngram[-1] for ngram in ngrams if ngram[:-1] == now}
    left = [c for c in candidates if c.token not in forbidden]
    if not left:
        raise Refused("no_candidates", "ngram")
    return left


def temperature(candidates, config, history, calls):
    t = config["temperature"]
    if t == 0:
        return candidates[:1]
    return [Candidate(c.token, c.logit / t) for c in candidates]


def top_k(candidates, config, history, calls):
    k = config["top_k"]
    if k == 0 or k >= len(candidates):
        return candidates
    if config["top_k_rule"] == "exact":
        return candidates[:k]
    return [c for c in candidates if c.logit >= candidates[k - 1].logit]


def top_p(candidates, config, history, calls):
    p = config["top_p"]
    if p == 1:
        return candidates
    if config["top_p_rule"] == "inclusive":
        return smallest_prefix(candidates, p, calls)
    weight = weights(candidates)
    exact = countable(weight)
    within = [calls.at_least(p, share, exact) for share in shares(weight)]
    return candidates[:1] + [c for c, keep in zip(candidates[1:], within[1:]) if keep]


def min_p(candidates, config, history, calls):
    m = config["min_p"]
    if m == 0:
        return candidates
    largest = candidates[0].logit
    # A weight is the probability over the largest one.
    return [
        c
        for c, weight in zip(candidates, weights(candidates))
        if calls.at_least(weight, m, exact=c.logit == largest)
    ]


def typical_p(candidates, config, history, calls):
    p = config["typical_p"]
    if p == 1:
        return candidates
    h = entropy(candidates)
    distance = {
        c.token: abs(-log_p - h) for c, log_p in zip(candidates, log_probabilities(candidates))
    }
    order = sorted(candidates, key=lambda c: (distance[c.token], c.token))
    for a, b in zip(order, order[1:]):
        if a.logit != b.logit:
            calls.ordered(1 + distance[a.token], 1 + distance[b.token])  # both may be nearly 0
    return smallest_prefix(order, p, calls)


def at_least_probability(candidates, threshold, calls):
    exact = countable(weights(candidates))
    left = [
        c
        for c, p in zip(candidates, probabilities(candidates))
        if calls.at_least(p, threshold, exact)
    ]
    return left or [c for c in candidates if c.logit == candidates[0].logit]


def epsilon_cutoff(candidates, config, history, calls):
    epsilon = config["epsilon_cutoff"]
    return at_least_probability(candidates, epsilon, calls) if epsilon else candidates


def eta_cutoff(candidates, config, history, calls):
    eta = config["eta_cutoff"]
    if eta == 0:
        return candidates
    threshold = min(eta, math.sqrt(eta) * math.exp(-entropy(candidates)))
    return at_least_probability(candidates, threshold, calls)


def top_n_sigma(candidates, config, history, calls):
    n = config["top_n_sigma"]
    if n == 0:
        return candidates
    logits = [c.logit for c in candidates]
    mean = math.fsum(logits) / len(logits)
    sigma = math.sqrt(math.fsum((x - mean) ** 2 for x in logits) / len(logits))
    exact = all(float(x).is_integer() for x in [*logits, mean, sigma, n * sigma])
    return [
        c
        for c in candidates
        if calls.at_least(n * sigma, logits[0] - c.logit, exact or c.logit == logits[0])
    ]


# ---- The pipeline --------------------------------------------------------------------------------

STAGES = {
    stage.__name__: stage
    for stage in (logit_bias, penalties, no_repeat_ngram, temperature, top_k, top_p, min_p,
                  typical_p, epsilon_cutoff, eta_cutoff, top_n_sigma)
}  # in the default order

DEFAULTS = {
    "temperature": 1, "top_k": 0, "top_k_rule": "ties", "top_p": 1, "top_p_rule": "inclusive",
    "min_p": 0, "typical_p": 1, "epsilon_cutoff": 0, "eta_cutoff": 0, "top_n_sigma": 0,
    "repetition_penalty": 1, "presence_penalty": 0, "frequency_penalty": 0, "penalty_last_n": -1,
    "penalize_prompt": True, "no_repeat_ngram_size": 0, "logit_bias": {}, "stages": list(STAGES),
}

LEGAL = {
    "temperature": lambda t: t >= 0,
    "top_k": lambda k: k >= 0,
    "top_p": lambda p: 0 < p <= 1,
    "min_p": lambda m: 0 <= m <= 1,
    "typical_p": lambda p: 0 < p <= 1,
    "epsilon_cutoff": lambda e: 0 <= e < 1,
    "eta_cutoff": lambda e: 0 <= e < 1,
    "top_n_sigma": lambda n: n >= 0,
    "repetition_penalty": lambda r: r > 0,
    "penalty_last_n": lambda n: n >= -1,
    "no_repeat_ngram_size": lambda n: n >= 0,
}


def checked(config):
    """With the defaults of what is not named."""
    config = {**DEFAULTS, **config}
    for option, legal in LEGAL.items():
        if not legal(config[option]):
            raise Refused("invalid_option", option)
    for stage in config["stages"]:
        if stage not in STAGES:
            raise Refused("invalid_option", stage)
    return config


def possible(logits):
    for i, logit in enumerate(logits):
        if math.isnan(logit) or logit == math.inf:
            raise Refused("invalid_logits", f"logits[{i}]")
    candidates = [Candidate(i, x) for i, x in enumerate(logits) if x != -math.inf]
    if not candidates:
        raise Refused("invalid_logits")
    return ranked(candidates)


def pipeline(logits, config, history=History(), calls=None):
    """The survivors in ranking order, with their final logits."""
    calls = calls or Calls()
    config = checked(config)
    candidates = possible(logits)
    for stage in config["stages"]:
        candidates = ranked(STAGES[stage](candidates, config, history, calls))
        for a, b in zip(candidates, candidates[1:]):
            if a.logit != b.logit:
                calls.ordered(a.logit, b.logit)
    return candidates


def draw(survivors, share, u):
    """The token under u: the probabilities lie end to end on [0, 1), and `share` is their ends."""
    return next(c.token for c, end in zip(survivors, share) if end > u)
