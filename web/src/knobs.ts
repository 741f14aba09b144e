// The knobs as data. Their meanings and ranges are decant/sampling.h's.
import type { Settings } from './engine/protocol';
import { off, rules, stageOf } from './settings';

export type KnobName =
  | 'temperature'
  | 'top_k'
  | 'top_p'
  | 'min_p'
  | 'typical_p'
  | 'epsilon_cutoff'
  | 'eta_cutoff'
  | 'top_n_sigma'
  | 'repetition_penalty'
  | 'presence_penalty'
  | 'frequency_penalty'
  | 'penalty_last_n'
  | 'no_repeat_ngram_size';

export interface Knob {
  name: KnobName;
  label: string;
  meaning: string;
  /** What a typed value must be, and whether it is: the engine takes more than the slider has. */
  must: string;
  takes: (value: number) => boolean;
  /** The values that the slider stops at, from left to right. */
  stops: (vocabSize: number) => number[];
}

/** From `first` to `last`, in steps of 1 / `perOne`: whole numbers are divided, so 0.3 is 0.3. */
function even(first: number, last: number, perOne: number): number[] {
  const from = Math.round(first * perOne);
  const count = Math.round(last * perOne) - from + 1;
  return Array.from({ length: count }, (_, i) => (from + i) / perOne);
}

/** Whole numbers from 1 to `last`, evenly spread on a logarithmic scale. */
function whole(last: number): number[] {
  const steps = 120;
  const spread = Array.from({ length: steps + 1 }, (_, i) => Math.round(last ** (i / steps)));
  return [...new Set(spread)];
}

/** 0, and then 1, 1.5, 2 ... 9.5 in each decade from 0.0001 up to 1, which is left out. */
const smallNumbers = [
  0,
  ...[10000, 1000, 100, 10].flatMap((decade) => even(1, 9.5, 2).map((digit) => digit / decade)),
];

const atLeast = (least: number) => (value: number) => value >= least;
const wholeFrom = (least: number) => (value: number) =>
  Number.isSafeInteger(value) && value >= least;
const share = (value: number) => value > 0 && value <= 1;
const cutoff = (value: number) => value >= 0 && value < 1;

export const front: Knob[] = [
  {
    name: 'temperature',
    label: 'Temperature',
    meaning: 'Divides every logit: below 1 sharpens, above 1 flattens, 0 is greedy.',
    must: 'a number, 0 or more',
    takes: atLeast(0),
    stops: () => even(0, 2, 100),
  },
  {
    name: 'top_k',
    label: 'Top-k',
    meaning: 'Keeps the k most probable tokens.',
    must: 'a whole number: k, or 0 for off',
    takes: wholeFrom(0),
    // Off keeps all, so it comes after the largest k.
    stops: (vocabSize) => [...whole(vocabSize), 0],
  },
  {
    name: 'top_p',
    label: 'Top-p',
    meaning: 'Keeps the nucleus: the most probable tokens that together hold p.',
    must: 'a number above 0, at most 1',
    takes: share,
    stops: () => even(0.01, 1, 100),
  },
  {
    name: 'min_p',
    label: 'Min-p',
    meaning: 'Keeps tokens with at least this share of the top token’s probability.',
    must: 'a number from 0 to 1',
    takes: (value) => value >= 0 && value <= 1,
    stops: () => [...smallNumbers, 1],
  },
];

export const folded: Knob[] = [
  {
    name: 'typical_p',
    label: 'Typical p',
    meaning: 'Keeps the tokens whose surprise is nearest to the entropy, until they hold p.',
    must: 'a number above 0, at most 1',
    takes: share,
    stops: () => even(0.01, 1, 100),
  },
  {
    name: 'epsilon_cutoff',
    label: 'Epsilon cutoff',
    meaning: 'Keeps tokens of at least this probability.',
    must: 'a number from 0 to below 1',
    takes: cutoff,
    stops: () => smallNumbers,
  },
  {
    name: 'eta_cutoff',
    label: 'Eta cutoff',
    meaning: 'As epsilon, but lower where the entropy is high.',
    must: 'a number from 0 to below 1',
    takes: cutoff,
    stops: () => smallNumbers,
  },
  {
    name: 'top_n_sigma',
    label: 'Top-n-sigma',
    meaning: 'Keeps logits within n standard deviations of the largest.',
    must: 'a number, 0 or more',
    takes: atLeast(0),
    stops: () => even(0, 5, 20),
  },
  {
    name: 'repetition_penalty',
    label: 'Repetition penalty',
    meaning: 'Divides the positive logits of tokens seen so far, multiplies the negative ones.',
    must: 'a number above 0',
    takes: (value) => value > 0,
    stops: () => even(0.5, 2, 100),
  },
  {
    name: 'presence_penalty',
    label: 'Presence penalty',
    meaning: 'Subtracted from the logit of each token seen so far.',
    must: 'a number',
    takes: () => true,
    stops: () => even(-2, 2, 20),
  },
  {
    name: 'frequency_penalty',
    label: 'Frequency penalty',
    meaning: 'Subtracted once for each time the token was seen.',
    must: 'a number',
    takes: () => true,
    stops: () => even(-2, 2, 20),
  },
  {
    name: 'penalty_last_n',
    label: 'Penalties look back',
    meaning: 'How many of the last tokens the three penalties look at; −1 is all, which is off.',
    must: 'a whole number: 0 or more, or -1 for all',
    takes: wholeFrom(-1),
    stops: () => [0, ...whole(1024), -1],
  },
  {
    name: 'no_repeat_ngram_size',
    label: 'No repeated n-gram',
    meaning: 'Forbids a token that would complete n tokens that were there before.',
    must: 'a whole number: n, or 0 for off',
    takes: wholeFrom(0),
    stops: () => even(0, 10, 1),
  },
];

