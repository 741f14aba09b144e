"""The questions: logits, settings and a history for each case, one function a file of README.md.

Nothing here knows an answer.
"""

import math
import struct

import definition
from definition import STAGES, float32
from random_cases import Dice, chains, filters, pairs, tokens

LAST = 1 - 2**-53  # 0.9999999999999999, the largest uniform
GPT2 = 50257


def case(name, logits, history=None, us=None, around=None, **config):
    """`us` are uniforms to draw with, `around` says at how many boundaries there are draws, too."""
    question = {"name": name, "logits": logits}
    if history is not None:
        question["history"] = history
    question["config"] = config
    if us is not None:
        question["us"] = us
    if around is not None:
        question["around"] = around
    return question


def short(x):
    """The number with the fewest digits that is the same float32."""
    return next(y for y in (float(f"{x:.{n}g}") for n in range(1, 10)) if float32(y) == float32(x))


def logs(*probabilities_):
    return [short(math.log(p)) for p in probabilities_]


def float32_steps(x, steps):
    """The float32 that many steps away from zero."""
    (bits,) = struct.unpack("<i", struct.pack("<f", x))
    return short(struct.unpack("<f", struct.pack("<i", bits + steps))[0])


def above(p):
    return math.nextafter(p, 2)


def below(p):
    return math.nextafter(p, 0)


def ties():
    row = [1, 3, 2, 2, 2, 0]  # ranking 1, 2, 3, 4, 0, 5
    for rule in ("ties", "exact"):
        for k in range(1, 8):
            yield case(f"top_k_{k}_{rule}", row, top_k=k, top_k_rule=rule)
        yield case(f"top_k_of_equals_{rule}", [5] * 7, top_k=3, top_k_rule=rule)
        yield case(f"top_k_1_of_two_maxima_{rule}", [0, 4, 1, 4], top_k=1, top_k_rule=rule)
        yield case(f"top_k_beyond_the_possible_{rule}", [None, 1, None, 1, None], top_k=3,
                   top_k_rule=rule)
    for p in (0.4, 0.5, 0.6, 0.7, 0.8, 0.95):
        for rule in ("inclusive", "exclusive"):
            yield case(f"top_p_{p}_{rule}", row, top_p=p, top_p_rule=rule)
    for m in (0.3, 0.4, 1):
        yield case(f"min_p_{m}", row, min_p=m)
    yield case("min_p_1_keeps_all_maxima", [4, 0, 4, 3.9999998, 4], min_p=1)
    for p in (0.1, 0.2, 0.4, 0.6, 0.9):
        yield case(f"typical_{p}", row, typical_p=p)
        yield case(f"typical_{p}_two_levels", [0, 1, 0, 1, 0, 1, 0], typical_p=p)
    for epsilon in (0.15, 0.17, 0.5):
        yield case(f"epsilon_{epsilon}", row, epsilon_cutoff=epsilon)
    yield case("epsilon_above_all_keeps_all_maxima", [2, 0, 2, 1], epsilon_cutoff=0.9)
    for eta in (0.02, 0.5, 0.9):
        yield case(f"eta_{eta}", row, eta_cutoff=eta)
    yield case("eta_above_all_keeps_all_maxima", [0, 0, 0, -0.5], eta_cutoff=0.9)
    # The mean is 2 and the standard deviation 1: the floor is 3, 2, 1 or 0, to the bit.
    for n in (1, 2, 3, 4):
        yield case(f"top_n_sigma_{n}", [2, 2, 4, 2, 2, 0, 2, 2], top_n_sigma=n)
        yield case(f"top_n_sigma_{n}_does_not_see_the_temperature", [2, 2, 4, 2, 2, 0, 2, 2],
                   top_n_sigma=n, temperature=0.5)
    yield case("top_n_sigma_of_equals", [1, 1, 1], top_n_sigma=0.5)
    yield case("greedy_takes_the_lowest_id", [0, 7, 7, 7], temperature=0, us=[0.3, 0.9])
    zeros = [-0.0, 0.0, -0.0, 0.0, -1]
    yield case("minus_zero_ties_with_zero_greedy", zeros, temperature=0)
    yield case("minus_zero_ties_with_zero_top_k", zeros, top_k=1)
    yield case("minus_zero_ties_with_zero_top_k_exact", zeros, top_k=3, top_k_rule="exact")
    yield case("minus_zero_ties_with_zero_top_p", [-0.0, 0.0, -0.0, 0.0], top_p=0.5)
    yield case("minus_zero_ties_with_zero_ranking", zeros)


