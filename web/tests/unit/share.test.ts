import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Settings, TextNode } from '../../src/engine/protocol';
import { toCommandLine, toCpp, toJson } from '../../src/formats';
import type { Recipe } from '../../src/formats';
import { shaped, shapes } from '../../src/logits';
import type { OwnLogits } from '../../src/logits';
import { chapter, off } from '../../src/settings';
import { fromAddress, mostLogits, toAddress, untouched } from '../../src/share';
import type { SharedText } from '../../src/share';
import { fromHere, instance } from './instance';

const base: SharedText = { ...untouched, prompt: 'ROMEO:', seed: 1n };

// Random, but the same in each run (mulberry32).
function generator(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function randomText(random: () => number): SharedText {
  const maybe = <Value>(value: Value, otherwise: Value) => (random() < 0.5 ? value : otherwise);
  const whole = (below: number) => Math.floor(random() * below);
  const settings: Required<Settings> = {
    ...off,
    temperature: maybe(random() * 2, 1),
    top_k: maybe(whole(60000), 0),
    top_k_rule: maybe('exact', 'ties'),
    top_p: maybe(1 - random(), 1),
    top_p_rule: maybe('exclusive', 'inclusive'),
    min_p: maybe(random() / 1e9, 0),
    eta_cutoff: maybe(random(), 0),
    repetition_penalty: maybe(random() + 1e-7, 1),
    presence_penalty: maybe(random() * 4 - 2, 0),
    penalty_last_n: maybe(whole(100), -1),
    penalize_prompt: maybe(false, true),
    logit_bias: maybe({ [whole(50000)]: random() * 9 - 5, [whole(9)]: null }, {}),
    stages: maybe([...off.stages].reverse().slice(whole(12)), off.stages),
  };
  const prompts = ['ROMEO:', 'a&b=c#d%2C%3A+é\n"\'\t', '日本 🙂', ' ', '%', '-x'];
  const placed = (ats: number[]) =>
    ats.filter(() => random() < 0.5).map((at) => ({ at, token: whole(50257) }));
  return {
    model: maybe('out ckpt.pt', null),
    heads: maybe(whole(99) + 1, 0),
    prompt: prompts[whole(prompts.length)]!,
    scored: maybe(prompts[whole(prompts.length)]!, null),
    settings,
    seed: BigInt(whole(2 ** 32)) ** 2n,
    length: 71 + whole(1000),
    forced: placed([0, 3, 4, 70]),
    drawn: placed([1, 5, 69]),
    logits: maybe(randomLogits(random), null),
    step: maybe(whole(70), null),
    u: maybe(random(), null),
  };
}

function randomLogits(random: () => number): OwnLogits {
  const logits = Float32Array.from({ length: 9 }, () => Math.fround(9 / random() - 99));
  logits[4] = -Infinity;
  const labels = random() < 0.5 ? null : [...'"␣,:é{}日x'];
  return { logits, labels };
}

describe('an address', () => {
  it('has a text again, whatever the settings', () => {
    const random = generator(7);
    for (let i = 0; i < 500; ++i) {
      const text = randomText(random);
      expect(fromAddress(`#${toAddress(text)}`)).toEqual({ text, ignored: [] });
    }
  });

  it('says nothing of a prompt that is empty', () => {
    expect(fromAddress(toAddress({ ...base, prompt: '' }))).toEqual({
      text: { ...base, prompt: untouched.prompt },
      ignored: [],
    });
  });

  it('can be read by people', () => {
    const text = { ...base, length: 20, forced: [{ at: 3, token: 198 }] };
    expect(toAddress(text)).toBe(
      'v=1&prompt=ROMEO:&seed=1&temperature=0.8&top_k=50&top_p=0.9&length=20&forced=3:198',
    );
  });

  it('that is empty is the chapter’s settings', () => {
    expect(fromAddress('').text.settings).toEqual(chapter);
    expect(fromAddress('#').ignored).toEqual([]);
  });

  it.each([
    ['temperature=abc', 'temperature'],
    ['temperature=-1', 'temperature'],
    ['temperature=Infinity', 'temperature'],
    ['temperature=', 'temperature'],
    ['top_k=1.5', 'top_k'],
    ['top_k=1e300', 'top_k'],
    ['top_p=0', 'top_p'],
    ['top_p=1.01', 'top_p'],
    ['epsilon_cutoff=1', 'epsilon_cutoff'],
    ['repetition_penalty=0', 'repetition_penalty'],
    ['seed=-1', 'seed'],
    ['seed=18446744073709551616', 'seed'],
    ['seed=0x10', 'seed'],
    ['length=1e9', 'length'],
    ['length=-5', 'length'],
    ['forced=3', 'forced'],
    ['forced=3:1,2:1', 'forced'],
    ['forced=3:1,3:2', 'forced'],
    ['forced=1000000000:1', 'forced'],
    ['forced=1:4294967296', 'forced'],
    ['forced=,', 'forced'],
    ['logit_bias=5', 'logit_bias'],
    ['logit_bias=5:1:2', 'logit_bias'],
    ['logit_bias=__proto__:1', 'logit_bias'],
    ['stages=top_k,nonsense', 'stages'],
    ['like=gpt4', 'like'],
    ['penalize_prompt=1', 'penalize_prompt'],
    ['__proto__=1', '__proto__'],
    ['constructor=1', 'constructor'],
    ['n_head=0', 'n_head'],
    ['n_head=many', 'n_head'],
    ['scored=', 'scored'],
    ['drawn=3', 'drawn'],
    ['logits=1,two', 'logits'],
    [`logits=${'1,'.repeat(1000)}1`, 'logits'],
    ['step=-1', 'step'],
    ['u=1', 'u'],
    ['u=NaN', 'u'],
    ['hum=1', 'hum'],
  ])('names %s, and ignores it', (member, name) => {
    const { text, ignored } = fromAddress(`#v=1&${member}&prompt=still`);
    expect(ignored).toHaveLength(1);
    expect(ignored[0]).toContain(name);
    expect(text).toEqual({ ...untouched, settings: off, prompt: 'still' });
  });

  it('has one token in a place, of two the chosen one', () => {
    const { text } = fromAddress('#v=1&forced=2:5&drawn=1:3,2:4');
    expect([text.forced, text.drawn]).toEqual([[{ at: 2, token: 5 }], [{ at: 1, token: 3 }]]);
  });

  it('leaves out logits that are too many for it', () => {
    const long = shaped(shapes.find(({ name }) => name === 'Long tail')!);
    expect(long.length).toBeGreaterThan(mostLogits);
    expect(toAddress({ ...base, logits: { logits: long, labels: null } })).toBe(toAddress(base));
  });

  it('of another kind is ignored whole', () => {
    for (const fragment of ['#v=2&prompt=x', '#prompt=x', '#top', `#${'%'.repeat(99)}`]) {
      const { text, ignored } = fromAddress(fragment);
      expect(ignored).toHaveLength(1);
      expect(text.settings).toEqual(chapter);
    }
  });
});

const program = fromHere('../../../build/decant');

const drawnBehind = (text: SharedText, slides = false): Recipe => ({
  text,
  given: { text: text.prompt, tokens: 0 },
  slides,
});

const native: [string, Partial<SharedText>][] = [
  ['the chapter’s', { length: 100, seed: 3n }],
  ['a prompt for the shell', { prompt: "--it's \"$HOME\"\n`ls`", length: 30 }],
  ['biases and stages', {
    length: 50,
    settings: {
      ...off,
      min_p: 0.02,
      logit_bias: { 198: null, 11: -2.5 },
      stages: ['logit_bias', 'min_p', 'temperature'],
    },
  }],
  ['penalties, a large seed', {
    length: 60,
    seed: 2n ** 64n - 1n,
    settings: { ...off, repetition_penalty: 1.3, frequency_penalty: -0.1, penalty_last_n: 20 },
  }],
  ['past the window', { length: 300, settings: { ...off, temperature: 0.7 } }],
];

describe.skipIf(!existsSync(program))('the command line', () => {
  async function compare(text: SharedText): Promise<void> {
    const playground = await instance();
    const { root, prompt } = playground.start(playground.encode(text.prompt));
    const nodes: TextNode[] = [];
    const keep = (node: TextNode) => nodes.push(node);
    await playground.generate(root.id, text.settings, text.seed, text.length, keep, async () => {});
    const slides = prompt.length + text.length > 256;
    const { line, cannot } = toCommandLine(drawnBehind(text, slides));
    expect(cannot).toEqual([]);
    const json = execFileSync('bash', ['-c', `${line} --json --quiet`], {
      cwd: fromHere('../../..'),
      encoding: 'utf8',
    });
    expect(JSON.parse(json).tokens).toEqual(nodes.map(({ token }) => token));
  }

  it.each(native)('has the same text: %s', (_, changes) => compare({ ...base, ...changes }));

  it.each(['hf', 'llama.cpp', 'vllm', 'openai', 'generate.py'])('has the same text like %s', async (like) => {
    const settings = (await instance()).effective({ like });
    await compare({ ...base, settings, length: 40 });
  });

  it('says what it has no option for', () => {
    const settings: Required<Settings> = { ...off, top_k_rule: 'exact', penalize_prompt: false };
    const forced = [{ at: 2, token: 7 }];
    const text = { ...base, settings, length: 9, forced, drawn: [{ at: 0, token: 1 }] };
    expect(toCommandLine(drawnBehind(text)).cannot).toEqual([
      'top_k_rule exact',
      'penalize_prompt false',
      'the tokens that these settings did not draw (token 1, 3)',
    ]);
  });

  it('scores a given text, and goes on behind it with the same luck', async () => {
    const scored = 'To be, or not to be';
    const playground = await instance();
    const tokens = playground.encode(scored);
    const { root } = playground.start(tokens.slice(0, 1));
    const nodes: TextNode[] = [];
    const keep = (node: TextNode) => nodes.push(node);
    await playground.appendTokens(root.id, tokens.slice(1), chapter, keep, async () => {});
    const given = { text: scored, tokens: nodes.length };
    const run = (options: string) => {
      const text = { ...base, scored, seed: 3n, length: nodes.length };
      const { line, cannot } = toCommandLine({ text, given, slides: false });
      expect(cannot).toEqual([]);
      const command = ['-c', `${line} --quiet ${options}`];
      return execFileSync('bash', command, { cwd: fromHere('../../..'), encoding: 'utf8' });
    };
    const table = run('');
    for (const { report } of nodes) expect(table).toContain(report!.logprob.toFixed(3));
    await playground.generate(nodes.at(-1)!.id, chapter, 3n, 20, keep, async () => {});
    expect(JSON.parse(run('--json')).tokens).toEqual(nodes.slice(-20).map(({ token }) => token));
  });

  it('has the heads that were given by hand', () => {
    const fixture = fromHere('../../../tests/fixtures/course_plain/model.pt');
    const text = { ...base, model: fixture, heads: 2, length: 1 };
    const { line } = toCommandLine(drawnBehind(text));
    const inspect = line.replace(/generate (--model \S+ --n-head \S+).*/, 'inspect $1 --json');
    const json = execFileSync('bash', ['-c', inspect], {
      cwd: fromHere('../../..'),
      encoding: 'utf8',
    });
    expect(JSON.parse(json).config.n_head).toBe(2);
    expect(toCpp(drawnBehind(text))).toContain('model.pt", {.n_head = 2})');
  });
});

describe('other forms', () => {
  it('C++ names its fields in the order of their declaration', () => {
    const settings: Required<Settings> = {
      ...chapter,
      like: 'hf',
      top_k_rule: 'exact',
      logit_bias: { 3: null },
      stages: ['top_k'],
    };
    const cpp = toCpp(drawnBehind({ ...base, settings, prompt: 'é"?' }, true));
    expect(cpp).toContain(`    .like = "hf",
    .temperature = 0.8,
    .top_k = 50,
    .top_k_rule = decant::TopKRule::kExact,
    .top_p = 0.9,
    .logit_bias = {{3, -std::numeric_limits<double>::infinity()}},
    .stages = {"top_k"},
`);
    expect(cpp).toContain('encode("\\303\\251\\"\\077")');
    expect(cpp).toContain('.context = decant::ContextPolicy::kSlide');
  });

  it('JSON is what the pipeline reads', async () => {
    const playground = await instance();
    expect(playground.effective(JSON.parse(toJson(chapter)))).toEqual(chapter);
  });
});
