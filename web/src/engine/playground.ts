// A model, and the trees of texts that were made with it. Every place in a tree keeps the logits of what
// could come next, so that any step can be looked at again, through any settings.
import { smaller } from '../limits';
import { rankCurve } from './curve';
import { Logits, Model, Pipeline, Refusal, Session, Tokenizer } from './decant';
import type { Engine, History } from './decant';
import type {
  Finish,
  ModelInfo,
  NodeId,
  RankCurve,
  Replayed,
  Settings,
  TextNode,
  TokenId,
  Trace,
  View,
} from './protocol';

/** A file of a model, by its name. */
export interface ModelFile {
  name: string;
  bytes: Uint8Array;
}

interface Place {
  node: TextNode;
  prompt: TokenId[]; // its tree's
  logits: Logits;
  raw: RankCurve | null; // what `logits` are without settings, once it was asked for
}

const folder = '/model';

/** The characters of a text as Python reads it, in the order of their numbers. */
function characters(text: Uint8Array): string[] {
  const read = new TextDecoder('utf-8', { ignoreBOM: true }).decode(text);
  const all = [...new Set(read.replaceAll('\r\n', '\n'))];
  return all.sort((one, other) => one.codePointAt(0)! - other.codePointAt(0)!);
}

function sizeNotes(model: number, tokenizer: number): string[] {
  if (tokenizer < model) {
    return [`The model has ${model} ids and the tokenizer ${tokenizer}: the others are never drawn.`];
  }
  if (tokenizer > model) {
    return [`The tokenizer has ${tokenizer} ids and the model ${model}: is it the one of this model?`];
  }
  return [];
}

/** The library's words name its own folder, and the program's options. */
function forThePage(message: string): string {
  const said = message
    .replaceAll(`${folder}/`, '')
    .replace('give --n-head', 'drop a config.json with its "n_head" together with it');
  if (!/memory/i.test(said)) return said;
  return `${said.replace(/\.$/, '')}. A page has 4 GB at most. ${smaller}`;
}

const noHistory: History = { tokens: [], promptSize: 0 };

/** Where the window of a text begins: as with `--context slide`, its older half goes whenever it is full. */
function windowStart(prompt: number, length: number, capacity: number): number {
  let start = Math.max(0, prompt - capacity);
  for (let now = prompt + 1; now <= length; ++now) {
    if (now - start > capacity) start = now - Math.max(1, Math.floor(capacity / 2));
  }
  return start;
}

function equal(one: Float32Array, other: Float32Array): boolean {
  return one.length === other.length && one.every((value, i) => value === other[i]);
}

export class Playground {
  private tokenizer: Tokenizer | null = null;
  private model: Model | null = null;
  private session: Session | null = null;
  private held: TokenId[] = []; // what the session has seen
  private places: (Place | undefined)[] = []; // by id; undefined where the tree is gone
  private pausing = false;
  private own: { values: Float32Array; logits: Logits; raw: RankCurve } | null = null;

  constructor(readonly engine: Engine) {
    engine.module.FS.mkdirTree(folder);
  }

  /** Replaces the model and its tokenizer, or keeps both where the files are no model. */
  load(files: ModelFile[], heads: number): ModelInfo {
    const { FS } = this.engine.module;
    try {
      const checkpoints = files.filter(({ name }) => /\.(pt|pth|bin|safetensors)$/i.test(name));
      if (checkpoints.length === 0) {
        throw new Refusal(
          'No checkpoint among these files: drop a .pt, .pth, .bin or .safetensors.',
        );
      }
      for (const { name, bytes } of files) {
        FS.writeFile(`${folder}/${name}`, bytes, { canOwn: true });
      }
      const single = checkpoints.length === 1;
      const path = single ? `${folder}/${checkpoints[0]!.name}` : folder;
      const made: { destroy(): void }[] = [];
      const keep = <Thing extends { destroy(): void }>(thing: Thing): Thing => {
        made.push(thing);
        return thing;
      };
      try {
        const model = keep(Model.open(this.engine, path, heads));
        const tokenizer = keep(this.openTokenizer(model.info.vocabSize, files));
        const session = keep(new Session(this.engine, model));
        const notes = [...model.info.notes, ...sizeNotes(model.info.vocabSize, tokenizer.vocabSize())];
        this.replace(model, tokenizer, session);
        return { ...model.info, name: checkpoints[0]!.name, notes };
      } catch (error) {
        for (const thing of made.reverse()) thing.destroy();
        if (error instanceof Refusal) throw new Refusal(forThePage(error.message));
        throw error;
      }
    } finally {
      for (const name of FS.readdir(folder)) {
        if (name !== '.' && name !== '..') FS.unlink(`${folder}/${name}`);
      }
    }
  }