def top_p_boundaries():
    # n equal tokens, p = k / n as float64 has it: k tokens, and the next number asks for one more.
    for n, k in ((10, 3), (8, 4), (4, 1), (3, 1), (3, 2), (5, 3), (7, 3), (10, 1), (10, 6), (10, 7),
                 (10, 8), (10, 9), (11, 5), (23, 7), (29, 15), (49, 1), (49, 24), (53, 51)):
        row = [0.5] * n
        for rule in ("inclusive", "exclusive"):
            yield case(f"{k}_of_{n}_{rule}", row, top_p=k / n, top_p_rule=rule, around=2)
        yield case(f"{k}_of_{n}_and_a_bit", row, top_p=above(k / n), around=2)
        yield case(f"{k}_of_{n}_less_a_bit_exclusive", row, top_p=below(k / n), around=2,
                   top_p_rule="exclusive")
    for n, k in ((10, 3), (49, 1), (49, 24)):
        yield case(f"typical_{k}_of_{n}", [0.5] * n, typical_p=k / n, around=2)
        yield case(f"typical_{k}_of_{n}_and_a_bit", [0.5] * n, typical_p=above(k / n), around=2)
    # The logarithms of round probabilities, which float32 does not hold: the rounding decides.
    for ps in ((0.5, 0.3, 0.2), (0.15, 0.2, 0.3, 0.35), (0.6, 0.3, 0.1), (0.7, 0.2, 0.1),
               (0.05, 0.9, 0.05), (0.35, 0.25, 0.25, 0.15)):
        held = 0
        for rank, p in enumerate(sorted(ps, reverse=True)[:-1]):
            held = round(held + p, 2)
            for rule in ("inclusive", "exclusive"):
                name = "_".join(str(p)[2:] for p in ps)
                yield case(f"logs_of_{name}_at_{held}_{rule}", logs(*ps), top_p=held,
                           top_p_rule=rule)
    for p in (1e-300, 0.25, LAST):  # what has no mass is not needed, but p = 1 is off
        for rule in ("inclusive", "exclusive"):
            yield case(f"with_massless_tokens_{p}_{rule}", [0, -1000, 0, None, 0, -1000, 0],
                       top_p=p, top_p_rule=rule)
    yield case("one_keeps_the_massless", [0, -1000, 0, None, 0, -1000, 0], top_p=1, us=[LAST])
    yield case("one_keeps_the_massless_exclusive", [0, -1000, 0, None, 0, -1000, 0], top_p=1,
               top_p_rule="exclusive", us=[LAST])


def cutoff_boundaries():
    for m in (0.5, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01, 0.001):
        at = short(math.log(m))  # and its neighbours in float32: one is the last to stay
        yield case(f"min_p_{m}", [float32_steps(at, s) for s in (2, 1, 0, -1, -2)] + [0], min_p=m)
        yield case(f"min_p_{m}_shifted", [at + 16, 16, at + 16], min_p=m)
    for m, kept in ((1e-6, 14), (0.5, 1), (1, 0)):
        yield case(f"min_p_{m}_of_integers", [-x for x in range(20)], min_p=m)
    for ps, cuts in (((0.4, 0.3, 0.2, 0.1), (0.4, 0.3, 0.2, 0.1)),
                     ((0.25, 0.5, 0.05, 0.2), (0.5, 0.2, 0.05)),
                     ((0.01, 0.9, 0.09), (0.9, 0.09, 0.01))):
        name = "_".join(str(p)[2:] for p in ps)
        for cut in cuts:
            yield case(f"epsilon_{cut}_of_{name}", logs(*ps), epsilon_cutoff=cut)
    for n in (4, 10, 49):
        yield case(f"epsilon_of_{n}_equals_and_a_massless_one", [0] * n + [-1000],
                   epsilon_cutoff=1 / n, around=2)
        yield case(f"epsilon_above_{n}_equals_and_a_massless_one", [0] * n + [-1000],
                   epsilon_cutoff=above(1 / n), around=2)
    peaked, flat = [8, 1, 0, 0, -1, -2, -6], [0.2, 0.1, 0, 0, -0.1, -0.2, -3]
    for eta in (0.0001, 0.001, 0.01, 0.1):
        yield case(f"eta_{eta}_peaked", peaked, eta_cutoff=eta)
        yield case(f"eta_{eta}_flat", flat, eta_cutoff=eta)
    yield case("top_n_sigma_on_fractions", [0.1, 1.3, -0.7, 2.2, 0.4], top_n_sigma=1)
    yield case("top_n_sigma_counts_finite_logits_only", [None, 0, None, 4, 4, None, 0, 3, 1],
               top_n_sigma=1)
    yield case("top_n_sigma_of_what_top_k_left", [9, 8, 7, 6, -50, -60], top_k=4, top_n_sigma=1)


