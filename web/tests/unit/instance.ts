import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Engine } from '../../src/engine/decant';
import { Playground } from '../../src/engine/playground';
import type { ModelFile } from '../../src/engine/playground';

export const fromHere = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export function filesOf(folder: string, names: string[]): ModelFile[] {
  return names.map((name) => ({ name, bytes: new Uint8Array(readFileSync(`${folder}/${name}`)) }));
}

/** The engine in this process, without a model. */
export async function bare(): Promise<Playground> {
  // The module is made for workers: it reads where it was loaded from.
  Object.assign(globalThis, { self: globalThis, location: { href: import.meta.url } });
  const { default: instantiate } = await import('decant-wasm');
  const wasmBinary = readFileSync(fromHere('../../../build/wasm/decant.wasm'));
  return new Playground(new Engine(await instantiate({ wasmBinary })));
}

/** The engine in this process, with the model that ships. */
export async function instance(): Promise<Playground> {
  const playground = await bare();
  const names = ['config.json', 'vocab.json', 'merges.txt', 'model.safetensors'];
  playground.load(filesOf(fromHere('../../../models/shakespeare'), names), 0);
  return playground;
}