  private openTokenizer(vocabSize: number, files: ModelFile[]): Tokenizer {
    // 50,304 is 50,257 rounded up to a multiple of 64, as nanoGPT does for speed.
    const gpt2 = vocabSize === 50257 || vocabSize === 50304;
    try {
      return Tokenizer.load(this.engine, folder);
    } catch (error) {
      if (gpt2) return Tokenizer.gpt2(this.engine);
      if (files.some(({ name }) => /^(tokenizer|vocab|encoder|chars|meta)\b/.test(name))) throw error;
    }
    const text = files.find(({ name }) => /\.txt$/i.test(name));
    if (text !== undefined) return this.charactersOf(text, vocabSize);
    throw new Refusal(
      `The model has ${vocabSize} tokens, which is not GPT-2's vocabulary: drop its tokenizer together ` +
        'with it (tokenizer.json, vocab.json and merges.txt, or meta.pkl), or, where tokens are ' +
        'characters, the text that it was trained on (.txt).',
    );
  }

  private charactersOf({ name, bytes }: ModelFile, vocabSize: number): Tokenizer {
    const all = characters(bytes);
    if (all.length !== vocabSize) {
      throw new Refusal(
        `${name} has ${all.length} different characters, and the model ${vocabSize} tokens: drop the ` +
          'text that it was trained on.',
      );
    }
    const path = `${folder}/chars.json`;
    const json = new TextEncoder().encode(JSON.stringify(all));
    this.engine.module.FS.writeFile(path, json, { canOwn: true });
    return Tokenizer.load(this.engine, path);
  }

  private replace(model: Model, tokenizer: Tokenizer, session: Session): void {
    this.clear();
    this.session?.destroy();
    this.tokenizer?.destroy();
    this.model?.destroy();
    this.model = model;
    this.tokenizer = tokenizer;
    this.session = session;
    this.held = [];
  }

  // Numbers are not given twice: a text that still grows must not go on in another tree.
  private clear(...kept: TokenId[][]): void {
    this.places.forEach((place, id) => {
      if (place === undefined || kept.includes(place.prompt)) return;
      place.logits.free();
      this.places[id] = undefined;
    });
  }

  encode(text: string): TokenId[] {
    return this.ready().tokenizer.encode(text);
  }

  start(
    tokens: TokenId[],
    kept: NodeId | null = null,
  ): { root: TextNode; prompt: { token: TokenId; bytes: Uint8Array }[] } {
    const { tokenizer } = this.ready();
    if (tokens.length === 0) throw new Refusal('The prompt is empty: write at least one character.');
    const token = tokens.at(-1)!;
    const bytes = tokenizer.bytes(token);
    const root = this.add({ parent: null, token, bytes, forced: true, report: null }, tokens);
    this.clear(tokens, ...(kept === null ? [] : [this.place(kept).prompt]));
    return { root, prompt: tokens.map((id) => ({ token: id, bytes: tokenizer.bytes(id) })) };
  }

  /** Ends the generate() or appendTokens() that is under way, before its next token. */
  pause(): void {
    this.pausing = true;
  }

  async generate(
    from: NodeId,
    settings: Settings,
    seed: bigint,
    count: number,
    announce: (node: TextNode) => void,
    breathe: () => Promise<void>,
  ): Promise<Finish> {
    const { tokenizer } = this.ready();
    const end = tokenizer.endOfText();
    return this.grow(from, settings, announce, breathe, (at, pipeline, grown) => {
      if (grown >= count) return { reason: 'length' };
      const history = this.history(at);
      const draw = pipeline.sample(this.place(at).logits, history, seed, history.tokens.length);
      if (draw.token === end) return { reason: 'end_of_text' };
      return { token: draw.token, forced: false };
    });
  }

  async appendTokens(
    from: NodeId,
    tokens: TokenId[],
    settings: Settings,
    announce: (node: TextNode) => void,
    breathe: () => Promise<void>,
  ): Promise<Finish> {
    return this.grow(from, settings, announce, breathe, (_, __, grown) =>
      grown === tokens.length ? { reason: 'length' } : { token: tokens[grown]!, forced: true },
    );
  }

  /** Appends what `next` says behind `from`, until it gives a reason to end. */
  private async grow(
    from: NodeId,
    settings: Settings,
    announce: (node: TextNode) => void,
    breathe: () => Promise<void>,
    next: (
      at: NodeId,
      pipeline: Pipeline,
      grown: number,
    ) => Finish | { token: TokenId; forced: boolean },
  ): Promise<Finish> {
    this.pausing = false;
    const pipeline = new Pipeline(this.engine, settings);
    let at = from;
    try {
      for (let grown = 0; ; ++grown) {
        const step = next(at, pipeline, grown);
        if ('reason' in step) return step;
        const node = this.extend(at, step.token, step.forced, pipeline);
        announce(node);
        at = node.id;
        await breathe();
        if (this.pausing || this.places[at] === undefined) return { reason: 'paused' };
      }
    } catch (error) {
      if (error instanceof Refusal) return { reason: 'error', message: error.message };
      throw error;
    } finally {
      pipeline.destroy();
    }
  }

  append(from: NodeId, token: TokenId, settings: Settings, forced = true): TextNode {
    return this.through(settings, (pipeline) => this.extend(from, token, forced, pipeline));
  }

