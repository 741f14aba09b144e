// What the panel derives from a view: sums and order, which must fit what the engine itself says.
import { describe, expect, it } from 'vitest';
import { rowsOf, segmentsOf, tailOf } from '../../src/candidates';
import { cuts } from '../../src/cuts';
import { shaped, shapes } from '../../src/logits';
import { chapter, off } from '../../src/settings';
import { instance } from './instance';

const logits = shaped(shapes.find(({ name }) => name === 'Long tail')!);
const playground = await instance();

describe('a view', () => {
  it.each([0, 0.3, 0.8])('has the drawn token where u = %f falls', (u) => {
    const view = playground.lookAt(logits, chapter, u, 40);
    const segment = segmentsOf(view)[view.trace.draw!.rank]!;
    expect(segment.token).toBe(view.trace.draw!.token);
    expect(segment.begin).toBeCloseTo(view.trace.draw!.begin, 6);
    expect(segment.end).toBeCloseTo(view.trace.draw!.end, 6);
  });

  it('sums what it does not list', () => {
    const view = playground.lookAt(logits, { top_k: 5 }, 0.5, 40);
    const tail = tailOf(rowsOf(view, null, 40), view, null);
    expect(tail.raw).toBeCloseTo(view.trace.others_probability, 9);
    expect(tail.final).toBe(0);
  });

  it('lists the drawn token wherever it is', () => {
    const view = playground.lookAt(logits, { ...off }, 0.5, 40);
    const { token } = view.trace.draw!;
    expect(rowsOf(view, null, 3).map((row) => row.token)).toEqual([0, 1, 2, token]);
  });

  it('puts the cut of min-p between the least survivor and nothing', () => {
    const settings = { ...off, min_p: 0.05 };
    const view = playground.lookAt(logits, settings, 0.5, 40);
    const [cut] = cuts(view, settings);
    expect(cut).toMatchObject({ name: 'min-p 0.05', kept: view.trace.survivors });
    expect(cut!.threshold).toBeLessThanOrEqual(view.final.probabilities.at(-1)!);
    expect(cut!.threshold).toBeCloseTo(0.05 * view.final.probabilities[0]!, 9);
  });
});
