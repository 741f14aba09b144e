// What the tokens of a text can be coloured by. Numbers are the engine's; classes are this page's.
import type { TokenReport } from './engine/protocol';

export interface Measure {
  name: string;
  /** What the numbers count. */
  unit: string;
  /** Where the second, the third, ... class begins; there is one class more than that. */
  bounds: number[];
  of(report: TokenReport): number;
  text(value: number): string;
}

const bits = (nats: number) => nats / Math.LN2;
const oneDecimal = (value: number) => `${value.toFixed(1)} bits`;

export const measures: Measure[] = [
  {
    name: 'surprise',
    unit: 'bits, -log₂ of its probability before any stage',
    bounds: [0.5, 1, 2, 4, 6, 9],
    of: ({ logprob }) => bits(-logprob),
    text: oneDecimal,
  },
  {
    name: 'entropy',
    unit: 'bits, the surprise that was to be expected there',
    bounds: [0.5, 1, 2, 3, 4.5, 6],
    of: ({ entropy }) => bits(entropy),
    text: oneDecimal,
  },
  {
    name: 'rank',
    unit: 'among all tokens before any stage, 1 = the most probable',
    bounds: [2, 3, 6, 11, 51, 201],
    of: ({ rank }) => rank + 1,
    text: (value) => `rank ${value}`,
  },
  {
    name: 'change by the stages',
    unit: 'bits, how much more probable they made it; the last class: they removed it',
    bounds: [0.1, 0.5, 1, 2, 4, Infinity],
    of: ({ logprob, finalLogprob }) =>
      finalLogprob === -Infinity ? Infinity : bits(finalLogprob - logprob),
    text: (value) =>
      value === Infinity ? 'removed by the stages' : `${value < 0 ? '−' : '+'}${oneDecimal(Math.abs(value))}`,
  },
];

/** 0 to bounds.length. */
export function classOf(measure: Measure, report: TokenReport): number {
  const value = measure.of(report);
  return measure.bounds.filter((bound) => value >= bound).length;
}

/** Which numbers each class holds: "< 0.5", "0.5 to 1", ..., "9 or more". */
export function classNames({ bounds }: Measure): string[] {
  return [...bounds, null].map((bound, i) => {
    const below = bounds[i - 1];
    if (bound === null) return below === Infinity ? 'removed' : `${below} or more`;
    if (bound === Infinity) return `${below} or more`;
    return below === undefined ? `< ${bound}` : `${below} to ${bound}`;
  });
}