def temperature():
    row = [1, 3, 2.5, 3, -4, None, 0]
    named = {"0": 0, "1e-300": 1e-300, "1e-6": 1e-6, "0.01": 0.01, "0.5": 0.5, "0.8": 0.8, "1": 1,
             "2": 2, "100": 100, "1e6": 1e6, "1e300": 1e300}
    for name, t in named.items():
        yield case(name, row, temperature=t, us=[0, LAST])
        yield case(f"{name}_top_k_2", row, temperature=t, top_k=2)
        yield case(f"{name}_top_p_0.65", row, temperature=t, top_p=0.65)
        yield case(f"{name}_min_p_0.5", row, temperature=t, min_p=0.5)
    for name in ("0", "1e-6", "1e6"):
        t = named[name]
        yield case(f"{name}_typical_0.3", row, temperature=t, typical_p=0.3)
        yield case(f"{name}_epsilon_0.2", row, temperature=t, epsilon_cutoff=0.2)
        yield case(f"{name}_top_n_sigma_1", row, temperature=t, top_n_sigma=1)
        yield case(f"{name}_huge_logits", [-3e38, 1e38, 3e38, 0, 3e38], temperature=t)
        yield case(f"{name}_one_token", [-7], temperature=t, us=[0, 0.5, LAST])
    yield case("1e-6_resolves_close_logits", [1, float32_steps(1, 1), float32_steps(1, 2)],
               temperature=1e-6)
    yield case("0_of_negative_logits", [-5, -4, None, -4], temperature=0)
    yield case("0_before_penalties", [2, 3, 1], tokens(1, 1), repetition_penalty=9, temperature=0,
               stages=["temperature", "penalties"])
    yield case("0_after_penalties", [2, 3, 1], tokens(1, 1), repetition_penalty=9, temperature=0)


def extremes():
    every_filter = dict(top_k=1, top_p=0.1, min_p=1, typical_p=0.1, epsilon_cutoff=0.9,
                        eta_cutoff=0.9, top_n_sigma=0.1, temperature=0.5)
    for name, row in (("one_token", [2]), ("one_huge_token", [-3e38]),
                      ("all_but_one_impossible", [None, None, None, -2, None])):
        yield case(name, row, us=[0, 0.5, LAST])
        yield case(f"{name}_greedy", row, temperature=0)
        yield case(f"{name}_under_every_filter", row, us=[0, LAST], **every_filter)
    huge = [3e38, -3e38, 3.4e38, 0, 3.4e38, None]
    denormal = [0, 1e-45, 3e-45, -1e-45, 1e-38]
    for name, row in (("huge", huge), ("denormal", denormal)):
        yield case(name, row, us=[0, 0.3, 0.7, LAST])
        yield case(f"{name}_greedy", row, temperature=0)
        yield case(f"{name}_top_k_1", row, top_k=1)
        yield case(f"{name}_top_k_3", row, top_k=3)
        yield case(f"{name}_top_k_3_exact", row, top_k=3, top_k_rule="exact")
        yield case(f"{name}_top_p_0.5", row, top_p=0.5)
        yield case(f"{name}_top_p_0.7", row, top_p=0.7)
        yield case(f"{name}_min_p_0.1", row, min_p=0.1)
        yield case(f"{name}_epsilon_0.1", row, epsilon_cutoff=0.1)
        yield case(f"{name}_top_n_sigma_1", row, top_n_sigma=1)
    yield case("huge_typical_0.3", huge, typical_p=0.3)
    yield case("huge_eta_0.1", huge, eta_cutoff=0.1)
    yield case("huge_temperature_1e38", huge, temperature=1e38)
    yield case("all_very_negative", [-3e38, -3e38, -3.1e38], us=[0.25, 0.5, 0.75])
    yield case("barely_possible_tokens", [0, -744, -100, -700, -87, -104], around=1)
    yield case("barely_possible_tokens_min_p", [0, -744, -100, -700, -87, -104], min_p=1e-300)
    yield case("barely_possible_tokens_top_k", [0, -744, -100, -700, -87, -104], top_k=4, around=1)
    for k in (5, 6, 7, 1000, 2**31, 2**62):
        yield case(f"top_k_{k}_of_6", [0.5, 2, None, -1, 2, 0], top_k=k)
    yield case("tiny_min_p", [0, -3, -690, -691], min_p=1e-300)
    yield case("huge_top_n_sigma", [0, -3, 2, 5], top_n_sigma=1e300)
    yield case("strong_penalties", [3e38, 2, -2, -3e38], tokens(0, 1, 2, 3),
               repetition_penalty=1000)


