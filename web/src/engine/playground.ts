// A model, and the tree of texts that was made with it. Every place in the tree keeps the logits of what
// could come next, so that any step can be looked at again, through any settings.
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
  logits: Logits;
  raw: RankCurve | null; // what `logits` are without settings, once it was asked for
}

/** The reader's logits that were looked at last. */
interface Given {
  values: Float32Array;
  logits: Logits;
  raw: RankCurve;
}

const folder = '/model';
const noHistory: History = { tokens: [], promptSize: 0 };

export class Playground {
  private tokenizer: Tokenizer | null = null;
  private model: Model | null = null;
  private session: Session | null = null;
  private held: TokenId[] = []; // what the session has seen
  private prompt: TokenId[] = [];
  private places: Place[] = [];
  private last: Given | null = null;
  private pausing = false;

  constructor(private readonly engine: Engine) {
    engine.module.FS.mkdirTree(folder);
  }

  /** Replaces the model and its tokenizer, or keeps both where the files are no model. */
  load(files: ModelFile[]): ModelInfo {
    const { FS } = this.engine.module;
    try {
      for (const { name, bytes } of files) {
        FS.writeFile(`${folder}/${name}`, bytes, { canOwn: true });
      }
      const checkpoints = files.filter(({ name }) => /\.(pt|pth|bin|safetensors)$/i.test(name));
      if (checkpoints.length === 0) {
        throw new Refusal(
          'No checkpoint among these files: drop a .pt, .pth, .bin or .safetensors.',
        );
      }
      const single = checkpoints.length === 1;
      const model = Model.open(this.engine, single ? `${folder}/${checkpoints[0]!.name}` : folder);
      let tokenizer: Tokenizer;
      try {
        tokenizer = this.openTokenizer(model, files.length > checkpoints.length);
      } catch (error) {
        model.destroy();
        throw error;
      }
      this.replace(model, tokenizer);
      const { notes } = model.info;
      return {
        ...model.info,
        name: checkpoints[0]!.name,
        endOfText: tokenizer.endOfText(),
        notes,
      };
    } finally {
      for (const name of FS.readdir(folder)) {
        if (name !== '.' && name !== '..') FS.unlink(`${folder}/${name}`);
      }
    }
  }

  private openTokenizer(model: Model, mayBeBeside: boolean): Tokenizer {
    const { vocabSize } = model.info;
    if (mayBeBeside) {
      try {
        return Tokenizer.load(this.engine, folder);
      } catch (error) {
        if (vocabSize !== 50257 && vocabSize !== 50304) throw error;
      }
    }
    // 50,304 is 50,257 rounded up to a multiple of 64, as nanoGPT does for speed.
    if (vocabSize === 50257 || vocabSize === 50304) return Tokenizer.gpt2(this.engine);
    throw new Refusal(
      `The model has ${vocabSize} tokens, which is not GPT-2's vocabulary: drop its tokenizer together ` +
        'with it (tokenizer.json, vocab.json and merges.txt, meta.pkl, or chars.json).',
    );
  }

  private replace(model: Model, tokenizer: Tokenizer): void {
    this.clear();
    this.session?.destroy();
    this.tokenizer?.destroy();
    this.model?.destroy();
    this.model = model;
    this.tokenizer = tokenizer;
    this.session = new Session(this.engine, model);
    this.held = [];
  }

  private clear(): void {
    for (const { logits } of this.places) logits.free();
    this.places = [];
  }

  start(prompt: string): { root: TextNode; prompt: { token: TokenId; bytes: Uint8Array }[] } {
    const { tokenizer } = this.ready();
    const tokens = tokenizer.encode(prompt);
    if (tokens.length === 0) throw new Refusal('The prompt is empty: write at least one character.');
    this.clear();
    this.prompt = tokens;
    const token = tokens.at(-1)!;
    const root = this.add({
      parent: null,
      token,
      bytes: tokenizer.bytes(token),
      forced: true,
      u: null,
      report: null,
    });
    return { root, prompt: tokens.map((id) => ({ token: id, bytes: tokenizer.bytes(id) })) };
  }

