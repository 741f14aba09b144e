// What makes a text again, bit for bit, and its form in an address: readable, and checked when read.
import type { Settings, TokenId } from './engine/protocol';
import { folded, front, parse, parseSeed } from './knobs';
import type { KnobName } from './knobs';
import { parseLogits, writeLogits } from './logits';
import type { OwnLogits } from './logits';
import { recordedPrompt, recordedSeed } from './recorded';
import { chapter, off, peers } from './settings';

/** The token that a text has `at` tokens behind its first, where drawing would not bring it. */
export interface Placed {
  at: number;
  token: TokenId;
}

export interface SharedText {
  /** The file's name; null for the model that ships. */
  model: string | null;
  /** The number of heads where it was given by hand; 0: as the file says. */
  heads: number;
  prompt: string;
  /** A text that was given to be scored: it stands in place of the prompt and of what is drawn. */
  scored: string | null;
  settings: Required<Settings>;
  seed: bigint;
  length: number; // in tokens, without the prompt's, or without the scored text's first
  /** Chosen by the reader. */
  forced: Placed[];
  /** Drawn with other settings, or another seed. */
  drawn: Placed[];
  /** What the curve shows: logits of the reader's or, if there are none, a step; null: the last. */
  logits: OwnLogits | null;
  step: number | null;
  /** Where the reader put the needle; null: where the seed has it. */
  u: number | null;
}

/** What an address without anything says. */
export const untouched: SharedText = {
  model: null,
  heads: 0,
  prompt: recordedPrompt,
  scored: null,
  settings: chapter,
  seed: recordedSeed,
  length: 0,
  forced: [],
  drawn: [],
  logits: null,
  step: null,
  u: null,
};

/** How many tokens a text of the page has at most, so that every one of them can be made again. */
export const longest = 10_000;
/** How many logits an address holds. */
export const mostLogits = 1000;

const version = '1';

/** How a member is read, undefined where it is nonsense; and what it must be. */
interface Member<Value> {
  read(text: string): Value | undefined;
  must: string;
}

const number = (must: string, takes: (x: number) => boolean): Member<number> => ({
  must,
  read(text) {
    const x = parse(text);
    return x !== null && takes(x) ? x : undefined;
  },
});

const whole = (low: number, high: number) =>
  number(`a whole number from ${low} to ${high}`, (x) => Number.isInteger(x) && x >= low && x <= high);

const oneOf = <Value extends string>(...values: Value[]): Member<Value> => ({
  must: values.join(' or '),
  read: (text) => values.find((value) => value === text),
});

const list = <Item>(text: string, read: (item: string) => Item | undefined): Item[] | undefined => {
  const items = text === '' ? [] : text.split(',').map(read);
  return items.includes(undefined) ? undefined : (items as Item[]);
};

const index = whole(0, 2 ** 31 - 1);

function pair(text: string): [number, string] | undefined {
  const [key, value, ...more] = text.split(':');
  const first = index.read(key ?? '');
  return first === undefined || value === undefined || more.length > 0 ? undefined : [first, value];
}

// What only the engine can judge, it refuses by itself.
const knobs: { [Name in keyof Settings]-?: Member<Required<Settings>[Name]> } = {
  ...(Object.fromEntries(
    [...front, ...folded].map(({ name, must, takes }) => [name, number(must, takes)]),
  ) as Record<KnobName, Member<number>>),
  like: oneOf(...peers),
  top_k_rule: oneOf('ties', 'exact'),
  top_p_rule: oneOf('inclusive', 'exclusive'),
  penalize_prompt: {
    must: 'true or false',
    read: (text) => (text === 'true' ? true : text === 'false' ? false : undefined),
  },
  logit_bias: {
    must: 'pairs ID:X with commas, X a number or -inf',
    read(text) {
      const pairs = list(text, (item) => {
        const [token, bias] = pair(item) ?? [];
        const x = bias === '-inf' ? null : (parse(bias ?? '') ?? undefined);
        return x === undefined ? undefined : ([String(token), x] as const);
      });
      return pairs && Object.fromEntries(pairs);
    },
  },
  stages: {
    must: 'names of stages with commas',
    read: (text) => list(text, (name) => off.stages.find((stage) => stage === name)),
  },
};

const seed: Member<bigint> = {
  must: 'a whole number from 0 to 2^64 - 1',
  read: (text) => parseSeed(text) ?? undefined,
};