def flat_50257():
    equal = {"count": GPT2, "repeat": 0}
    yield case("no_stage", equal, us=[0, 1e-5, 0.25, 0.75, LAST])
    yield case("temperature", equal, temperature=0.8)
    yield case("greedy", equal, temperature=0)
    yield case("top_k_50", equal, top_k=50)
    yield case("top_k_50_exact", equal, top_k=50, top_k_rule="exact")
    for p in (1e-6, 0.1, 0.5, 0.9, 0.999999, LAST, 7 / GPT2, above(7 / GPT2), 12345 / GPT2):
        yield case(f"top_p_{p}", equal, top_p=p)
        yield case(f"top_p_{p}_exclusive", equal, top_p=p, top_p_rule="exclusive")
    yield case("min_p_1", equal, min_p=1)
    yield case("typical_0.5", equal, typical_p=0.5)
    yield case("epsilon_0.0001", equal, epsilon_cutoff=1e-4)
    yield case("eta_0.0001", equal, eta_cutoff=1e-4)
    yield case("top_n_sigma_1", equal, top_n_sigma=1)
    yield case("not_representable", {"count": GPT2, "repeat": 0.1}, top_p=0.9, temperature=0.7)
    few = {"count": GPT2, "repeat": None, "except": {"40000": 1, "7": 1, "50256": 1, "9": 1}}
    yield case("four_possible", few, us=[0, 0.25, below(0.5), LAST])
    yield case("four_possible_top_k_2", few, top_k=2)
    yield case("four_possible_top_p_0.5", few, top_p=0.5)
    spike = {"count": GPT2, "repeat": 0, "except": {"31415": 12}}
    for p in (0.5, 0.76, 0.77, 0.9):
        yield case(f"spike_top_p_{p}", spike, top_p=p)
    yield case("spike_typical_0.2", spike, typical_p=0.2)
    yield case("spike_min_p_0.1", spike, min_p=0.1)
    yield case("spike_top_k_1", spike, top_k=1)
    yield case("spike_top_k_2", spike, top_k=2)
    # Every logit differs from the next by 1/1024, and the ids are scattered.
    ramp = {"count": GPT2, "ramp": [0, -1 / 1024, 7919]}
    yield case("ramp", ramp)
    yield case("ramp_greedy", ramp, temperature=0)
    yield case("ramp_chapter", ramp, temperature=0.8, top_k=50, top_p=0.9)
    for config in (dict(top_k=50), dict(top_k=5000), dict(top_p=0.1), dict(top_p=0.9),
                   dict(top_p=0.999), dict(min_p=0.05), dict(typical_p=0.2), dict(typical_p=0.9),
                   dict(epsilon_cutoff=1e-4), dict(eta_cutoff=3e-4), dict(top_n_sigma=1.5),
                   dict(temperature=0.05), dict(temperature=3, top_p=0.95)):
        yield case("_".join(["ramp", *(f"{k}_{v}" for k, v in config.items())]), ramp, **config)
    steps = {"count": GPT2, "ramp": [0, -1 / 4096, 7919], "except": {"1": 3, "50000": 3}}
    yield case("ramp_under_two_spikes_top_p", steps, top_p=0.6)
    yield case("ramp_under_two_spikes_penalized", steps, tokens(50000, 1, 1), top_p=0.6,
               presence_penalty=1, frequency_penalty=1)


