// What the page shows before the engine has started is what the engine says.
// After a change of the model or the engine: npm test -- recorded --update
import { expect, it } from 'vitest';
import { visible } from '../../src/bytes';
import { chapter, off } from '../../src/settings';
import type { RankCurve } from '../../src/engine/protocol';
import { instance } from './instance';

const prompt = 'ROMEO: my';

it('is recorded from the engine', async () => {
  const playground = await instance();
  const { root } = playground.start(prompt);
  const all = playground.look(root.id, off, 0n, null, 2 ** 31);
  const tokens = [...all.trace.candidates].sort((one, other) => one.token - other.token);
  const logits = Float32Array.from(tokens, ({ logit }) => logit ?? -Infinity);
  const { trace, raw, final } = playground.lookAt(logits, chapter, 0.5, 40);
  const recorded = {
    prompt,
    // Nine digits tell all floats apart.
    logits: Array.from(logits, (logit) => Number(logit.toPrecision(9))),
    labels: tokens.map(({ token }) => visible(all.texts.get(token)!)),
    view: { trace, raw: plain(raw), final: plain(final) },
  };
  expect(Float32Array.from(recorded.logits)).toEqual(logits);
  await expect(`${JSON.stringify(recorded)}\n`).toMatchFileSnapshot('../../src/recorded.json');
});

const plain = ({ ranks, probabilities, cumulative, size }: RankCurve) => ({
  ranks: [...ranks],
  probabilities: [...probabilities],
  cumulative: [...cumulative],
  size,
});