const placed: Member<Placed[]> = {
  must: 'pairs PLACE:TOKEN with commas, the places in their order',
  read(text) {
    const tokens = list(text, (item) => {
      const [at, rest] = pair(item) ?? [];
      const token = index.read(rest ?? '');
      return at === undefined || token === undefined ? undefined : { at, token };
    });
    const inOrder = tokens?.every(({ at }, i) => at < longest && (i === 0 || tokens[i - 1]!.at < at));
    return inOrder === true ? tokens : undefined;
  },
};

const uniform = number('a number from 0, below 1', (x) => x >= 0 && x < 1);

const ownLogits: Member<OwnLogits> = {
  must: `at most ${mostLogits} numbers, or a JSON object of tokens and logits`,
  read(text) {
    try {
      const own = parseLogits(text);
      return own.logits.length <= mostLogits ? own : undefined;
    } catch {
      return undefined;
    }
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

/** The members that are not off, as they are written. */
export const spelled = (settings: Required<Settings>): [name: string, value: string][] =>
  Object.entries(differing(settings)).map(([name, value]) => [
    name,
    name === 'logit_bias'
      ? biases(settings).map((bias) => bias.join(':')).join(',')
      : String(value),
  ]);

/** The fragment of an address, without its #. */
export function toAddress(text: SharedText): string {
  const members = new URLSearchParams({ v: version });
  const say = (name: string, value: string | number | bigint | null): void => {
    if (value !== null) members.set(name, String(value));
  };
  const place = (name: string, tokens: Placed[]): void => {
    if (tokens.length > 0) say(name, tokens.map(({ at, token }) => `${at}:${token}`).join(','));
  };
  say('model', text.model);
  if (text.heads > 0) say('n_head', text.heads);
  if (text.prompt !== '') say('prompt', text.prompt);
  say('scored', text.scored);
  say('seed', text.seed);
  for (const [name, value] of spelled(text.settings)) say(name, value);
  if (text.length > 0) say('length', text.length);
  place('forced', text.forced);
  place('drawn', text.drawn);
  if (text.logits !== null && text.logits.logits.length <= mostLogits) {
    say('logits', writeLogits(text.logits));
  }
  say('step', text.step);
  say('u', text.u);
  // A fragment may have both as they are.
  return members.toString().replaceAll('%2C', ',').replaceAll('%3A', ':');
}

/** What a fragment says; each member that is nonsense is named in `ignored`, and has no effect. */
export function fromAddress(fragment: string): { text: SharedText; ignored: string[] } {
  const text = { ...untouched };
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
    if (read === undefined) ignored.push(`${name}=${value.slice(0, 40)}, which must be ${member.must}`);
    return read;
  }
  for (const [name, value] of members) {
    if (name === 'v') continue;
    else if (name === 'model') text.model = value;
    else if (name === 'n_head') text.heads = take(name, value, whole(1, 2 ** 16)) ?? 0;
    else if ((name === 'prompt' || name === 'scored') && value !== '') text[name] = value;
    else if (name === 'prompt' || name === 'scored') ignored.push(`${name}=, which is empty`);
    else if (name === 'seed') text.seed = take(name, value, seed) ?? text.seed;
    else if (name === 'length') text.length = take(name, value, whole(0, longest)) ?? 0;
    else if (name === 'forced' || name === 'drawn') text[name] = take(name, value, placed) ?? [];
    else if (name === 'logits') text.logits = take(name, value, ownLogits) ?? null;
    else if (name === 'step') text.step = take(name, value, whole(0, longest)) ?? null;
    else if (name === 'u') text.u = take(name, value, uniform) ?? null;
    else if (Object.hasOwn(knobs, name)) {
      const read = take(name, value, knobs[name as keyof Settings] as Member<unknown>);
      if (read !== undefined) Object.assign(text.settings, { [name]: read });
    } else ignored.push(`${name.slice(0, 40)}, which is no member`);
  }
  // A text ends at its last token at the earliest, and each place has one token.
  text.drawn = text.drawn.filter(({ at }) => text.forced.every((other) => other.at !== at));
  const ends = [...text.forced, ...text.drawn].map(({ at }) => at + 1);
  text.length = Math.max(text.length, ...ends);
  return { text, ignored };
}
