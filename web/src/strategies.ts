import type { Settings } from './engine/protocol';

/** The settings that are shown side by side on the same logits. */
export const strategies: { name: string; settings: Settings }[] = [
  { name: 'Greedy', settings: { temperature: 0 } },
  { name: 'All of it', settings: {} },
  { name: 'The chapter’s', settings: { temperature: 0.8, top_k: 50, top_p: 0.9 } },
  { name: 'Temperature 0.5', settings: { temperature: 0.5 } },
  { name: 'Temperature 1.5', settings: { temperature: 1.5 } },
  { name: 'Top-k 5', settings: { top_k: 5 } },
  { name: 'Top-k 50', settings: { top_k: 50 } },
  { name: 'Top-p 0.5', settings: { top_p: 0.5 } },
  { name: 'Top-p 0.9', settings: { top_p: 0.9 } },
  { name: 'Min-p 0.05', settings: { min_p: 0.05 } },
  { name: 'Typical 0.9', settings: { typical_p: 0.9 } },
  { name: 'Epsilon 0.001', settings: { epsilon_cutoff: 0.001 } },
  { name: 'Eta 0.002', settings: { eta_cutoff: 0.002 } },
  { name: 'Top-n-sigma 1', settings: { top_n_sigma: 1 } },
];
