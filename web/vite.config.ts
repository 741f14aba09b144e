import { svelte } from '@sveltejs/vite-plugin-svelte';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
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

// The service worker is told which files there are, and a version that changes with any of them.
const precacheList: Plugin = {
  name: 'precache-list',
  enforce: 'post',
  generateBundle: {
    order: 'post',
    handler(_, bundle) {
      const worker = bundle['offline.js'];
      if (worker?.type !== 'chunk') throw new Error('offline.js is not in the bundle');
      const fixed = readdirSync(fromHere('public'));
      const hash = createHash('sha256').update(worker.code);
      const files = ['./', ...fixed];
      for (const name of fixed) hash.update(readFileSync(fromHere(`public/${name}`)));
      for (const output of Object.values(bundle)) {
        if (output === worker) continue;
        hash.update(output.fileName).update(output.type === 'chunk' ? output.code : output.source);
        if (output.fileName !== 'index.html') files.push(output.fileName);
      }
      const version = hash.digest('hex').slice(0, 16);
      worker.code = `const precache = ${JSON.stringify({ files, version })};\n${worker.code}`;
    },
  },
};

export default defineConfig({
  base: './', // any folder of any host
  plugins: [svelte(), modelBesidePage, precacheList],
  resolve: { alias: { 'decant-wasm': fromHere('../build/wasm/decant.mjs') } },
  worker: { format: 'es' },
  build: {
    outDir: '../build/web',
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    rolldownOptions: {
      input: { index: fromHere('index.html'), offline: fromHere('src/offline.ts') },
      output: {
        // A service worker rules over its own folder, under a name that stays.
        entryFileNames: ({ name }) => (name === 'offline' ? '[name].js' : 'assets/[name]-[hash].js'),
      },
    },
  },
  test: { include: ['tests/unit/**/*.test.ts'], testTimeout: 60_000 },
});