  /** Ends the generate() or appendText() that is under way, before its next token. */
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
      if (grown === count) return { reason: 'length' };
      const history = this.history(at);
      const draw = pipeline.sample(this.place(at).logits, history, seed, history.tokens.length);
      if (draw.token === end) return { reason: 'end_of_text' };
      return { token: draw.token, u: draw.u };
    });
  }

  async appendText(
    from: NodeId,
    text: string,
    settings: Settings,
    announce: (node: TextNode) => void,
    breathe: () => Promise<void>,
  ): Promise<Finish> {
    const tokens = this.ready().tokenizer.encode(text);
    return this.grow(from, settings, announce, breathe, (_, __, grown) =>
      grown === tokens.length ? { reason: 'length' } : { token: tokens[grown]!, u: null },
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
    ) => Finish | { token: TokenId; u: number | null },
  ): Promise<Finish> {
    this.pausing = false;
    const pipeline = new Pipeline(this.engine, settings);
    const tree = this.places;
    let at = from;
    try {
      for (let grown = 0; ; ++grown) {
        const step = next(at, pipeline, grown);
        if ('reason' in step) return step;
        const node = this.extend(at, step.token, step.u, pipeline);
        announce(node);
        at = node.id;
        await breathe();
        if (this.pausing || this.places !== tree) return { reason: 'paused' };
      }
    } catch (error) {
      if (error instanceof Refusal) return { reason: 'error', message: error.message };
      throw error;
    } finally {
      pipeline.destroy();
    }
  }

  append(from: NodeId, token: TokenId, settings: Settings): TextNode {
    return this.through(settings, (pipeline) => this.extend(from, token, null, pipeline));
  }

  private extend(from: NodeId, token: TokenId, u: number | null, pipeline: Pipeline): TextNode {
    const { tokenizer } = this.ready();
    const report = pipeline.report(this.place(from).logits, this.history(from), token);
    return this.add({
      parent: from,
      token,
      bytes: tokenizer.bytes(token),
      forced: u === null,
      u,
      report,
    });
  }

  private add(node: Omit<TextNode, 'id'>): TextNode {
    const made = { ...node, id: this.places.length };
    const path = node.parent === null ? this.prompt : [...this.path(node.parent), node.token];
    this.places.push({ node: made, logits: this.logitsAfter(path), raw: null });
    return made;
  }

  /** The tokens up to and with `id`'s. */
  private path(id: NodeId): TokenId[] {
    const tokens: TokenId[] = [];
    let { node } = this.place(id);
    while (node.parent !== null) {
      tokens.push(node.token);
      node = this.place(node.parent).node;
    }
    return [...this.prompt, ...tokens.reverse()];
  }

  private history(id: NodeId): History {
    return { tokens: this.path(id), promptSize: this.prompt.length };
  }

  // Of what the session has seen, all that this text begins with is kept. Past the window its last tokens
  // are recomputed for each new one, as `--context crop` does.
  private logitsAfter(path: TokenId[]): Logits {
    const { session, model, tokenizer } = this.ready();
    const window = path.slice(-model.info.blockSize);
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
    place.raw ??= this.through({}, (raw) =>
      rankCurve(raw.distribution(place.logits, history)),
    );
    const luck = u ?? this.engine.uniform(seed, history.tokens.length);
    return this.view(place.logits, history, place.raw, settings, luck, top);
  }

  lookAt(values: Float32Array, settings: Settings, u: number | null, top: number): View {
    const { logits, raw } = this.given(values);
    return this.view(logits, noHistory, raw, settings, u, top);
  }

  // A knob is turned many times over the same values.
  private given(values: Float32Array): Given {
    const { last } = this;
    const same = (value: number, token: number) => value === last!.values[token];
    if (last?.values.length === values.length && values.every(same)) return last;
    const logits = Logits.of(this.engine, values);
    try {
      const raw = this.through({}, (pipeline) =>
        rankCurve(pipeline.distribution(logits, noHistory)),
      );
      last?.logits.free();
      return (this.last = { values, logits, raw });
    } catch (error) {
      logits.free();
      throw error;
    }
  }

  private view(
    logits: Logits,
    history: History,
    raw: RankCurve,
    settings: Settings,
    u: number | null,
    top: number,
  ): View {
    return this.through(settings, (pipeline) => {
      const trace = pipeline.trace(logits, history, top, u);
      const final = rankCurve(pipeline.distribution(logits, history));
      return { trace, raw, final, texts: this.texts(trace) };
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