/** The number that a text says, or null. */
export function parse(text: string): number | null {
  if (!/^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i.test(text)) return null;
  const value = Number(text);
  return Number.isFinite(value) ? value : null;
}

/** Which of the stops is nearest to a value. */
export function nearest(stops: number[], value: number): number {
  const distances = stops.map((stop) => Math.abs(stop - value));
  return distances.indexOf(Math.min(...distances));
}

/** A seed, or null where the text is no unsigned integer of 64 bits. */
export function parseSeed(text: string): bigint | null {
  if (!/^\s*\d+\s*$/.test(text)) return null;
  const seed = BigInt(text);
  return seed < 2n ** 64n ? seed : null;
}

type Bias = Required<Settings>['logit_bias'];

/** Lines of "token id: bias", or the first line that is none. */
export function parseBias(text: string): { bias: Bias } | { wrong: string } {
  const bias: Bias = {};
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue;
    const [, token, value] = /^\s*(\d+)\s*[:=]\s*(\S+)\s*$/.exec(line) ?? [];
    const number = value === '-inf' ? null : parse(value ?? '');
    if (token === undefined || (number === null && value !== '-inf')) return { wrong: line.trim() };
    bias[String(Number(token))] = number;
  }
  return { bias };
}

export function writeBias(bias: Bias): string {
  return Object.entries(bias)
    .map(([token, value]) => `${token}: ${value ?? '-inf'}`)
    .join('\n');
}

export function same(one: Required<Settings>, other: Required<Settings>): boolean {
  const names = Object.keys(off) as (keyof Settings)[];
  return names.every((name) => JSON.stringify(one[name]) === JSON.stringify(other[name]));
}

/** Whether a stage changes anything: one of the knobs that it reads is turned. */
export function acts(stage: string, settings: Required<Settings>): boolean {
  const names = Object.keys(off) as (keyof Settings)[];
  return names.some(
    (name) =>
      stageOf(name) === stage &&
      !rules.includes(name) &&
      JSON.stringify(settings[name]) !== JSON.stringify(off[name]),
  );
}

/** Whether a knob is turned in vain: the stage that reads it is left out. */
export const idle = ({ name }: Knob, settings: Required<Settings>): boolean =>
  settings[name] !== off[name] && !settings.stages.includes(stageOf(name));

const stageLabels: Record<string, string> = {
  logit_bias: 'Logit bias',
  penalties: 'Penalties',
  no_repeat_ngram: 'No repeated n-gram',
};

export function stageLabel(stage: string): string {
  const knob = [...front, ...folded].find(({ name }) => name === stage);
  return knob?.label ?? stageLabels[stage] ?? stage;
}

/** A stage as the page lists it; one that is switched off keeps its place. */
export interface StageRow {
  name: string;
  on: boolean;
  key: string;
}

/** The rows for these stages: the former ones if they say the same, so that nothing jumps. */
export function stageRows(former: StageRow[], stages: string[]): StageRow[] {
  const said = former.filter(({ on }) => on).map(({ name }) => name);
  if (former.length > 0 && said.join() === stages.join()) return former;
  const missing = off.stages.filter((name) => !stages.includes(name));
  const row = (on: boolean) => (name: string, i: number, all: string[]) => ({
    name,
    on,
    key: `${name} ${all.slice(0, i).filter((other) => other === name).length}`,
  });
  return [...stages.map(row(true)), ...missing.map(row(false))];
}