def draws():
    for n in (1, 2, 4, 8, 16):  # intervals are [begin, end): u = 1/4 is the second of four
        us = [i / n for i in range(n)] + [below(i / n) for i in range(1, n)]
        yield case(f"{n}_equals_at_every_boundary", [3] * n, us=us, around=0)
    yield case("1024_equals", {"count": 1024, "repeat": -2}, around=0,
               us=[0, 1 / 1024, below(1 / 1024), 0.5, below(0.5), 1023 / 1024, LAST])
    yield case("along_the_ranking_not_the_ids", [0, 2, None, 1, 2, -1], around=9,
               us=[i / 64 for i in range(64)])
    yield case("no_mass_no_draw", [-1000, 0, None, -2000, 0, -1000, 0, 0], us=[0, 0.75, LAST])
    yield case("no_mass_no_draw_when_cold", [1, 2, 1.5, 2, None], temperature=1e-6, us=[0.5, LAST])
    yield case("little_mass_is_drawn", [0, -14, -2, -15], us=[0.99999, 0.999999, LAST], around=9)
    yield case("after_filters", [0.3, 0.1, 0.2, 2, 1, 1.5, -3], temperature=0.7, top_k=5,
               top_p=0.95, around=9, us=[i / 16 for i in range(16)])
    yield case("in_greedy_steps_too", [1, 5, 5, 2], temperature=0, us=[0, 0.25, 0.5, 0.75, LAST])
    for i in range(12):
        dice = Dice(f"draws {i}")
        yield case(f"random_{i}", dice.logits(10), around=20, temperature=dice.between(0.5, 2))
    # Sums over parts of a row can miss or pass the sum of the whole by its last bit, so that the
    # largest uniform seems to lie behind all that have mass. Of many rows, these lead to that.
    for i in (442, 1242, 1468):
        dice = Dice(f"massless tail {i}")
        row = [dice.normal(1, 1) if dice.random() < 0.17 else -800 - dice.below(100)
               for _ in range(200)]
        yield case(f"massless_tail_{i}", row, us=[LAST])


def penalties():
    row = [2, 1, 0.5, 0, -1, -2]
    seen = tokens(0, 0, 4, 1, 3, 5, 0, prompt_size=3)
    yield case("no_history", row, repetition_penalty=2, presence_penalty=1, frequency_penalty=1)
    for name, config in (("repetition", dict(repetition_penalty=2)),
                         ("repetition_encouraged", dict(repetition_penalty=0.5)),
                         ("presence", dict(presence_penalty=0.75)),
                         ("frequency", dict(frequency_penalty=0.625)),
                         ("presence_encouraged", dict(presence_penalty=-1.25)),
                         ("frequency_encouraged", dict(frequency_penalty=-0.25)),
                         ("all", dict(repetition_penalty=1.5, presence_penalty=0.3,
                                      frequency_penalty=0.2))):
        yield case(name, row, seen, **config)
        yield case(f"{name}_without_the_prompt", row, seen, penalize_prompt=False, **config)
    both = dict(repetition_penalty=1.25, presence_penalty=0.4, frequency_penalty=0.7)
    for n in (-1, 0, 1, 2, 4, 5, 7, 100):
        yield case(f"last_{n}", row, seen, penalty_last_n=n, **both)
        yield case(f"last_{n}_without_the_prompt", row, seen, penalty_last_n=n,
                   penalize_prompt=False, **both)
    yield case("all_of_it_is_prompt", row, tokens(0, 1, 1, prompt_size=3), penalize_prompt=False,
               **both)
    yield case("strangers_are_passed_over", row, tokens(6, 0, -1, 2**31 - 1, 0, -2**31), **both)
    yield case("strangers_fill_the_window", row, tokens(0, 1, 6, 7), penalty_last_n=3, **both)
    yield case("an_impossible_token_stays_so", [1, None, 0], tokens(1, 1, 0), presence_penalty=-9,
               repetition_penalty=0.5)
    yield case("greedy_sees_them", [3, 2.5, 1], tokens(0), repetition_penalty=1.5, temperature=0)
    yield case("zero_is_neither", [0, -0.0, 1], tokens(0, 1), repetition_penalty=3)
    yield case("before_the_temperature", row, seen, temperature=0.5, **both)
    yield case("after_the_temperature", row, seen, temperature=0.5,
               stages=["temperature", "penalties"], **both)
    yield case("they_can_make_ties", [2, 1, 1.5, 0], tokens(0, 2, 2), repetition_penalty=2,
               frequency_penalty=-0.25, top_k=2, top_k_rule="exact")


