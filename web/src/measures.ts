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

const nats = (value: number) => `${value.toFixed(2)} nats`;

export const measures: Measure[] = [
  {
    name: 'surprise',
    unit: 'nats, −ln of its probability before any stage',
    bounds: [0.3, 0.7, 1.5, 3, 4.5, 6],
    of: ({ logprob }) => -logprob,
    text: nats,
  },
  {
    name: 'entropy',
    unit: 'nats, the surprise that was to be expected there',
    bounds: [0.3, 0.7, 1.5, 2, 3, 4.5],
    of: ({ entropy }) => entropy,
    text: nats,
  },
  {
    name: 'rank',
    unit: 'among all tokens before any stage, 1 = the most probable',
    bounds: [2, 3, 6, 11, 51, 201],
    of: ({ rank }) => rank + 1,
    text: String,
  },
  {
    name: 'change by the stages',
    unit: 'nats, how much more probable they made it; the last class: they removed it',
    bounds: [0.1, 0.3, 0.7, 1.5, 3, Infinity],
    of: ({ logprob, finalLogprob }) =>
      finalLogprob === -Infinity ? Infinity : finalLogprob - logprob,
    text: (value) =>
      value === Infinity ? 'removed' : `${value < 0 ? '−' : '+'}${nats(Math.abs(value))}`,
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
