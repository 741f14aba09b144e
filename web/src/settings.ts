// The knobs' values that have names.
import type { Settings } from './engine/protocol';

/** Every knob at its off-value: decant/sampling.h's SamplingConfig as it is made. */
export const off: Required<Settings> = {
  like: '',
  temperature: 1,
  top_k: 0,
  top_k_rule: 'ties',
  top_p: 1,
  top_p_rule: 'inclusive',
  min_p: 0,
  typical_p: 1,
  epsilon_cutoff: 0,
  eta_cutoff: 0,
  top_n_sigma: 0,
  repetition_penalty: 1,
  presence_penalty: 0,
  frequency_penalty: 0,
  penalty_last_n: -1,
  penalize_prompt: true,
  no_repeat_ngram_size: 0,
  logit_bias: {},
  stages: [
    'logit_bias',
    'constraint',
    'penalties',
    'no_repeat_ngram',
    'temperature',
    'top_k',
    'top_p',
    'min_p',
    'typical_p',
    'epsilon_cutoff',
    'eta_cutoff',
    'top_n_sigma',
  ],
};

// The stage that reads a knob, where the two have not one name.
const stages: { [Name in keyof Settings]?: string } = {
  top_k_rule: 'top_k',
  top_p_rule: 'top_p',
  repetition_penalty: 'penalties',
  presence_penalty: 'penalties',
  frequency_penalty: 'penalties',
  penalty_last_n: 'penalties',
  penalize_prompt: 'penalties',
  no_repeat_ngram_size: 'no_repeat_ngram',
};

export const stageOf = (knob: keyof Settings): string => stages[knob] ?? knob;

/** Knobs that say how others act, and by themselves do nothing. */
export const rules: (keyof Settings)[] = [
  'top_k_rule',
  'top_p_rule',
  'penalty_last_n',
  'penalize_prompt',
];

/** The systems whose settings `like` takes over. */
export const peers = ['hf', 'llama.cpp', 'vllm', 'openai', 'generate.py'];

/** The chapter's settings, and the program's defaults. */
export const chapter: Required<Settings> = { ...off, temperature: 0.8, top_k: 50, top_p: 0.9 };
