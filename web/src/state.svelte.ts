// What the page shows. Components read it and call its actions; only it talks to the engine.
import { SvelteMap } from 'svelte/reactivity';
import { visible } from './bytes';
import { missingFeature, tooLarge } from './limits';
import { recordedPrompt, recordedSubject, recordedView } from './recorded';
import { fromAddress } from './share';
import type { SharedText } from './share';
import { Client, EngineError } from './engine/client';
import type {
  Finish,
  ModelInfo,
  NodeId,
  Replayed,
  Requests,
  Settings,
  TextNode,
  TokenId,
  View,
} from './engine/protocol';
import { Latest } from './latest';
import { chapter, off } from './settings';

export { chapter, off };

/** What the curve is about: a step of the text, or logits of the reader's. */
export type Subject =
  | { kind: 'step'; at: NodeId; drawn: NodeId | null }
  | { kind: 'logits'; logits: Float32Array; label: (token: TokenId) => string };

export type Status =
  | { kind: 'starting' }
  | { kind: 'empty' } // the engine runs, without a model
  | { kind: 'loading'; loaded: number; total: number }
  | { kind: 'ready' }
  | { kind: 'lost'; message: string }
  | { kind: 'unsupported'; message: string };

/** How many tokens the curve lists one by one. */
const shown = 40;

export class Playground {
  status = $state.raw<Status>({ kind: 'starting' });
  model = $state.raw<ModelInfo | null>(null);
  /** The reader's model, if it is not the one that ships. */
  own = $state.raw<{ files: File[]; heads: number } | null>(null);
  /** What went wrong last, for the reader; null once it is dismissed. */
  message = $state<string | null>(null);

  prompt = $state(recordedPrompt);
  promptTokens = $state.raw<{ token: TokenId; bytes: Uint8Array }[]>([]);
  settings = $state.raw<Required<Settings>>(chapter);
  seed = $state(1n);
  maxNewTokens = $state(200);

  /** The tree of texts; `path` is the text that is shown, from the root to its end. */
  nodes = new SvelteMap<NodeId, TextNode>();
  path = $state.raw<NodeId[]>([]);
  generating = $state(false);

  subject = $state.raw<Subject | null>(recordedSubject);
  /** A uniform that the reader chose by the needle; null: the step's own. */
  u = $state<number | null>(null);
  view = $state.raw<View | null>(recordedView);
  /** What `view` is about: the subject, until the engine has answered for a new one. */
  viewed = $state.raw<Subject | null>(recordedSubject);
  /** Settings to see beside the knobs', on the same luck. */
  pinned = $state.raw<Required<Settings> | null>(null);
  pinnedView = $state.raw<View | null>(null);
  /** What the settings draw at each step of the path, on the same luck. */
  replayed = $state.raw<Map<NodeId, Replayed>>(new Map());

  private client: Client | null = null;
  private grown: TextNode[] = [];
  /** A text that is to be made again once its model is there: an address's, or a lost worker's. */
  private wanted = $state.raw<SharedText | null>(null);
  private restoring = $state(false);
  private readonly looking = new Latest();
  private readonly lookingAtPinned = new Latest();
  private readonly replaying = new Latest();
  private undone: NodeId[][] = [];
  private before: NodeId[][] = [];

  /** The step behind the last token, where the next one would be drawn. */
  readonly tip = $derived(this.path.at(-1) ?? null);
  readonly flips = $derived(
    this.path.filter((id) => {
      const replayed = this.replayed.get(id);
      const node = this.nodes.get(id);
      return replayed !== undefined && !node?.forced && replayed.token !== node?.token;
    }),
  );
  readonly canUndo = $derived.by(() => (void this.path, this.before.length > 0));
  readonly canRedo = $derived.by(() => (void this.path, this.undone.length > 0));

  /** The model as an address has it; null: the one that ships. */
  private readonly modelName = $derived(this.own === null ? null : (this.model?.name ?? null));

