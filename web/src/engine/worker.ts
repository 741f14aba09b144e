/// <reference lib="webworker" />
// The engine's own thread. While a text grows, other requests are answered between two of its tokens.
import instantiate from 'decant-wasm';
import { Engine, Refusal } from './decant';
import { Playground } from './playground';
import type { FromWorker, ModelInfo, RequestName, Requests, TextNode, ToWorker } from './protocol';

declare const self: DedicatedWorkerGlobalScope;

const post = (message: FromWorker) => self.postMessage(message);

// Lets waiting messages in. A timer would be held up for four milliseconds.
const ticks = new MessageChannel();
const breathe = () =>
  new Promise<void>((resolve) => {
    ticks.port1.onmessage = () => resolve();
    ticks.port2.postMessage(null);
  });

type Answers = {
  [Name in RequestName]: (
    ...given: Parameters<Requests[Name]>
  ) => ReturnType<Requests[Name]> | Promise<ReturnType<Requests[Name]>>;
};

function answers(playground: Playground, id: () => number): Answers {
  const announce = (request: number) => (node: TextNode) =>
    post({ kind: 'node', id: request, node });
  return {
    loadShipped: (base) => loadShipped(playground, base, id()),
    loadFiles: async (files, heads) =>
      playground.load(
        await Promise.all(
          files.map(async (file) => ({ name: file.name, bytes: await contents(file) })),
        ),
        heads,
      ),
    encode: (text) => playground.encode(text),
    start: (...given) => playground.start(...given),
    generate: (from, settings, seed, count) =>
      playground.generate(from, settings, seed, count, announce(id()), breathe),
    append: (...given) => playground.append(...given),
    appendTokens: (from, tokens, settings) =>
      playground.appendTokens(from, tokens, settings, announce(id()), breathe),
    look: (...given) => playground.look(...given),
    lookAt: (...given) => playground.lookAt(...given),
    replay: (...given) => playground.replay(...given),
    effective: (settings) => playground.effective(settings),
  };
}

async function loadShipped(playground: Playground, base: string, id: number): Promise<ModelInfo> {
  const names = ['config.json', 'vocab.json', 'merges.txt', 'model.safetensors'];
  const files = [];
  for (const name of names) {
    const url = new URL(name, base);
    const response = await fetch(url).catch(() => {
      throw new Refusal(`${url}: cannot be reached. Reload the page when the connection is back.`);
    });
    if (!response.ok) throw new Refusal(`${url}: the server answers ${response.status}.`);
    files.push({ name, bytes: await received(response, id) });
  }
  return { ...playground.load(files, 0), name: 'Shakespeare' };
}

async function contents(file: File): Promise<Uint8Array> {
  try {
    return new Uint8Array(await file.arrayBuffer());
  } catch {
    throw new Refusal(
      `${file.name}: the browser cannot read it. Is it still there, and is there memory for its ` +
        `${Math.ceil(file.size / 1e6)} MB?`,
    );
  }
}

async function received(response: Response, id: number): Promise<Uint8Array> {
  const total = Number(response.headers.get('content-length') ?? 0);
  const parts: Uint8Array[] = [];
  let loaded = 0;
  const reader = response.body!.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    parts.push(part.value);
    loaded += part.value.length;
    post({ kind: 'progress', id, loaded, total });
  }
  const bytes = new Uint8Array(loaded);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

async function serve(): Promise<void> {
  const engine = new Engine(await instantiate());
  const playground = new Playground(engine);
  let current = 0;
  const handle = answers(playground, () => current) as Record<
    RequestName,
    (...given: unknown[]) => unknown
  >;

  self.onmessage = async ({ data }: MessageEvent<ToWorker>) => {
    if (data.kind === 'pause') return playground.pause();
    current = data.id;
    try {
      post({ kind: 'answer', id: data.id, value: await handle[data.name](...data.arguments) });
    } catch (error) {
      if (!(error instanceof Refusal)) return fail(error);
      post({ kind: 'refusal', id: data.id, message: error.message });
    }
  };
  post({ kind: 'ready' });
}

// A rejected promise would not reach the page by itself.
function fail(error: unknown): void {
  post({ kind: 'failed', message: error instanceof Error ? error.message : String(error) });
}

// Held as long as the worker lives, which is how the page notices its end, whatever the cause.
void navigator.locks?.request(self.name, () => new Promise(() => {}));
serve().catch(fail);
