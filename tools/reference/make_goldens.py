"""Makes tests/fixtures/beam_search/cases.json and tests/fixtures/contrastive_search/cases.json.

    python3 tools/reference/make_goldens.py            # writes them
    python3 tools/reference/make_goldens.py --check    # says whether they are up to date

golden_cases.py says what each case is to show. Its model's seed is the first for which it does:
  * each thing that it says matters changes the result when it is put back to its default, or done
    in the other way that the top of beam_search.py turns down;
  * whatever it does not say matters, of those other ways, changes nothing;
  * no decision is closer than 1e-5, but for exact ties in the cases about ties;
  * another way to compute the log-softmax leads to the same result.
"""

import argparse
import dataclasses
import json
import math
import sys
from pathlib import Path

import beam_search
import contrastive_search
from golden_cases import BEAM_CASES, CONTRASTIVE_CASES
from toy_model import ToyModel

FIXTURES = Path(__file__).resolve().parents[2] / "tests" / "fixtures"
CLOSEST = 1e-5


def other_log_softmax(row: list[float]) -> list[float]:
    log_sum = math.log(math.fsum(math.exp(logit) for logit in row))
    return [logit - log_sum for logit in row]


def reversed_ties(candidate: tuple) -> tuple:
    return tuple(-part for part in candidate)


def limit_before_done(group, length, options, margins) -> bool:
    """At the limit a group has not stopped yet: Hugging Face's beams compete, from 4.50 on."""
    return length < options.max_new_tokens and ORIGINAL_IS_DONE(group, length, options, margins)


def ended_beams_attain(group, length, options, margins) -> bool:
    """What ended in this step counts as the best beam: Hugging Face's stopping, up to 4.49."""
    ended = [h.sum for h in group.pool if len(h.tokens) == length]
    if not group.beams or not ended or max(ended) <= group.beams[0].sum:
        return ORIGINAL_IS_DONE(group, length, options, margins)
    best = beam_search.Beam([], max(ended))
    return ORIGINAL_IS_DONE(dataclasses.replace(group, beams=[best]), length, options, margins)


def never_looks_to_the_limit(group, length, options, margins) -> bool:
    """Also where a longer text scores less: a wrong reading of "never"."""
    return ORIGINAL_IS_DONE(group, options.max_new_tokens, options, margins)


ORIGINAL_IS_DONE = beam_search.is_done
OTHER_WAYS = {
    "ties": ("rank", reversed_ties),
    "limit_before_done": ("is_done", limit_before_done),
    "ended_beams_attain": ("is_done", ended_beams_attain),
    "never_looks_to_the_limit": ("is_done", never_looks_to_the_limit),
}


class BeamCase:
    module = beam_search
    usual: dict = {}
    other_ways = ("limit_before_done", "ended_beams_attain")

    @staticmethod
    def search(model, prompt, options, margins):
        return beam_search.beam_search(model.logits, prompt, options, margins)

    @staticmethod
    def outcome(result):
        return [hypothesis.tokens for hypothesis in result[0]], result[1]

    @staticmethod
    def described(result) -> dict:
        hypotheses, steps = result
        expected = [
            {"length": len(hypothesis.tokens)} | dataclasses.asdict(hypothesis)
            for hypothesis in hypotheses
        ]
        return {"steps": steps, "expected": expected}


class ContrastiveCase:
    module = contrastive_search
    usual = {"top_k": 4, "alpha": 0.6}
    other_ways = ()

    @staticmethod
    def search(model, prompt, options, margins):
        search = contrastive_search.contrastive_search
        return search(model.logits, model.hidden, prompt, options, margins)

    @staticmethod
    def outcome(result):
        return result.tokens

    @staticmethod
    def described(result) -> dict:
        return {"expected": dataclasses.asdict(result)}


def outcome_with(kind, name: str, function, *arguments):
    """The outcome with another function in the place of one of the module's."""
    original = getattr(kind.module, name)
    setattr(kind.module, name, function)
    try:
        return kind.outcome(kind.search(*arguments, []))
    finally:
        setattr(kind.module, name, original)


def shows(kind, model: ToyModel, prompt: list[int], options, matters: list[str]) -> bool:
    margins: list[float] = []
    outcome = kind.outcome(kind.search(model, prompt, options, margins))
    if any(margin == 0 for margin in margins) != ("ties" in matters):
        return False
    if any(0 < margin < CLOSEST for margin in margins):
        return False
    if outcome != outcome_with(kind, "log_softmax", other_log_softmax, model, prompt, options):
        return False
    for way in {*matters, *kind.other_ways}:
        if way in OTHER_WAYS:
            other = outcome_with(kind, *OTHER_WAYS[way], model, prompt, options)
        else:
            default = {way: getattr(type(options)(), way)}
            varied = dataclasses.replace(options, **default)
            other = kind.outcome(kind.search(model, prompt, varied, []))
        if (other != outcome) != (way in matters):
            return False
    return True


def golden(kind, name: str, shape: dict, prompt: list[int], varied: dict, matters: str) -> dict:
    options = kind.module.Options(**(kind.usual | varied))
    for seed in range(1, 3000):
        model = ToyModel(seed, **shape)
        if shows(kind, model, prompt, options, matters.split()):
            break
    else:
        sys.exit(f"{name}: no model shows it")
    result = kind.search(model, prompt, options, [])
    return {
        "name": name,
        "model": dataclasses.asdict(model),
        "prompt": prompt,
        "logits": model.logits(prompt),
        "hidden": model.hidden(prompt),
        "options": dataclasses.asdict(options),
        **kind.described(result),
    }


def as_json(cases: list[dict]) -> str:
    """One line a case, and one a hypothesis."""
    lines = []
    for case in cases:
        line = json.dumps(case)
        lines.append(
            line.replace('"expected": ', '"expected":\n    ').replace("}, {", "},\n     {")
        )
    return "[\n  " + ",\n  ".join(lines) + "\n]\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare with what is committed")
    check = parser.parse_args().check
    for folder, kind, cases in (
        ("beam_search", BeamCase, BEAM_CASES),
        ("contrastive_search", ContrastiveCase, CONTRASTIVE_CASES),
    ):
        path = FIXTURES / folder / "cases.json"
        text = as_json([golden(kind, *case) for case in cases])
        if not check:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        elif path.read_text() != text:
            sys.exit(f"{path} is not what make_goldens.py makes")
        print(f"{path}: {len(cases)} cases, {len(text)} bytes")


if __name__ == "__main__":
    main()