  /** What makes the text that is shown again, anywhere. */
  readonly shared: SharedText = $derived.by(() => {
    const { wanted, path } = this;
    if (wanted !== null && (this.restoring || path.length <= 1)) return wanted;
    const forced = path.slice(1).flatMap((id, at) => {
      const node = this.nodes.get(id);
      const drawn = this.replayed.get(id)?.token ?? node?.token;
      return node !== undefined && (node.forced || node.token !== drawn)
        ? [{ at, token: node.token }]
        : [];
    });
    return {
      model: this.modelName,
      prompt: path.length <= 1 ? this.prompt : textOf(this.promptTokens),
      settings: this.settings,
      seed: this.seed,
      length: Math.max(path.length - 1, 0),
      forced,
    };
  });

  /** Whether that is longer than the model's window. */
  readonly slides = $derived.by(() => {
    const { model, promptTokens, shared } = this;
    return model !== null && promptTokens.length + shared.length > model.blockSize;
  });

  /** Starts with what the fragment of the page's address says. */
  open(fragment: string): void {
    const { text, ignored } = fromAddress(fragment);
    if (ignored.length > 0) this.message = `Ignored in the address: ${ignored.join('; ')}.`;
    if (text.length > 0 || text.model !== null) this.wanted = text;
    this.prompt = text.prompt;
    this.settings = text.settings;
    this.seed = text.seed;
    const missing = missingFeature();
    if (missing !== null) this.status = { kind: 'unsupported', message: missing };
    else this.run();
  }

  /** After the worker was lost: a new one, with the same model and the same text. */
  restart(): void {
    this.message = null;
    this.uproot();
    this.run();
  }

  // The engine in its worker, then its model: the one from the page's own folder, or the reader's.
  private run(): void {
    this.status = { kind: 'starting' };
    const name = `decant ${Math.random()}`;
    const worker = new Worker(new URL('./engine/worker.ts', import.meta.url), {
      type: 'module',
      name,
    });
    this.client = new Client(
      worker,
      name,
      async () => {
        this.status = { kind: 'empty' };
        if ((await this.effective(this.settings)) === null) this.settings = chapter;
        this.refresh();
        const base = new URL('models/shakespeare/', document.baseURI).href;
        await (this.own !== null
          ? this.loadOwn(this.own)
          : this.load((listener) => this.client!.request('loadShipped', [base], listener)));
      },
      (message) => {
        this.wanted = this.shared; // before anything is turned that nobody draws again
        this.generating = false;
        this.status = { kind: 'lost', message };
      },
    );
  }

  /** A model of the reader's, in place of the one that is there; `heads` as the engine's loadFiles has it. */
  async loadFiles(files: File[], heads = 0): Promise<void> {
    const { kind } = this.status;
    const idle = (kind === 'ready' || kind === 'empty') && !this.generating;
    const busy = idle ? null : 'Wait until the page has loaded and written, then open the model again.';
    this.message = busy ?? tooLarge(files);
    if (this.message === null) await this.loadOwn({ files, heads });
  }

  private async loadOwn(own: { files: File[]; heads: number }): Promise<void> {
    await this.load(async (listener) => {
      const model = await this.client!.request('loadFiles', [own.files, own.heads], listener);
      this.own = own;
      return model;
    });
  }

  private async load(
    request: (listener: {
      onProgress: (loaded: number, total: number) => void;
    }) => Promise<ModelInfo>,
  ): Promise<void> {
    const before = this.status;
    this.status = { kind: 'loading', loaded: 0, total: 0 };
    try {
      this.model = await request({
        onProgress: (loaded, total) => (this.status = { kind: 'loading', loaded, total }),
      });
    } catch (error) {
      if (!this.lost()) this.status = before;
      this.report(error);
      return;
    }
    this.uproot();
    const { wanted } = this;
    if (wanted?.model === this.modelName) {
      this.prompt = wanted.prompt;
      this.settings = wanted.settings;
      this.seed = wanted.seed;
    }
    const started = await this.start();
    if (this.lost()) return;
    this.status = { kind: 'ready' };
    if (started && wanted !== null) await this.restore(wanted);
  }

