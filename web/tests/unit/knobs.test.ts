import { expect, test } from 'vitest';
import {
  acts,
  folded,
  front,
  idle,
  nearest,
  parse,
  parseBias,
  parseSeed,
  stageRows,
  writeBias,
} from '../../src/knobs';
import { off } from '../../src/settings';

test('a slider stops only at values that its knob takes, and at off', () => {
  for (const knob of [...front, ...folded]) {
    for (const vocabSize of [1, 65, 50257]) {
      const stops = knob.stops(vocabSize);
      expect(stops.every(knob.takes), knob.name).toBe(true);
      expect(stops, knob.name).toContain(off[knob.name]);
      expect(new Set(stops).size, knob.name).toBe(stops.length);
    }
  }
});

test('top-k goes from 1 to the whole vocabulary, and then off', () => {
  const stops = front.find(({ name }) => name === 'top_k')!.stops(50257);
  expect([stops[0], stops.at(-2), stops.at(-1)]).toEqual([1, 50257, 0]);
  expect(stops[nearest(stops, 1_000_000)]).toBe(50257);
});

test('a typed number', () => {
  expect(['0.8', ' .5 ', '1.', '1e-3', '-1'].map(parse)).toEqual([0.8, 0.5, 1, 0.001, -1]);
  expect(['', 'abc', '0x10', '1,5', '1e999', 'Infinity'].map(parse)).toEqual(Array(6).fill(null));
});

test('a seed has 64 bits', () => {
  expect(parseSeed('18446744073709551615')).toBe(2n ** 64n - 1n);
  expect(['18446744073709551616', '-1', '1.5', ''].map(parseSeed)).toEqual(Array(4).fill(null));
});

test('biases are read as they are written', () => {
  const bias = { 5: 1.5, 198: null };
  expect(parseBias(`\n${writeBias(bias)}\n`)).toEqual({ bias });
  expect(parseBias('5: 1\n7 2')).toEqual({ wrong: '7 2' });
});

test('a stage that is switched off keeps its place, until other stages are set', () => {
  const rows = stageRows([], off.stages);
  const without = rows.map((row) => ({ ...row, on: row.name !== 'top_k' }));
  const stages = off.stages.filter((name) => name !== 'top_k');
  expect(stageRows(without, stages)).toBe(without);
  expect(stageRows(without, ['top_p']).map(({ name, on }) => `${name} ${on}`).slice(0, 2)).toEqual([
    'top_p true',
    'logit_bias false',
  ]);
});

test('a stage acts if a knob of its own is turned; one that only says how does nothing', () => {
  expect(off.stages.filter((stage) => acts(stage, off))).toEqual([]);
  const acting = (changes: object) => off.stages.filter((stage) => acts(stage, { ...off, ...changes }));
  expect(acting({ repetition_penalty: 1.2, penalty_last_n: 5 })).toEqual(['penalties']);
  expect(acting({ penalty_last_n: 5, top_k_rule: 'exact', penalize_prompt: false })).toEqual([]);
  expect(acting({ no_repeat_ngram_size: 3, logit_bias: { 1: 2 } })).toEqual(['logit_bias', 'no_repeat_ngram']);
  const without = { ...off, frequency_penalty: 1, stages: ['top_k'] };
  const vain = [...front, ...folded].filter((knob) => idle(knob, without));
  expect(vain.map(({ name }) => name)).toEqual(['frequency_penalty']);
});
