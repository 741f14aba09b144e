// The module and the native program are one engine: same model, settings and seed, same text.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { instance } from './instance';
import type { Settings, TextNode } from '../../src/engine/protocol';

const fromHere = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const program = fromHere('../../../build/decant');

const settings: [string[], Settings][] = [
  [['--temperature', '0'], { temperature: 0 }],
  [['--temperature', '0.8', '--top-k', '50', '--top-p', '0.9'], { temperature: 0.8, top_k: 50, top_p: 0.9 }],
  [['--temperature', '1', '--min-p', '0.05'], { min_p: 0.05 }],
];

describe.skipIf(!existsSync(program))('WebAssembly and native', () => {
  it.each(settings)('write the same 200 tokens: %s', async (options, config) => {
    const playground = await instance();
    const { root } = playground.start('ROMEO:');
    const nodes: TextNode[] = [];
    const keep = (node: TextNode) => nodes.push(node);
    const finish = await playground.generate(root.id, config, 3n, 200, keep, async () => {});
    expect(finish).toEqual({ reason: 'length' });
    const off = ['--top-k', '0', '--top-p', '1'].filter((_, i, all) => !options.includes(all[i - (i % 2)]!));
    const native = execFileSync(
      program,
      ['generate', '--prompt', 'ROMEO:', '--seed', '3', '--max-new-tokens', '200', '--json', '--quiet', ...off, ...options],
      { encoding: 'utf8' },
    );
    expect(nodes.map(({ token }) => token)).toEqual(JSON.parse(native).tokens);
  });
});