def no_repeat_ngram():
    row = [2, 1.5, 1, 0.5, 0, -0.5]
    for name, n, history in (
            ("no_history", 1, tokens()), ("1_forbids_all_seen", 1, tokens(0, 3, 3)),
            ("2", 2, tokens(0, 1, 2, 0)), ("2_with_two_followers", 2, tokens(0, 1, 0, 3, 0)),
            ("2_overlapping", 2, tokens(0, 0)), ("2_nothing_repeats", 2, tokens(0, 1, 2)),
            ("2_of_one_token", 2, tokens(0)), ("3", 3, tokens(0, 1, 2, 4, 0, 1)),
            ("3_needs_both", 3, tokens(0, 1, 2, 4, 1)), ("3_overlapping", 3, tokens(0, 0, 0)),
            ("3_of_two_tokens", 3, tokens(0, 0)), ("4", 4, tokens(5, 0, 1, 2, 5, 0, 1)),
            ("longer_than_the_history", 9, tokens(0, 0, 0)),
            ("looks_at_the_prompt_too", 2, tokens(0, 1, 2, 0, prompt_size=3)),
            ("strangers_count_as_context", 2, tokens(9, 1, -4, 2, 9)),
            ("strangers_as_followers", 2, tokens(0, 9, 0))):
        yield case(name, row, history, no_repeat_ngram_size=n)
    yield case("is_not_a_penalty_window", row, tokens(0, 1, 2, 0), no_repeat_ngram_size=2,
               penalty_last_n=1, penalize_prompt=False)
    yield case("greedy_sees_it", row, tokens(0, 1, 0, 0), no_repeat_ngram_size=2, temperature=0)
    yield case("all_but_one", row, tokens(5, 4, 2, 1, 0), no_repeat_ngram_size=1)


def logit_bias():
    row = [1, None, 2, 0, 1.5]
    for name, bias in (("up", {"3": 2.5}), ("down", {"2": -4}), ("ban", {"0": None}),
                       ("ban_the_best", {"2": None}), ("mixed", {"0": 0.3, "2": None, "4": -0.7}),
                       ("an_impossible_token_stays_so", {"1": 50}), ("zero", {"0": 0}),
                       ("forces", {"3": 100}), ("makes_a_tie", {"0": 1}),
                       ("beyond_float32_up", {"3": 1e39}), ("beyond_float32_down", {"2": -1e39}),
                       ("all_but_one", {"0": None, "2": None, "4": None})):
        yield case(name, row, logit_bias=bias)
        yield case(f"{name}_top_k_2", row, logit_bias=bias, top_k=2)
    yield case("greedy_sees_it", row, logit_bias={"0": 1.25}, temperature=0)
    yield case("before_the_temperature", row, logit_bias={"0": 2}, temperature=2)
    yield case("after_the_temperature", row, logit_bias={"0": 2}, temperature=2,
               stages=["temperature", "logit_bias"])


def rules():
    rows = {"ties": [2, 1, 2, 1, 1, 0], "distinct": [0.9, 2.1, -0.3, 1.4, 0.2, -2.2],
            "equals": [1, 1, 1, 1]}
    for name, row in rows.items():
        for k_rule in ("ties", "exact"):
            for p_rule in ("inclusive", "exclusive"):
                for k, p in ((2, 0.6), (3, 0.3), (4, 0.8)):
                    yield case(f"{name}_{k}_{k_rule}_{p}_{p_rule}", row, top_k=k, top_p=p,
                               top_k_rule=k_rule, top_p_rule=p_rule)
    yield case("exclusive_keeps_the_first", [9, 0, 0], top_p=0.5, top_p_rule="exclusive")
    yield case("inclusive_keeps_the_first", [9, 0, 0], top_p=0.5)


