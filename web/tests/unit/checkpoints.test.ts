// What a reader may drop onto the page, and what they are told where it is no model.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { ModelFile } from '../../src/engine/playground';
import { bare, filesOf, fromHere, instance } from './instance';

const fixtures = fromHere('../../../tests/fixtures');
const text = new TextEncoder();

// As many characters as the fixtures have tokens.
const alphabet = (count: number): ModelFile => ({
  name: 'input.txt',
  bytes: text.encode([...Array(count).keys()].map((i) => String.fromCodePoint(33 + i)).join('')),
});

interface Case {
  name: string;
  config: { vocab_size: number; n_head: number; n_layer: number };
}
const cases = JSON.parse(readFileSync(`${fixtures}/cases.json`, 'utf8')) as Case[];
const { config } = cases.find(({ name }) => name === 'nanogpt_bias')!;

describe('a dropped checkpoint', () => {
  it('is opened, with the text whose characters are its tokens', async () => {
    const playground = await bare();
    const files = [...filesOf(`${fixtures}/nanogpt_bias`, ['ckpt.pt']), alphabet(config.vocab_size)];
    const info = playground.load(files, 0);
    expect(info).toMatchObject({
      name: 'ckpt.pt',
      vocabSize: config.vocab_size,
      heads: config.n_head,
      layers: config.n_layer,
    });
    const { prompt } = playground.start(playground.encode('!#"'));
    expect(prompt.map(({ token }) => token)).toEqual([0, 2, 1]);
  });

  it('has the heads that the reader says, where it does not say', async () => {
    const playground = await bare();
    const files = () => [...filesOf(`${fixtures}/course_plain`, ['model.pt']), alphabet(97)];
    expect(() => playground.load(files(), 0)).toThrow('does not tell its number of heads');
    expect(playground.load(files(), 2).heads).toBe(2);
  });

  it('needs a tokenizer, and says which', async () => {
    const playground = await bare();
    expect(() => playground.load(filesOf(`${fixtures}/nanogpt_bias`, ['ckpt.pt']), 0)).toThrow(
      'drop its tokenizer together with it',
    );
  });

  it('that is none leaves what there was', async () => {
    const playground = await instance();
    const before = playground.start(playground.encode('ROMEO:')).root;
    const bad: [ModelFile[], string][] = [
      [[{ name: 'photo.png', bytes: text.encode('x') }], 'No checkpoint among these files'],
      [[{ name: 'model.pt', bytes: text.encode('hello') }], 'model.pt'],
      [[{ name: 'model.safetensors', bytes: new Uint8Array(3) }], 'model.safetensors'],
      [
        [...filesOf(`${fixtures}/nanogpt_bias`, ['ckpt.pt']), alphabet(12)],
        'input.txt has 12 different characters, and the model 97 tokens',
      ],
      [[{ name: 'a/../../b.pt', bytes: new Uint8Array() }], 'b.pt'],
    ];
    for (const [files, what] of bad) expect(() => playground.load(files, 0)).toThrow(what);
    expect(playground.append(before.id, 198, {}).parent).toBe(before.id);
  });
});

describe('a model that does not fit', () => {
  it('is refused by name, and leaves the page what it had', async () => {
    const playground = await instance();
    const before = playground.start(playground.encode('ROMEO:')).root;
    // All that a page may have is taken, but for a little.
    const { module } = playground.engine;
    const taken: number[] = [];
    for (let size = 2 ** 28; size >= 2 ** 20; ) {
      const pointer = module._malloc!(size);
      if (pointer === 0) size /= 2;
      else taken.push(pointer);
    }
    const names = ['config.json', 'vocab.json', 'merges.txt', 'model.safetensors'];
    const files = () => filesOf(fromHere('../../../models/shakespeare'), names);
    expect(() => playground.load(files(), 0)).toThrow(
      /^model.safetensors: .*memory.*decant convert --dtype q8/,
    );
    for (const pointer of taken.splice(0, 4)) module._free!(pointer);
    expect(playground.append(before.id, 198, {}).parent).toBe(before.id);
    for (const pointer of taken) module._free!(pointer);
    expect(playground.load(files(), 0).vocabSize).toBe(1024);
  });
});
