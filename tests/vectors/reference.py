#!/usr/bin/env python3
"""Answers the questions of cases.py by definition.py, and writes them down as *.json (README.md).

    tests/vectors/reference.py              # writes every file again, byte for byte
    tests/vectors/reference.py --check      # exits 1 if a file is not what it would write
    tests/vectors/reference.py --case FILE  # answers one case: "logits", "config", "history"
"""

import argparse
import bisect
import json
import math
import pathlib
import sys

import definition

FOLDER = pathlib.Path(__file__).resolve().parent
MOST_LISTED, ENDS = 64, 8  # of more survivors than this, so many of either end are listed
WORDS = {None: -math.inf, "nan": math.nan, "+inf": math.inf}


def written_logits(logits):
    """The list that a case's "logits" stand for, each rounded to float32."""
    if isinstance(logits, dict):
        shape, count = logits, logits["count"]
        logits = [shape.get("repeat", 0)] * count
        if "ramp" in shape:
            start, step, stride = shape["ramp"]
            for i in range(count):
                logits[i * stride % count] = start + step * i
        for token, logit in shape.get("except", {}).items():
            logits[int(token)] = logit
    return [WORDS[x] if x in WORDS else definition.float32(x) for x in logits]


def nine_digits(x):
    return float(f"{x:.9g}")


def ends(values):
    if len(values) <= MOST_LISTED:
        return values
    return {"count": len(values), "first": values[:ENDS], "last": values[-ENDS:]}


def draws(survivors, wanted, around, distance):
    """[u, token] for each u in `wanted`, and on both sides of some boundaries: `around` of them,
    from both ends. No u is nearer to a boundary than `distance`."""
    weight = definition.weights(survivors)
    share = definition.shares(weight)
    boundaries = sorted({s for s in share if s < 1})
    dyadic = definition.countable(weight) and math.log2(sum(weight)).is_integer()

    def safe(u):
        after = bisect.bisect(boundaries, u)
        nearest = boundaries[max(0, after - 1) : after + 1]
        return dyadic or all(abs(u - b) >= distance for b in nearest)

    for u in wanted:
        assert safe(u), f"u = {u!r} is too near to a boundary"
    us = {*wanted, *(u for u in (0.0, 0.5, 1 - 2**-53) if safe(u))}
    head = (around + 1) // 2
    chosen = boundaries if len(boundaries) <= around else (
        boundaries[:head] + boundaries[len(boundaries) - (around - head):])
    for b in chosen:
        sides = (round(b - 10 * distance, 10), round(b + 10 * distance, 10))
        us.update(u for u in sides if 0 <= u < 1 and safe(u))
    return [[float(u), definition.draw(survivors, share, u)] for u in sorted(us)]


def answered(case):
    """The case with its expected outcome. Raises where an honest engine might disagree."""
    case = dict(case)
    wanted, around = case.pop("us", ()), case.pop("around", 4)
    history = case.get("history", {})
    history = definition.History(history.get("tokens", []), history.get("prompt_size", 0))
    calls = definition.Calls()
    try:
        survivors = definition.pipeline(
            written_logits(case["logits"]), case["config"], history, calls)
    except definition.Refused as refused:
        case["error"] = refused.code
        if refused.place is not None:
            case["message"] = refused.place
        return case
    if not calls.fair():
        raise ValueError(f"{case.get('name')}: a decision is within {calls.closest_inexact:.1g}")
    case["survivors"] = ends([s.token for s in survivors])
    case["probabilities"] = ends([nine_digits(p) for p in definition.probabilities(survivors)])
    case["closest_call"] = None if calls.closest == math.inf else float(f"{calls.closest:.2g}")
    case["draws"] = draws(survivors, wanted, around, calls.safe)
    return case


def text(subject, about, cases):
    """A line a member, so that a change of a case shows as such."""
    names = [case["name"] for case in cases]
    assert len(set(names)) == len(names), f"{subject}: two cases of one name"
    blocks = []
    for case in cases:
        lines = [f"{json.dumps(k)}: {json.dumps(v, allow_nan=False)}"
                 for k, v in answered(case).items()]
        blocks.append("  {" + ",\n   ".join(lines) + "}")
    return (f'{{"subject": {json.dumps(subject)},\n "about": {json.dumps(about)},\n "cases": [\n'
            + ",\n".join(blocks) + "\n]}\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--case", metavar="FILE")
    arguments = parser.parse_args()
    if arguments.case:
        with open(arguments.case, encoding="utf-8") as file:
            print(json.dumps(answered({"config": {}, **json.load(file)})))
        return 0
    import cases  # here, as it answers questions itself to find good ones

    files = {f"{subject}.json": text(subject, about, questions)
             for subject, about, questions in cases.subjects()}
    if arguments.check:
        there = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}
        stale = sorted(n for n in files.keys() | there.keys() if files.get(n) != there.get(n))
        for name in stale:
            print(f"{name} is not what reference.py writes")
        return 1 if stale else 0
    for path in FOLDER.glob("*.json"):
        path.unlink()
    for name, content in files.items():
        (FOLDER / name).write_text(content, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