  // What is shown is of another prompt, of another model, or of a worker that is gone.
  private uproot(): void {
    this.nodes.clear();
    this.path = [];
    this.promptTokens = [];
    this.replayed = new Map();
    this.before = [];
    this.undone = [];
    if (this.subject?.kind === 'step') this.subject = null;
  }

  private async restore(text: SharedText): Promise<void> {
    if (text.model !== this.modelName) {
      this.message =
        text.model === null
          ? 'The text in the address is of the model that ships: reload the page to see it.'
          : `The text in the address was made with ${text.model}: drop that file here to see it.`;
      return;
    }
    this.restoring = true;
    this.generating = true;
    await this.attempt(async (client) => {
      for (const { at, token } of [...text.forced, { at: text.length, token: null }]) {
        const count = at - (this.path.length - 1);
        if (count > 0) {
          const given = [this.tip!, this.settings, this.seed, count] as const;
          const finish = await this.watch(client, 'generate', [...given]);
          if (finish.reason !== 'length') break;
        }
        if (token !== null) {
          const node = await client.request('append', [this.tip!, token, this.settings]);
          this.grown.push(node);
          this.showGrown();
        }
      }
    });
    if (this.lost()) return; // restart() makes the rest
    this.restoring = false;
    this.wanted = null;
    this.generating = false;
    this.followTip();
  }

  /** A new tree that begins with the prompt; whether there is one. */
  async start(): Promise<boolean> {
    return this.attempt(async (client) => {
      await this.plant(client, await client.request('encode', [this.prompt]));
    });
  }

  private async plant(client: Client, tokens: TokenId[]): Promise<void> {
    const { root, prompt } = await client.request('start', [tokens]);
    this.uproot();
    this.nodes.set(root.id, root);
    this.promptTokens = prompt;
    this.path = [root.id];
    this.select({ kind: 'step', at: root.id, drawn: null });
  }

  /** Continues the text that is shown, by at most `count` tokens. */
  async generate(count = this.maxNewTokens): Promise<void> {
    const tip = this.tip;
    if (tip === null || this.generating) return;
    if (!Number.isInteger(count) || count < 1 || count > 5000) {
      this.message = 'The number of tokens to generate must be a whole number from 1 to 5,000.';
      return;
    }
    this.generating = true;
    try {
      await this.attempt(async (client) => {
        const given = [tip, this.settings, this.seed, count] as const;
        await this.watch(client, 'generate', [...given]);
      });
    } finally {
      this.generating = false;
    }
    this.followTip();
  }

  /** A given text in place of the prompt and what was drawn: to see what the model thought of it. */
  async score(text: string): Promise<void> {
    if (this.generating) return;
    this.generating = true;
    try {
      await this.attempt(async (client) => {
        const tokens = await client.request('encode', [text]);
        if (tokens.length < 2) {
          this.message = 'A text to score needs at least two tokens: the first has nothing before it.';
          return;
        }
        await this.plant(client, tokens.slice(0, 1));
        const given = [this.tip!, tokens.slice(1), this.settings] as const;
        await this.watch(client, 'appendTokens', [...given]);
      });
    } finally {
      this.generating = false;
    }
    this.followTip();
  }

  pause(): void {
    this.client?.pause();
  }

  /** Another token at a step: the text branches there. */
  async branch(at: NodeId, token: TokenId): Promise<void> {
    this.pause();
    const known = [...this.nodes.values()].find(
      (node) => node.parent === at && node.token === token,
    );
    if (known !== undefined) return this.show(known.id);
    await this.attempt(async (client) => {
      const node = await client.request('append', [at, token, this.settings]);
      this.nodes.set(node.id, node);
      this.show(node.id);
    });
  }

  /** Shows the text that ends with `id`, and goes on along the newest branches behind it. */
  show(id: NodeId): void {
    this.leaveFor(this.along(id));
    this.select({ kind: 'step', at: this.nodes.get(id)!.parent ?? id, drawn: id });
    this.refreshReplay();
  }

