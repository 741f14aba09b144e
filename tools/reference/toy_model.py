"""A language model of a few integers: any language computes its logits to the bit.

    mix(seed, values):                      all arithmetic modulo 2^32
      h = seed
      for each v in values:  h = (h xor v) * 0x9E3779B1;  h = h xor (h >> 15)
      the result is h >> 8                  (24 bits)

    context(text, memory): the last `memory` tokens of the text, oldest first; where the text is
      shorter, `vocabulary` stands for each token that is missing in front.

    logit of token t after a text = unit / 64 *
      (mix(seed, context(text, memory) followed by t) mod (2 * spread + 1) - spread)

    hidden state of the last token of a text, a vector of `hidden_size` whole numbers:
      m_d = mix(seed, context(text, hidden_memory) followed by 65536 + d)
      component 0 is 1 + m_0 mod 4 (so no vector is zero), component d is m_d mod 9 - 4

Logits are small multiples of 1 / 64, hidden states small integers: exact in float32.
"""

from dataclasses import dataclass


def mix(seed: int, values: list[int]) -> int:
    h = seed
    for value in values:
        h = (h ^ value) * 0x9E3779B1 % 2**32
        h ^= h >> 15
    return h >> 8


@dataclass(frozen=True)
class ToyModel:
    seed: int
    vocabulary: int
    memory: int = 2
    spread: int = 192
    unit: int = 1
    hidden_size: int = 0
    hidden_memory: int = 2

    def context(self, text: list[int], memory: int) -> list[int]:
        padded = [self.vocabulary] * memory + text
        return padded[len(padded) - memory :]

    def logits(self, text: list[int]) -> list[float]:
        context = self.context(text, self.memory)
        width = 2 * self.spread + 1
        return [
            (mix(self.seed, context + [token]) % width - self.spread) * self.unit / 64
            for token in range(self.vocabulary)
        ]

    def hidden(self, text: list[int]) -> list[float]:
        context = self.context(text, self.hidden_memory)
        m = [mix(self.seed, context + [65536 + d]) for d in range(self.hidden_size)]
        return [float(1 + v % 4 if d == 0 else v % 9 - 4) for d, v in enumerate(m)]
