// Where the stages cut the curve of probability by rank.
import type { Settings, View } from './engine/protocol';

export interface Cut {
  name: string;
  /** How many tokens are before the cut; null where the stage does not keep the most probable ones. */
  kept: number | null;
  /** The least probability to stay, on the scale of the final distribution. */
  threshold: number | null;
}

type Key =
  | 'top_k' | 'top_p' | 'min_p' | 'typical_p' | 'epsilon_cutoff' | 'eta_cutoff' | 'top_n_sigma';

const knobs: Record<string, { key: Key; label: string }> = {
  top_k: { key: 'top_k', label: 'k' },
  top_p: { key: 'top_p', label: 'p' },
  min_p: { key: 'min_p', label: 'min-p' },
  typical_p: { key: 'typical_p', label: 'typical' },
  epsilon_cutoff: { key: 'epsilon_cutoff', label: 'epsilon' },
  eta_cutoff: { key: 'eta_cutoff', label: 'eta' },
  top_n_sigma: { key: 'top_n_sigma', label: 'n-sigma' },
};

// Stages that only remove, so that the survivors' probabilities keep their proportions.
const filters = new Set([...Object.keys(knobs), 'no_repeat_ngram', 'constraint']);

export function cuts({ trace, raw }: View, settings: Required<Settings>): Cut[] {
  const { stages } = trace;
  const found: Cut[] = [];
  const survivor = trace.candidates.find(({ probability }) => probability > 0);
  for (const [index, stage] of stages.entries()) {
    const knob = knobs[stage.name];
    if (knob === undefined) continue;
    const rest = stages.slice(index + 1);
    const came = index === 0 ? trace.possible : stages[index - 1]!.kept;
    const before = index === 0 ? raw.probabilities[survivor?.rank ?? -1] : survivor?.probabilities[index - 1];
    const scaled = rest.every(({ name }) => filters.has(name)) && before !== undefined;
    const byMass = stage.name === 'top_k' || stage.name === 'top_p';
    found.push({
      name: `${knob.label} ${settings[knob.key]}`,
      kept: stage.name === 'typical_p' || stage.kept === came ? null : stage.kept,
      threshold:
        scaled && !byMass && stage.threshold !== null
          ? (stage.threshold * survivor!.probability) / before
          : null,
    });
  }
  return found;
}
