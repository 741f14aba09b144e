// The first picture: one step of the model that ships, recorded, which is shown until the engine runs.
// tests/unit/recorded.test.ts makes the file, and compares it with the engine.
import type { Trace, View } from './engine/protocol';
import recorded from './recorded.json';

const { prompt, seed, labels, view } = recorded;
const logits = Float32Array.from(recorded.logits);

const revive = ({ ranks, probabilities, cumulative, size }: typeof view.raw) => ({
  ranks: Float64Array.from(ranks),
  probabilities: Float64Array.from(probabilities),
  cumulative: Float64Array.from(cumulative),
  size,
});

export const recordedPrompt = prompt;
export const recordedSeed = BigInt(seed);
export const recordedSubject = { kind: 'logits' as const, logits, loaded: logits, labels };

export const recordedView: View = {
  trace: view.trace as Trace,
  raw: revive(view.raw),
  final: revive(view.final),
  texts: new Map(),
};