  // Undo comes back to what was shown.
  private leaveFor(path: NodeId[]): void {
    this.before = [...this.before, this.path];
    this.undone = [];
    this.path = path;
  }

  undo(): void {
    const path = this.before.at(-1);
    if (path === undefined || this.generating) return;
    this.undone = [...this.undone, this.path];
    this.before = this.before.slice(0, -1);
    this.path = path;
    this.followTip();
  }

  redo(): void {
    const path = this.undone.at(-1);
    if (path === undefined || this.generating) return;
    this.before = [...this.before, this.path];
    this.undone = this.undone.slice(0, -1);
    this.path = path;
    this.followTip();
  }

  /** Draws anew from the first token that these settings would have drawn otherwise. */
  async regenerateFromFirstFlip(): Promise<void> {
    const flip = this.flips[0];
    if (flip === undefined) return;
    const missing = this.path.length - this.path.indexOf(flip);
    this.cut(this.nodes.get(flip)!.parent!);
    await this.generate(missing);
  }

  /** Ends the shown text behind `id`; what was there stays in the tree. */
  cut(id: NodeId): void {
    this.leaveFor(this.path.slice(0, this.path.indexOf(id) + 1));
    this.followTip();
  }

  select(subject: Subject): void {
    this.subject = subject;
    this.u = null;
    this.refresh();
    this.refreshPinned();
  }

  /** Other values for the reader's logits; u stays where it is. */
  setLogits(logits: Float32Array): void {
    if (this.subject?.kind !== 'logits') return;
    this.subject = { ...this.subject, logits };
    this.refresh();
    this.refreshPinned();
  }

  /** The step that drew the token of `id`. */
  selectToken(id: NodeId): void {
    const { parent } = this.nodes.get(id)!;
    if (parent !== null) this.select({ kind: 'step', at: parent, drawn: id });
  }

  set(changes: Partial<Settings>): void {
    const before = this.settings;
    const now = { ...before, ...changes };
    this.settings = now;
    if (now.like !== '') void this.takeBackIfRefused(now, before);
    this.refresh();
    this.refreshReplay();
  }

  // Another system may not have a knob that was turned; the engine says so.
  private async takeBackIfRefused(
    now: Required<Settings>,
    before: Required<Settings>,
  ): Promise<void> {
    if ((await this.effective(now)) !== null || this.settings !== now) return;
    this.settings = before;
    this.refresh();
    this.refreshReplay();
  }

  setSeed(seed: bigint): void {
    this.seed = seed;
    this.refresh();
    this.refreshPinned();
    this.refreshReplay();
  }

  setU(u: number | null): void {
    this.u = u;
    this.refresh();
    this.refreshPinned();
  }

  pin(settings: Required<Settings> | null): void {
    this.pinned = settings;
    this.pinnedView = null;
    this.refreshPinned();
  }

  /** The distribution of the subject through other settings than the knobs'. */
  async look(settings: Settings): Promise<View | null> {
    const { client, subject } = this;
    if (client === null || subject === null) return null;
    if (subject.kind === 'logits') {
      return client.request('lookAt', [subject.logits, settings, this.u ?? 0.5, shown]);
    }
    return client.request('look', [subject.at, settings, this.seed, this.u, shown]);
  }

  /** The subject through each of these settings, one after the other, so that knobs come between. */
  async lookEach(settings: Settings[], onView: (index: number, view: View) => void): Promise<void> {
    await this.attempt(async () => {
      for (const [index, each] of settings.entries()) {
        const view = await this.look(each);
        if (view !== null) onView(index, view);
      }
    });
  }

  /** Every effective value of what a preset says. */
  async effective(settings: Settings): Promise<Required<Settings> | null> {
    let found: Required<Settings> | null = null;
    await this.attempt(async (client) => {
      found = await client.request('effective', [settings]);
    });
    return found;
  }

  /** The text of a token as the reader sees it. */
  label(token: TokenId): string {
    return this.labelIn(this.view, token);
  }

