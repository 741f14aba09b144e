import { describe, expect, it } from 'vitest';
import { branches } from '../../src/branches';
import { classNames, classOf, measures } from '../../src/measures';
import type { TextNode, TokenReport } from '../../src/engine/protocol';

const report: TokenReport = { logprob: -1, rank: 0, massBefore: 0, entropy: 1, finalLogprob: -1 };

const tree = (parents: (number | null)[]): Map<number, TextNode> =>
  new Map(
    parents.map((parent, id) => [
      id,
      {
        id,
        parent,
        token: id,
        bytes: new Uint8Array(),
        forced: false,
        report: parent === null ? null : { ...report, logprob: -id },
      },
    ]),
  );

describe('branches', () => {
  it('are the ends of the tree, each from where it leaves those before it', () => {
    //  0 ─ 1 ─ 2 ─ 3
    //       \─ 4 ─ 5
    //           \─ 6
    expect(branches(tree([null, 0, 1, 2, 1, 4, 4]))).toEqual([
      { end: 3, first: 2 - 1, shared: 0, length: 3, logprob: -6 },
      { end: 5, first: 4, shared: 1, length: 3, logprob: -10 },
      { end: 6, first: 6, shared: 2, length: 3, logprob: -11 },
    ]);
  });

  it('are none where there is only the prompt', () => {
    expect(branches(tree([null]))).toEqual([]);
  });
});

describe('measures', () => {
  it.each(measures)('put every value into one of seven classes: $name', (measure) => {
    expect(classNames(measure)).toHaveLength(7);
    let before = 0;
    for (const logprob of [-1e-9, -0.1, -0.5, -1, -2, -4, -8, -40]) {
      const seen = classOf(measure, { ...report, logprob, entropy: -logprob, rank: -logprob * 9 });
      expect(seen).toBeGreaterThanOrEqual(before);
      expect(seen).toBeLessThanOrEqual(6);
      before = seen;
    }
  });

  it('know what the stages removed', () => {
    const change = measures.find(({ name }) => name.startsWith('change'))!;
    expect(classOf(change, { ...report, finalLogprob: -Infinity })).toBe(6);
    expect(classOf(change, { ...report, logprob: -9, finalLogprob: 0 })).toBe(5);
    expect(change.text(-0.25)).toBe('−0.25 nats');
  });

  it('take surprise in nats, as the program does', () => {
    expect(measures[0]!.of({ ...report, logprob: Math.log(1 / 8) })).toBeCloseTo(Math.log(8), 12);
  });
});
