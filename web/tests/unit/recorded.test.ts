// What the page shows before the engine has started is what the engine says.
// After a change of the model or the engine: npm test -- recorded --update
import { expect, it } from 'vitest';
import { visible } from '../../src/bytes';
import { chapter, off } from '../../src/settings';
import type { RankCurve } from '../../src/engine/protocol';
import { instance } from './instance';

const prompt = 'ROMEO: my';
// Its luck falls on another token for nearly every strategy.
const seed = 5n;

it('is recorded from the engine', async () => {
  const playground = await instance();
  const { root } = playground.start(playground.encode(prompt));
  const all = playground.look(root.id, off, seed, null, 2 ** 31);
  const tokens = [...all.trace.candidates].sort((one, other) => one.token - other.token);
  const logits = Float32Array.from(tokens, ({ logit }) => logit ?? -Infinity);
  const { trace, raw, final } = playground.lookAt(logits, chapter, all.trace.draw!.u, 40);
  const recorded = {
    prompt,
    seed: String(seed),
    logits: [...logits],
    labels: tokens.map(({ token }) => visible(all.texts.get(token)!)),
    view: { trace, raw: plain(raw), final: plain(final) },
  };
  const json = JSON.stringify(recorded, nineDigits);
  expect(Float32Array.from(JSON.parse(json).logits)).toEqual(logits);
  await expect(`${json}\n`).toMatchFileSnapshot('../../src/recorded.json');
});

// They tell all floats apart, and leave out where doubles were rounded.
const nineDigits = (_: string, value: unknown) =>
  typeof value === 'number' ? Number(value.toPrecision(9)) : value;

const plain = ({ ranks, probabilities, cumulative, size }: RankCurve) => ({
  ranks: [...ranks],
  probabilities: [...probabilities],
  cumulative: [...cumulative],
  size,
});
