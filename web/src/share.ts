// What makes a text again, bit for bit, and its form in an address: readable, and checked when read.
import type { Settings, TokenId } from './engine/protocol';
import { recordedPrompt } from './recorded';
import { chapter, off, peers } from './settings';

/** A token that these settings and this seed would not have drawn, `at` tokens behind the prompt. */
export interface Forced {
  at: number;
  token: TokenId;
}

export interface SharedText {
  /** The file's name; null for the model that ships. */
  model: string | null;
  prompt: string;
  settings: Required<Settings>;
  seed: bigint;
  length: number; // in tokens, without the prompt's
  forced: Forced[];
}

const version = '1';
const longest = 10_000;

/** How a member is read, undefined where it is nonsense; and what it should have been. */
interface Member<Value> {
  read(text: string): Value | undefined;
  what: string;
}

function number(what: string, holds: (x: number) => boolean): Member<number> {
  return {
    what,
    read(text) {
      const x = /^-?[\d.]+(e[-+]?\d+)?$/i.test(text) ? Number(text) : NaN;
      return Number.isFinite(x) && holds(x) ? x : undefined;
    },
  };
}

const whole = (low: number, high: number = Number.MAX_SAFE_INTEGER) =>
  number(
    high === Number.MAX_SAFE_INTEGER
      ? `a whole number from ${low}`
      : `a whole number from ${low} to ${high}`,
    (x) => Number.isSafeInteger(x) && x >= low && x <= high,
  );

const oneOf = <Value extends string>(...values: Value[]): Member<Value> => ({
  what: values.join(' or '),
  read: (text) => values.find((value) => value === text),
});

const list = <Item>(text: string, read: (item: string) => Item | undefined): Item[] | undefined => {
  const items = text === '' ? [] : text.split(',').map(read);
  return items.includes(undefined) ? undefined : (items as Item[]);
};

function pair(text: string): [number, string] | undefined {
  const [key, value, ...more] = text.split(':');
  const index = whole(0).read(key ?? '');
  return index === undefined || value === undefined || more.length > 0 ? undefined : [index, value];
}

const anyNumber = number('a number', () => true);
const notNegative = number('a number from 0', (x) => x >= 0);
const positive = number('a number above 0', (x) => x > 0);
const share = number('a number from 0 to 1', (x) => x >= 0 && x <= 1);
const positiveShare = number('a number above 0, to 1', (x) => x > 0 && x <= 1);
const belowOne = number('a number from 0, below 1', (x) => x >= 0 && x < 1);

// As in decant/sampling.h; what only the engine can judge, it refuses by itself.
const knobs: { [Name in keyof Settings]-?: Member<Required<Settings>[Name]> } = {
  like: oneOf(...peers),
  temperature: notNegative,
  top_k: whole(0),
  top_k_rule: oneOf('ties', 'exact'),
  top_p: positiveShare,
  top_p_rule: oneOf('inclusive', 'exclusive'),
  min_p: share,
  typical_p: positiveShare,
  epsilon_cutoff: belowOne,
  eta_cutoff: belowOne,
  top_n_sigma: notNegative,
  repetition_penalty: positive,
  presence_penalty: anyNumber,
  frequency_penalty: anyNumber,
  penalty_last_n: whole(-1),
  penalize_prompt: {
    what: 'true or false',
    read: (text) => (text === 'true' ? true : text === 'false' ? false : undefined),
  },
  no_repeat_ngram_size: whole(0),
  logit_bias: {
    what: 'pairs ID:X with commas, X a number or -inf',
    read(text) {
      const pairs = list(text, (item) => {
        const [token, bias] = pair(item) ?? [];
        const x = bias === '-inf' ? null : anyNumber.read(bias ?? '');
        return x === undefined ? undefined : ([String(token), x] as const);
      });
      return pairs && Object.fromEntries(pairs);
    },
  },
  stages: {
    what: 'names of stages with commas',
    read: (text) => list(text, (name) => off.stages.find((stage) => stage === name)),
  },
};

