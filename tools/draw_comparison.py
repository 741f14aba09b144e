#!/usr/bin/env python3
"""Draws the pictures of docs/strategies.md from what decant compare measured.

    build/decant compare --prompt "ROMEO:" --samples 32 --seed 1 --json | tools/draw_comparison.py docs

writes docs/strategies_plane.svg, each strategy by its perplexity and by how much it repeats itself,
and docs/strategies_course.svg, the probability of its tokens from the beginning of a text to its end.
"""
import json
import math
import pathlib
import sys
from html import escape

# The colours of apps/cli/svg.cpp.
STYLE = """
text{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Inter,Arial,sans-serif;
font-variant-numeric:tabular-nums;fill:#1d242d;font-size:12px}
.title{font-size:18px;font-weight:600}.name{font-size:13px;font-weight:600}
.muted{fill:#5c6672}.end{text-anchor:end}.middle{text-anchor:middle}
.page{fill:#fff;stroke:#dfe3e8}.rule{stroke:#e4e7eb}.drawn{fill:#0072b2}.fixed{fill:#c75300}
.line{fill:none;stroke:#0072b2;stroke-width:2;stroke-linejoin:round}.fixed.line{stroke:#c75300;fill:none}
@media (prefers-color-scheme:dark){text{fill:#e8ebef}.muted{fill:#a5afba}
.page{fill:#15191e;stroke:#2c333b}.rule{stroke:#2c333b}.drawn{fill:#56b4e9}.fixed{fill:#f0883e}
.line{stroke:#56b4e9}.fixed.line{stroke:#f0883e}}
"""


class Picture:
    def __init__(self, width, height, title):
        self.width, self.height, self.title = width, height, title
        self.parts = []
        self.text(24, 36, title, "title")

    def text(self, x, y, words, classes=""):
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" class="{classes}">{escape(words)}</text>')

    def line(self, x1, y1, x2, y2):
        self.parts.append(f'<path class="rule" d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}"/>')

    def dot(self, x, y, classes):
        self.parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5.5" class="{classes}"/>')

    def curve(self, points, classes):
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        self.parts.append(f'<path class="{classes}" d="M{path}"/>')

    def write(self, path):
        size = f'width="{self.width}" height="{self.height}" viewBox="0 0 {self.width} {self.height}"'
        lines = [f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">',
                 f"<title>{escape(self.title)}</title>", f"<style>{STYLE}</style>",
                 f'<rect class="page" x=".5" y=".5" width="{self.width - 1}" '
                 f'height="{self.height - 1}" rx="10"/>', *self.parts, "</svg>"]
        pathlib.Path(path).write_text("\n".join(lines) + "\n")


def colour(strategy):
    return "fixed" if strategy["deterministic"] else "drawn"


def legend(picture, y):
    for x, classes, words in ((24, "drawn", "drawn from a distribution"),
                              (210, "fixed", "nothing is drawn: one text")):
        picture.dot(x + 6, y - 4, classes)
        picture.text(x + 18, y, words, "muted")


def place(taken, x, y, words, most):
    """Where a label beside (x, y) covers neither a dot nor a label and ends before `most`: its left end
    and baseline."""
    width = 7.2 * len(words)
    for dy in (4, -8, 16, -20, 28):
        for left in (x + 10, x - 10 - width):
            box = (left, y + dy - 11, left + width, y + dy + 3)
            if box[2] < most and all(box[2] < b[0] or b[2] < box[0] or box[3] < b[1] or b[3] < box[1]
                                      for b in taken):
                taken.append(box)
                return left, y + dy
    return x + 10, y + 4


def plane(comparison, path):
    strategies = comparison["strategies"]
    picture = Picture(760, 490, "How probable the texts are, and how much they repeat themselves")
    legend(picture, 60)
    left, top, right, bottom = 70, 104, 730, 430
    ticks = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]
    most = max(s["figures"]["perplexity"] for s in strategies)
    ticks = [t for t in ticks if t < most] + [min(t for t in ticks + [math.ceil(most)] if t >= most)]
    span = math.log(ticks[-1])

    def at(perplexity, repetition):
        return (left + (right - left) * math.log(perplexity) / span,
                bottom - (bottom - top) * repetition)

    for tick in ticks:
        x, _ = at(tick, 0)
        picture.line(x, top, x, bottom)
        picture.text(x, bottom + 18, f"{tick:,}", "muted middle")
    for tick in (0, .2, .4, .6, .8, 1):
        _, y = at(1, tick)
        picture.line(left, y, right, y)
        picture.text(left - 8, y + 4, f"{100 * tick:.0f}%", "muted end")
    picture.text((left + right) / 2, bottom + 40, "perplexity of the texts under the model", "muted middle")
    picture.text(left, top - 10, "4-grams that came before in the same text (rep-4)", "muted")
    points = [at(s["figures"]["perplexity"], s["figures"]["rep_4"]) for s in strategies]
    taken = [(x - 7, y - 7, x + 7, y + 7) for x, y in points]
    for strategy, (x, y) in zip(strategies, points):
        picture.dot(x, y, colour(strategy))
        picture.text(*place(taken, x, y, strategy["name"], right + 10), strategy["name"])
    picture.write(path)


def course(comparison, path, window=10):
    """The mean probability of a window of tokens, over all texts of a strategy."""
    strategies = comparison["strategies"]
    columns, width, height = 3, 236, 132
    rows = math.ceil(len(strategies) / columns)
    picture = Picture(760, 84 + rows * height, "How sure the model is of what it writes, token by token")
    legend(picture, 60)
    length = max(len(t["steps"]) for s in strategies for t in s["texts"])
    for i, strategy in enumerate(strategies):
        x0, y0 = 56 + i % columns * width, 84 + i // columns * height
        w, h = width - 44, height - 54
        picture.text(x0, y0 + 14, strategy["name"], "name")
        for tick in (0, .5, 1):
            y = y0 + 24 + h * (1 - tick)
            picture.line(x0, y, x0 + w, y)
            if i % columns == 0:
                picture.text(x0 - 6, y + 4, f"{100 * tick:.0f}%", "muted end")
        picture.text(x0, y0 + h + 38, "token 1", "muted")
        picture.text(x0 + w, y0 + h + 38, f"{length}", "muted end")
        points = []
        for begin in range(0, length, window):
            part = [math.exp(step["logprob"]) for text in strategy["texts"]
                    for step in text["steps"][begin:begin + window]]
            if part:
                middle = min(begin + window / 2, length)
                points.append((x0 + w * middle / length, y0 + 24 + h * (1 - sum(part) / len(part))))
        picture.curve(points, f"{colour(strategy)} line" if strategy["deterministic"] else "line")
    picture.write(path)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    comparison = json.load(sys.stdin)
    folder = pathlib.Path(sys.argv[1])
    plane(comparison, folder / "strategies_plane.svg")
    course(comparison, folder / "strategies_course.svg")


if __name__ == "__main__":
    main()
