import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Engine } from '../../src/engine/decant';
import { Playground } from '../../src/engine/playground';

const fromHere = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The engine in this process, with the model that ships. */
export async function instance(): Promise<Playground> {
  // The module is made for workers: it reads where it was loaded from.
  Object.assign(globalThis, { self: globalThis, location: { href: import.meta.url } });
  const { default: instantiate } = await import('decant-wasm');
  const wasmBinary = readFileSync(fromHere('../../../build/wasm/decant.wasm'));
  const playground = new Playground(new Engine(await instantiate({ wasmBinary })));
  const names = ['config.json', 'vocab.json', 'merges.txt', 'model.safetensors'];
  const folder = fromHere('../../../models/shakespeare/');
  playground.load(
    names.map((name) => ({ name, bytes: new Uint8Array(readFileSync(folder + name)) })),
  );
  return playground;
}