const seed: Member<bigint> = {
  what: 'a whole number from 0 to 2^64 - 1',
  read: (text) => (/^\d{1,20}$/.test(text) && BigInt(text) < 1n << 64n ? BigInt(text) : undefined),
};

const forcedTokens: Member<Forced[]> = {
  what: 'pairs PLACE:TOKEN with commas, the places in their order',
  read(text) {
    const forced = list(text, (item) => {
      const [at, rest] = pair(item) ?? [];
      const token = whole(0, 2 ** 31 - 1).read(rest ?? '');
      return at === undefined || token === undefined ? undefined : { at, token };
    });
    const inOrder = forced?.every(({ at }, i) => at < longest && (i === 0 || forced[i - 1]!.at < at));
    return inOrder === true ? forced : undefined;
  },
};

/** The members of `settings` that are not off. */
export function differing(settings: Required<Settings>): Settings {
  const differ = Object.entries(settings).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(off[name as keyof Settings]),
  );
  return Object.fromEntries(differ);
}

export const biases = (settings: Required<Settings>): [token: string, bias: string][] =>
  Object.entries(settings.logit_bias).map(([token, x]) => [token, x === null ? '-inf' : `${x}`]);

/** The fragment of an address, without its #. */
export function toAddress(text: SharedText): string {
  const members = new URLSearchParams({ v: version });
  if (text.model !== null) members.set('model', text.model);
  members.set('prompt', text.prompt);
  members.set('seed', String(text.seed));
  for (const [name, value] of Object.entries(differing(text.settings))) {
    members.set(
      name,
      name === 'logit_bias'
        ? biases(text.settings).map((bias) => bias.join(':')).join(',')
        : String(value),
    );
  }
  if (text.length > 0) members.set('length', String(text.length));
  if (text.forced.length > 0) {
    members.set('forced', text.forced.map(({ at, token }) => `${at}:${token}`).join(','));
  }
  // A fragment may have both as they are.
  return members.toString().replaceAll('%2C', ',').replaceAll('%3A', ':');
}

/** What a fragment says; each member that is nonsense is named in `ignored`, and has no effect. */
export function fromAddress(fragment: string): { text: SharedText; ignored: string[] } {
  const text: SharedText = {
    model: null,
    prompt: recordedPrompt,
    settings: chapter,
    seed: 1n,
    length: 0,
    forced: [],
  };
  const ignored: string[] = [];
  const members = new URLSearchParams(fragment.replace(/^#/, ''));
  if (members.size === 0) return { text, ignored };
  if (members.get('v') !== version) {
    ignored.push(`all of it, because it does not begin with v=${version}, as this page's do`);
    return { text, ignored };
  }
  text.settings = { ...off };

  function take<Value>(name: string, value: string, member: Member<Value>): Value | undefined {
    const read = member.read(value);
    if (read === undefined) ignored.push(`${name}=${value.slice(0, 40)} is not ${member.what}`);
    return read;
  }
  for (const [name, value] of members) {
    if (name === 'v') continue;
    else if (name === 'model') text.model = value;
    else if (name === 'prompt' && value !== '') text.prompt = value;
    else if (name === 'prompt') ignored.push('prompt=, which is empty');
    else if (name === 'seed') text.seed = take(name, value, seed) ?? text.seed;
    else if (name === 'length') text.length = take(name, value, whole(0, longest)) ?? 0;
    else if (name === 'forced') text.forced = take(name, value, forcedTokens) ?? [];
    else if (Object.hasOwn(knobs, name)) {
      const read = take(name, value, knobs[name as keyof Settings] as Member<unknown>);
      if (read !== undefined) Object.assign(text.settings, { [name]: read });
    } else ignored.push(`${name.slice(0, 40)}, which is no member`);
  }
  // A text ends at its last token at the earliest.
  text.length = Math.max(text.length, (text.forced.at(-1)?.at ?? -1) + 1);
  return { text, ignored };
}