def stages():
    row = [2, 1.2, 0.9, 0.3, -0.2, -0.8, -1.5, 0.1]
    everything = dict(temperature=0.7, top_k=5, top_p=0.8, min_p=0.1)
    yield case("none", row, stages=[], **everything)
    for left_out in ("temperature", "top_k", "top_p", "min_p"):
        rest = [s for s in STAGES if s != left_out]
        yield case(f"without_{left_out}", row, stages=rest, **everything)
    history = tokens(0, 1, 0)
    for left_out, config in (
            ("logit_bias", dict(logit_bias={"0": None})), ("penalties", dict(repetition_penalty=3)),
            ("no_repeat_ngram", dict(no_repeat_ngram_size=2)), ("typical_p", dict(typical_p=0.3)),
            ("epsilon_cutoff", dict(epsilon_cutoff=0.2)), ("eta_cutoff", dict(eta_cutoff=0.5)),
            ("top_n_sigma", dict(top_n_sigma=0.5))):
        rest = [s for s in STAGES if s != left_out]
        yield case(f"without_{left_out}", row, history, stages=rest, **config)
        yield case(f"with_{left_out}", row, history, **config)
    for twice, config in (
            ("temperature", dict(temperature=0.6)), ("top_k", dict(top_k=3)),
            ("top_p", dict(top_p=0.8)), ("min_p", dict(min_p=0.3)),
            ("typical_p", dict(typical_p=0.8)),
            ("epsilon_cutoff", dict(epsilon_cutoff=0.09)), ("eta_cutoff", dict(eta_cutoff=0.2)),
            ("top_n_sigma", dict(top_n_sigma=1)), ("logit_bias", dict(logit_bias={"4": 1.5})),
            ("penalties", dict(repetition_penalty=1.5, presence_penalty=0.4)),
            ("no_repeat_ngram", dict(no_repeat_ngram_size=2))):
        yield case(f"{twice}_twice", row, history, stages=[twice, twice], **config)
    yield case("top_p_on_both_sides_of_the_temperature", row, temperature=1.8, top_p=0.75,
               stages=["top_p", "temperature", "top_p"])
    for order in (["top_k", "top_p", "min_p", "temperature"], ["min_p", "temperature", "top_p"],
                  ["temperature", "top_p", "top_k"], ["top_p", "top_k"], ["top_k", "top_p"]):
        yield case("_".join(order), row, stages=order, **everything)
    yield case("greedy_before_the_filters", row, temperature=0, top_k=3, top_p=0.9)
    yield case("greedy_after_the_filters", row, temperature=0, top_k=3, top_p=0.9,
               stages=["top_k", "top_p", "temperature"])


