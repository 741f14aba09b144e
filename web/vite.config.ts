import { svelte } from '@sveltejs/vite-plugin-svelte';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

const fromHere = (path: string) => fileURLToPath(new URL(path, import.meta.url));

// The model that ships lies beside the page, as it is in the repository.
const model = ['config.json', 'vocab.json', 'merges.txt', 'model.safetensors'];
const modelBesidePage: Plugin = {
  name: 'model-beside-page',
  generateBundle() {
    for (const name of model) {
      const source = readFileSync(fromHere(`../models/shakespeare/${name}`));
      this.emitFile({ type: 'asset', fileName: `models/shakespeare/${name}`, source });
    }
  },
};

export default defineConfig({
  base: './', // any folder of any host
  plugins: [svelte(), modelBesidePage],
  resolve: { alias: { 'decant-wasm': fromHere('../build/wasm/decant.mjs') } },
  worker: { format: 'es' },
  build: { outDir: '../build/web', emptyOutDir: true, target: 'es2022', assetsInlineLimit: 0 },
  test: { include: ['tests/unit/**/*.test.ts'], testTimeout: 60_000 },
});