  /** The same in a view of other settings: each has the tokens that it lists, and draws. */
  labelIn(view: View | null, token: TokenId): string {
    const { viewed } = this;
    if (viewed?.kind === 'logits') return viewed.label(token);
    const bytes = view?.texts.get(token);
    return bytes === undefined || bytes.length === 0 ? `#${token}` : visible(bytes);
  }

  // The text grows faster than it can be painted: what came since is shown once a frame.
  private async watch<Name extends 'generate' | 'appendTokens'>(
    client: Client,
    name: Name,
    given: Parameters<Requests[Name]>,
  ): Promise<Finish> {
    const onNode = (node: TextNode): void => {
      if (this.grown.push(node) === 1) requestAnimationFrame(() => this.showGrown());
    };
    try {
      const finish = await client.request(name, given, { onNode });
      if (finish.reason === 'error') this.message = finish.message;
      if (finish.reason === 'end_of_text') this.message = 'The model ended its text here.';
      return finish;
    } finally {
      this.showGrown();
    }
  }

  private showGrown(): void {
    const path = [...this.path];
    for (const node of this.grown) {
      this.nodes.set(node.id, node);
      if (node.parent === path.at(-1)) path.push(node.id);
    }
    this.grown = [];
    if (path.length === this.path.length) return;
    this.path = path;
    this.select({ kind: 'step', at: path.at(-2)!, drawn: path.at(-1)! });
  }

  /** Selects the step that drew the last token of the text. */
  followTip(): void {
    const { tip } = this;
    if (tip === null) return;
    const node = this.nodes.get(tip)!;
    this.select(
      node.parent === null
        ? { kind: 'step', at: tip, drawn: null }
        : { kind: 'step', at: node.parent, drawn: tip },
    );
    this.refreshReplay();
  }

  // From the root to `id`, and on to its newest descendant.
  private along(id: NodeId): NodeId[] {
    const path: NodeId[] = [];
    for (let at: NodeId | null = id; at !== null; at = this.nodes.get(at)!.parent) path.unshift(at);
    const newest = new Map<NodeId, NodeId>();
    for (const node of this.nodes.values()) {
      if (node.parent !== null) newest.set(node.parent, node.id);
    }
    for (let at = newest.get(id); at !== undefined; at = newest.get(at)) path.push(at);
    return path;
  }

  private refresh(): void {
    void this.looking.run(() =>
      this.attempt(async () => {
        const { subject } = this;
        const view = await this.look(this.settings);
        if (view === null) return;
        this.viewed = subject;
        this.view = view;
      }),
    );
  }

  private refreshPinned(): void {
    if (this.pinned === null) return;
    void this.lookingAtPinned.run(() =>
      this.attempt(async () => {
        const { pinned } = this;
        const view = pinned === null ? null : await this.look(pinned);
        if (pinned === this.pinned) this.pinnedView = view;
      }),
    );
  }

  private refreshReplay(): void {
    if (this.generating) return;
    void this.replaying.run(() =>
      this.attempt(async (client) => {
        const drawn = this.path.filter((id) => this.nodes.get(id)?.parent !== null);
        const replayed = await client.request('replay', [drawn, this.settings, this.seed]);
        this.replayed = new Map(replayed.map((step) => [step.node, step]));
      }),
    );
  }

  /** Whether `body` came to its end; what it was refused is shown. */
  private async attempt(body: (client: Client) => Promise<void>): Promise<boolean> {
    if (this.client === null) return false;
    try {
      await body(this.client);
      return true;
    } catch (error) {
      this.report(error);
      return false;
    }
  }

  // A call, because the worker may be lost during any wait.
  private lost(): boolean {
    return this.status.kind === 'lost';
  }

  private report(error: unknown): void {
    if (!(error instanceof EngineError)) throw error;
    if (this.lost()) return; // which says it
    this.message = error.message;
  }
}

/** The text of tokens, whose characters may reach from one into the next. */
export const textOf = (tokens: { bytes: Uint8Array }[]): string =>
  new TextDecoder().decode(Uint8Array.from(tokens.flatMap(({ bytes }) => [...bytes])));