def sizes():
    """Every logit differs from the next by 1/128, and each cut passes just beside a token."""

    def both_sides(x):
        return {side: float(f"{x * factor:.10g}")
                for side, factor in (("below", 1 - 1e-8), ("above", 1 + 1e-8))}

    for size in (64, 65, 129, 1000, 4097, GPT2):
        row = {"count": size, "ramp": [0, -1 / 128, 37]}
        candidates = [definition.Candidate(i, -i / 128) for i in range(size)]
        cooled = [definition.Candidate(i, -i / 128 / 0.7) for i in range(size)]
        at = size // 3 if size < 1000 else 333
        weight = definition.weights(candidates)
        share = definition.shares(weight)[at]
        cooled_share = definition.shares(definition.weights(cooled))[at]
        p = definition.probabilities(candidates)[at]
        eta = (p * math.exp(definition.entropy(candidates))) ** 2
        middle = (size - 1) / 2
        sigma = math.sqrt(sum((i - middle) ** 2 for i in range(size)) / size) / 128
        yield case(f"top_k_1_of_{size}", row, around=2, top_k=1)
        yield case(f"top_k_{size // 2}_of_{size}", row, around=2, top_k=size // 2)
        yield case(f"top_k_{size - 1}_of_{size}", row, around=2, top_k=size - 1, top_k_rule="exact")
        yield case(f"typical_0.7_of_{size}", row, around=2, typical_p=0.7)
        for option, value, more in (
                ("top_p", share, {}), ("top_p", share, {"top_p_rule": "exclusive"}),
                ("top_p", cooled_share, {"temperature": 0.7}), ("min_p", weight[at], {}),
                ("epsilon_cutoff", p, {}), ("eta_cutoff", eta, {}),
                ("top_n_sigma", at / 128 / sigma, {})):
            for side, x in both_sides(value).items():
                name = "_".join([option, side, *(str(v) for v in more.values()), "of", str(size)])
                yield case(name, row, around=2, **{option: x}, **more)


def errors():
    for name, row in (
            ("nan", [0, "nan", 1]), ("nan_first", ["nan"]), ("plus_inf", [0, 1, "+inf"]),
            ("the_first_of_two", [0, None, "+inf", "nan"]), ("nothing_possible", [None] * 3),
            ("no_logits", []), ("nothing_possible_of_50257", {"count": GPT2, "repeat": None}),
            ("the_last_of_50257", {"count": GPT2, "repeat": 0, "except": {"50256": "nan"}})):
        yield case(name, row)
        yield case(f"{name}_greedy", row, temperature=0)
        yield case(f"{name}_top_k_1", row, top_k=1)
    yield case("nan_in_a_banned_place", [0, "nan", 1], logit_bias={"1": None})
    row = [2, None, 1, 0]
    yield case("bias_bans_all", row, logit_bias={"0": None, "2": None, "3": None})
    yield case("bias_bans_all_that_top_k_left", row, top_k=1, logit_bias={"0": None},
               stages=["top_k", "logit_bias"])
    yield case("bias_bans_the_greedy_one", row, temperature=0, logit_bias={"0": None},
               stages=["temperature", "logit_bias"])
    yield case("ngrams_forbid_all", row, tokens(0, 2, 3), no_repeat_ngram_size=1)
    yield case("ngrams_forbid_all_that_top_k_left", row, tokens(0, 0), no_repeat_ngram_size=2,
               top_k=1, stages=["top_k", "no_repeat_ngram"])
    yield case("ngrams_forbid_what_bias_left", row, tokens(0, 0), no_repeat_ngram_size=2,
               logit_bias={"2": None, "3": None})
    for option, values in (
            ("temperature", (-0.1, -1e-300)), ("top_k", (-1,)), ("top_p", (0, -0.5, above(1), 2)),
            ("min_p", (-0.1, above(1))), ("typical_p", (0, 1.5)), ("epsilon_cutoff", (-0.1, 1)),
            ("eta_cutoff", (-0.1, 1)), ("top_n_sigma", (-1,)), ("repetition_penalty", (0, -1.5)),
            ("penalty_last_n", (-2,)), ("no_repeat_ngram_size", (-1,))):
        for value in values:
            yield case(f"{option}_{value}", row, **{option: value})
    yield case("an_unknown_stage", row, stages=["temperature", "top_q"])


def subjects():
    """(file, what it is about, its cases)"""
    by_hand = [
        (make.__name__, about, list(make()))
        for make, about in (
            (ties, "Equal logits at every cut, and in the ranking."),
            (top_p_boundaries, "Cumulative probabilities that meet p, to the last bit of float64."),
            (cutoff_boundaries, "Tokens at the floor of min-p, epsilon, eta and top-n-sigma."),
            (temperature, "From greedy over the smallest to the largest temperatures."),
            (extremes, "One token, huge, denormal and impossible logits, k beyond the vocabulary."),
            (flat_50257, "A vocabulary of GPT-2's size: flat, nearly so, and a ramp."),
            (draws, "Uniforms at the boundaries of the tokens' intervals."),
            (penalties, "Repetition, presence and frequency penalties, prompts and windows."),
            (no_repeat_ngram, "N-grams that would repeat."),
            (logit_bias, "Biases that lift, sink and ban."),
            (rules, "Tie rules of top-k with boundary rules of top-p."),
            (stages, "Stages left out, twice, and in other orders."),
            (sizes, "Near misses of every cut, in vocabularies of several sizes."),
            (errors, "What is refused."),
        )
    ]
    by_chance = [
        (make.__name__, about, [case(name, logits, history, around=2, **config)
                                for name, logits, history, config in make()])
        for make, about in (
            (filters, "Every stage alone, on random logits."),
            (pairs, "Every pair of stages in both orders; each changes what it gets."),
            (chains, "Many stages at once, on random logits."),
        )
    ]
    return by_hand + by_chance