  private extend(from: NodeId, token: TokenId, forced: boolean, pipeline: Pipeline): TextNode {
    const { tokenizer } = this.ready();
    const { logits, prompt } = this.place(from);
    const report = pipeline.report(logits, this.history(from), token);
    return this.add({ parent: from, token, bytes: tokenizer.bytes(token), forced, report }, prompt);
  }

  private add(node: Omit<TextNode, 'id'>, prompt: TokenId[]): TextNode {
    const made = { ...node, id: this.places.length };
    const path = node.parent === null ? prompt : [...this.path(node.parent), node.token];
    this.places.push({ node: made, prompt, logits: this.logitsAfter(path, prompt.length), raw: null });
    return made;
  }

  /** The tokens up to and with `id`'s. */
  private path(id: NodeId): TokenId[] {
    const tokens: TokenId[] = [];
    let { node, prompt } = this.place(id);
    while (node.parent !== null) {
      tokens.push(node.token);
      node = this.place(node.parent).node;
    }
    return [...prompt, ...tokens.reverse()];
  }

  private history(id: NodeId): History {
    return { tokens: this.path(id), promptSize: this.place(id).prompt.length };
  }

  // Of what the session has seen, all that this text begins with is kept.
  private logitsAfter(path: TokenId[], prompt: number): Logits {
    const { session, model, tokenizer } = this.ready();
    const window = path.slice(windowStart(prompt, path.length, model.info.blockSize));
    let common = 0;
    while (common < window.length - 1 && this.held[common] === window[common]) ++common;
    session.truncate(Math.min(common, this.held.length));
    this.held = window.slice(0, common);
    const logits = session.prefill(window.slice(common), tokenizer.vocabSize());
    this.held = window;
    return logits;
  }

  look(node: NodeId, settings: Settings, seed: bigint, u: number | null, top: number): View {
    const place = this.place(node);
    const history = this.history(node);
    place.raw ??= this.rawCurve(place.logits, history);
    const luck = u ?? this.engine.uniform(seed, history.tokens.length);
    const seen = this.view(place.logits, history, place.raw, settings, luck, top);
    return { ...seen, texts: this.texts(seen.trace) };
  }

  lookAt(values: Float32Array, settings: Settings, u: number | null, top: number): View {
    const { logits, raw } = this.keep(values);
    // What the reader's logits are of, only the reader knows.
    return { ...this.view(logits, noHistory, raw, settings, u, top), texts: new Map() };
  }

  // While a knob moves, the same logits come again and again.
  private keep(values: Float32Array): { logits: Logits; raw: RankCurve } {
    if (this.own === null || !equal(this.own.values, values)) {
      const logits = Logits.of(this.engine, values);
      try {
        const raw = this.rawCurve(logits, noHistory);
        this.own?.logits.free();
        this.own = { values, logits, raw };
      } catch (error) {
        logits.free();
        throw error;
      }
    }
    return this.own;
  }

  private rawCurve(logits: Logits, history: History): RankCurve {
    return this.through({}, (raw) => rankCurve(raw.distribution(logits, history)));
  }

  private view(
    logits: Logits,
    history: History,
    raw: RankCurve,
    settings: Settings,
    u: number | null,
    top: number,
  ): Omit<View, 'texts'> {
    return this.through(settings, (pipeline) => {
      const trace = pipeline.trace(logits, history, top, u);
      return { trace, raw, final: rankCurve(pipeline.distribution(logits, history)) };
    });
  }

  private texts(trace: Trace): Map<TokenId, Uint8Array> {
    const { tokenizer } = this;
    if (tokenizer === null) return new Map();
    const tokens = trace.candidates.map(({ token }) => token);
    if (trace.draw !== null) tokens.push(trace.draw.token);
    return new Map(tokens.map((token) => [token, tokenizer.bytes(token)]));
  }

  replay(nodes: NodeId[], settings: Settings, seed: bigint): Replayed[] {
    const { tokenizer } = this.ready();
    return this.through(settings, (pipeline) =>
      nodes.map((id) => {
        const { node } = this.place(id);
        if (node.parent === null) throw new Refusal('The prompt was not drawn.');
        const { logits } = this.place(node.parent);
        const history = this.history(node.parent);
        const { token } = pipeline.sample(logits, history, seed, history.tokens.length);
        const report = pipeline.report(logits, history, node.token);
        return { node: id, token, bytes: tokenizer.bytes(token), report };
      }),
    );
  }

  effective(settings: Settings): Required<Settings> {
    return this.through(settings, (pipeline) => pipeline.settings());
  }

  private through<Result>(settings: Settings, body: (pipeline: Pipeline) => Result): Result {
    const pipeline = new Pipeline(this.engine, settings);
    try {
      return body(pipeline);
    } finally {
      pipeline.destroy();
    }
  }

  private place(id: NodeId): Place {
    const place = this.places[id];
    if (place === undefined) throw new Refusal(`There is no place ${id} in the text.`);
    return place;
  }

  private ready(): { model: Model; tokenizer: Tokenizer; session: Session } {
    const { model, tokenizer, session } = this;
    if (model === null || tokenizer === null || session === null) {
      throw new Refusal('No model is loaded yet.');
    }
    return { model, tokenizer, session };
  }
}
