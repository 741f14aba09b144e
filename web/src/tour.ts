// The guided tour: the chapter's order, one idea a step. It works on the text that is there.
import type { Settings } from './engine/protocol';
import { chapter } from './settings';

export interface Step {
  title: string;
  text: string;
  /** The knobs that are not off. */
  settings: Settings;
  /** Where the needle stands; left out: where the seed puts it. */
  u?: number;
  /** Whether it is about a whole text rather than its first step. */
  wholeText?: boolean;
  /** A selector of what to look at. */
  at: string;
}

const { temperature, top_k, top_p } = chapter;
const chapters: Settings = { temperature, top_k, top_p };

export const tour: Step[] = [
  {
    title: 'Logits',
    text:
      'For each token that it knows, the model gives one number, the logit: the larger, the likelier ' +
      'the token comes next. Everything on this page begins with these numbers. No token is chosen yet.',
    settings: {},
    at: '#curve',
  },
  {
    title: 'Softmax',
    text:
      'Softmax makes probabilities of them: e to the power of each logit, divided by the sum of all, so ' +
      'that they add up to 1. A logit that is larger by 0.7 is about twice as probable. With all knobs ' +
      'off, as now, the two distributions are the same.',
    settings: {},
    at: '#curve',
  },
  {
    title: 'Temperature below 1',
    text:
      'Temperature divides every logit before the softmax. Below 1 the differences grow: the first ' +
      'tokens take from all others. At 0 only the first is left, which is called greedy.',
    settings: { temperature: 0.3 },
    at: '#knobs',
  },
  {
    title: 'Temperature above 1',
    text:
      'Above 1 the differences shrink, and the curve flattens. The tail has few chances for each ' +
      'token, but very many tokens: see what its one row now adds up to.',
    settings: { temperature: 1.8 },
    at: '#curve',
  },
  {
    title: 'Top-k',
    text:
      'Top-k keeps the k most probable tokens, removes the rest, and scales what is left to 1 again. ' +
      'Removed tokens stay in the picture, grey. With k = 1 it is greedy, too.',
    settings: { top_k: 10 },
    at: '#knobs',
  },
  {
    title: 'Top-p, the nucleus',
    text:
      'Top-p goes down the ranking until the probabilities add up to p, and keeps what it has seen. ' +
      'At 1 it does nothing; at 0.5 it keeps only the head.',
    settings: { top_p: 0.9 },
    at: '#knobs',
  },
  {
    title: 'A fixed number or a fixed share',
    text:
      'Top-k keeps as many tokens where the model is sure as where it is not; top-p keeps few or many, ' +
      'as the curve has it. The chapter takes both, one after the other, behind a temperature of 0.8: ' +
      'select other steps of a text, and see which of the two cuts.',
    settings: chapters,
    at: '#curve',
  },
  {
    title: 'Min-p',
    text:
      'Min-p keeps what is at least so many times as probable as the first token. It is strict where ' +
      'one token stands out, and lenient where the curve is flat, also at high temperatures.',
    settings: { temperature: 1.5, min_p: 0.1 },
    at: '#knobs',
  },
  {
    title: 'The draw',
    text:
      'The probabilities that are left are laid end to end from 0 to 1. A number u between 0 and 1, ' +
      'which the seed decides, falls on one of them: that token is drawn. Move the needle to see what ' +
      'other luck would have drawn.',
    settings: chapters,
    u: 0.5,
    at: '[aria-label="The draw"]',
  },
  {
    title: 'A text, and its luck',
    text:
      'To generate is to repeat that: draw a token, append it, ask the model again. Each step keeps ' +
      'its logits and its u, so any of them can be opened again: choose a token of the text.',
    settings: chapters,
    wholeText: true,
    at: '#text',
  },
  {
    title: 'Same luck, other settings',
    text:
      'Now the temperature is 1.4, and every step of the text was drawn again, each with its own u. ' +
      'The tokens that would have come out otherwise are marked. Regenerate from the first of them to ' +
      'read what would have followed.',
    settings: { ...chapters, temperature: 1.4 },
    wholeText: true,
    at: '#text',
  },
  {
    title: 'Another branch',
    text:
      'Open a step, and choose a token that was not drawn: the text branches there, and the old branch ' +
      'is kept. The address of the page has all that it takes to see this very text again. Now it is ' +
      'yours: your prompt, your logits, or the model that you trained.',
    settings: chapters,
    wholeText: true,
    at: '#text',
  },
];
