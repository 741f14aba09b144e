#!/usr/bin/env python3
"""Learns a byte-level BPE (GPT-2's scheme, any vocabulary size) and writes vocab.json + merges.txt.

    tools/train/bpe.py TEXT OUT_DIR [--vocab-size 1024]

Sennrich et al. 2016 over bytes (Radford et al. 2019): start from the 256 bytes, and merge the most
frequent adjacent pair within a word again and again. The ids are GPT-2's convention: 0..255 are the
bytes in the order of their printable stand-ins, then one id a merge, in order of rank.
"""

import argparse
import collections
import json
import pathlib

import regex

SPLIT = regex.compile(
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
)


def byte_alphabet() -> dict[int, str]:
    """GPT-2's map from bytes to printable characters: printable bytes stand for themselves."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [b for b in range(256) if b not in printable]
    return {b: chr(b) for b in printable} | {b: chr(256 + i) for i, b in enumerate(others)}


def learn(text: str, vocab_size: int) -> tuple[dict[str, int], list[tuple[str, str]]]:
    alphabet = byte_alphabet()
    words = collections.Counter(
        tuple(alphabet[b] for b in word.encode()) for word in SPLIT.findall(text)
    )
    vocab = {symbol: i for i, symbol in enumerate(alphabet.values())}
    merges: list[tuple[str, str]] = []
    while len(vocab) < vocab_size:
        pairs: collections.Counter = collections.Counter()
        for word, count in words.items():
            for pair in zip(word, word[1:]):
                pairs[pair] += count
        if not pairs:
            break
        best = max(pairs, key=lambda pair: (pairs[pair], pair))  # ties: the same choice every run
        merges.append(best)
        vocab["".join(best)] = len(vocab)
        words = collections.Counter({merge(w, best): c for w, c in words.items()})
    return vocab, merges


def merge(word: tuple[str, ...], pair: tuple[str, str]) -> tuple[str, ...]:
    out: list[str] = []
    i = 0
    while i < len(word):
        if word[i : i + 2] == pair:
            out.append(word[i] + word[i + 1])
            i += 2
        else:
            out.append(word[i])
            i += 1
    return tuple(out)


class Tokenizer:
    """Encodes with the files that learn() made; as slow as it is short."""

    def __init__(self, folder: pathlib.Path):
        self.vocab = json.loads((folder / "vocab.json").read_text())
        lines = (folder / "merges.txt").read_text().splitlines()
        merges = [tuple(line.split(" ")) for line in lines if not line.startswith("#version")]
        self.rank = {pair: i for i, pair in enumerate(merges)}
        self.alphabet = byte_alphabet()
        self.cache: dict[str, list[int]] = {}

    def encode(self, text: str) -> list[int]:
        return [token for word in SPLIT.findall(text) for token in self._word(word)]

    def _word(self, word: str) -> list[int]:
        if word not in self.cache:
            symbols = tuple(self.alphabet[b] for b in word.encode())
            while len(symbols) > 1:
                pair = min(zip(symbols, symbols[1:]), key=lambda p: self.rank.get(p, len(self.rank)))
                if pair not in self.rank:
                    break
                symbols = merge(symbols, pair)
            self.cache[word] = [self.vocab[s] for s in symbols]
        return self.cache[word]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("text", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--vocab-size", type=int, default=1024)
    args = parser.parse_args()
    vocab, merges = learn(args.text.read_text(), args.vocab_size)
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "vocab.json").write_text(json.dumps(vocab, ensure_ascii=False))
    lines = ["#version: 0.2", *(" ".join(pair) for pair in merges)]
    (args.out / "merges.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
