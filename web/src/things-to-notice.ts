// The chapter's "things to notice", each as the settings that show it.
import type { Settings } from './engine/protocol';
import { off } from './settings';

export interface ThingToNotice {
  title: string;
  sentence: string;
  settings: Required<Settings>;
}

export const thingsToNotice: ThingToNotice[] = [
  {
    title: 'Temperature → 0',
    sentence: 'All probability falls on the first token: every draw is greedy, whatever u is.',
    settings: { ...off, temperature: 0 },
  },
  {
    title: 'Temperature → 2',
    sentence: 'The curve flattens, and unusual tokens get their turn.',
    settings: { ...off, temperature: 2 },
  },
  {
    title: 'Top-k = 1',
    sentence: 'One token is left: greedy again, by another way.',
    settings: { ...off, top_k: 1 },
  },
  {
    title: 'Top-p = 1',
    sentence: 'The nucleus is everything: as if there were no top-p.',
    settings: { ...off, top_p: 1 },
  },
  {
    title: 'Top-p = 0.5, top-k = ∞',
    sentence: 'Only the head is left: the common tokens that hold the first half.',
    settings: { ...off, top_p: 0.5, top_k: 0 },
  },
];
