// What the page shows. Components read it and call its actions; only it talks to the engine.
import { SvelteMap } from 'svelte/reactivity';
import { visible } from './bytes';
import { Client, EngineError } from './engine/client';
import type {
  ModelInfo,
  NodeId,
  Replayed,
  Settings,
  TextNode,
  TokenId,
  View,
} from './engine/protocol';
import { Latest } from './latest';

/** Every knob at its off-value: decant/sampling.h's SamplingConfig as it is made. */
export const off: Required<Settings> = {
  like: '',
  temperature: 1,
  top_k: 0,
  top_k_rule: 'ties',
  top_p: 1,
  top_p_rule: 'inclusive',
  min_p: 0,
  typical_p: 1,
  epsilon_cutoff: 0,
  eta_cutoff: 0,
  top_n_sigma: 0,
  repetition_penalty: 1,
  presence_penalty: 0,
  frequency_penalty: 0,
  penalty_last_n: -1,
  penalize_prompt: true,
  no_repeat_ngram_size: 0,
  logit_bias: {},
  stages: [
    'logit_bias',
    'constraint',
    'penalties',
    'no_repeat_ngram',
    'temperature',
    'top_k',
    'top_p',
    'min_p',
    'typical_p',
    'epsilon_cutoff',
    'eta_cutoff',
    'top_n_sigma',
  ],
};

/** The chapter's settings, and the program's defaults. */
export const chapter: Required<Settings> = { ...off, temperature: 0.8, top_k: 50, top_p: 0.9 };

/** What the curve is about: a step of the text, or logits of the reader's. */
export type Subject =
  | { kind: 'step'; at: NodeId; drawn: NodeId | null }
  | { kind: 'logits'; logits: Float32Array; label: (token: TokenId) => string };

export type Status =
  | { kind: 'starting' }
  | { kind: 'loading'; loaded: number; total: number }
  | { kind: 'ready' }
  | { kind: 'lost'; message: string };

/** How many tokens the curve lists one by one. */
const shown = 40;

export class Playground {
  status = $state.raw<Status>({ kind: 'starting' });
  model = $state.raw<ModelInfo | null>(null);
  /** What went wrong last, for the reader; null once it is dismissed. */
  message = $state<string | null>(null);

  prompt = $state('ROMEO:');
  promptTokens = $state.raw<{ token: TokenId; bytes: Uint8Array }[]>([]);
  settings = $state.raw<Required<Settings>>(chapter);
  seed = $state(1n);
  maxNewTokens = $state(200);

  /** The tree of texts; `path` is the text that is shown, from the root to its end. */
  nodes = new SvelteMap<NodeId, TextNode>();
  path = $state.raw<NodeId[]>([]);
  generating = $state(false);

  subject = $state.raw<Subject | null>(null);
  /** A uniform that the reader chose by the needle; null: the step's own. */
  u = $state<number | null>(null);
  view = $state.raw<View | null>(null);
  /** What `view` is about: the subject, until the engine has answered for a new one. */
  viewed = $state.raw<Subject | null>(null);
  /** Settings to see beside the knobs', on the same luck. */
  pinned = $state.raw<Required<Settings> | null>(null);
  pinnedView = $state.raw<View | null>(null);
  /** What the settings draw at each step of the path, on the same luck. */
  replayed = $state.raw<Map<NodeId, Replayed>>(new Map());

  private client: Client | null = null;
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
      return replayed !== undefined && replayed.token !== this.nodes.get(id)?.token;
    }),
  );
  readonly canUndo = $derived.by(() => (void this.path, this.before.length > 0));
  readonly canRedo = $derived.by(() => (void this.path, this.undone.length > 0));

  /** Starts the engine in its worker, then loads the model from the page's own folder. */
  open(): void {
    this.status = { kind: 'starting' };
    const worker = new Worker(new URL('./engine/worker.ts', import.meta.url), { type: 'module' });
    this.client = new Client(
      worker,
      () => {
        this.refresh();
        void this.load((listener) =>
          this.client!.request(
            'loadShipped',
            [new URL('models/shakespeare/', document.baseURI).href],
            listener,
          ),
        );
      },
      (message) => {
        this.generating = false;
        this.status = { kind: 'lost', message };
      },
    );
  }

  /** `heads`: where the checkpoint does not say how many there are; else 0. */
  loadFiles(files: File[], heads = 0): Promise<void> {
    return this.load((listener) => this.client!.request('loadFiles', [files, heads], listener));
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
      this.status = { kind: 'ready' };
      await this.start();
    } catch (error) {
      const { kind } = this.status as Status;  // the worker may have been lost meanwhile
      if (kind !== 'lost') this.status = this.model === null ? before : { kind: 'ready' };
      this.report(error);
    }
  }

  /** A new tree that begins with the prompt. */
  async start(): Promise<void> {
    await this.attempt(async (client) => {
      await this.plant(client, await client.request('encode', [this.prompt]));
    });
  }

  private async plant(client: Client, tokens: TokenId[]): Promise<void> {
    const { root, prompt } = await client.request('start', [tokens]);
    this.nodes.clear();
    this.nodes.set(root.id, root);
    this.promptTokens = prompt;
    this.before = [];
    this.undone = [];
    this.path = [root.id];
    this.replayed = new Map();
    this.select({ kind: 'step', at: root.id, drawn: null });
  }

  /** Continues the text that is shown, by at most `count` tokens. */
  async generate(count = this.maxNewTokens): Promise<void> {
    const tip = this.tip;
    if (tip === null || this.generating) return;
    this.generating = true;
    try {
      await this.attempt(async (client) => {
        const given = [tip, this.settings, this.seed, count] as const;
        const finish = await client.request('generate', [...given], { onNode: this.grow });
        if (finish.reason === 'error') this.message = finish.message;
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
        await this.plant(client, tokens.slice(0, 1));
        const given = [this.tip!, tokens.slice(1), this.settings] as const;
        const finish = await client.request('appendTokens', [...given], { onNode: this.grow });
        if (finish.reason === 'error') this.message = finish.message;
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
    this.before = [...this.before, this.path];
    this.undone = [];
    this.path = this.along(id);
    this.select({ kind: 'step', at: this.nodes.get(id)!.parent ?? id, drawn: id });
    this.refreshReplay();
  }

  undo(): void {
    const path = this.before.at(-1);
    if (path === undefined) return;
    this.undone = [...this.undone, this.path];
    this.before = this.before.slice(0, -1);
    this.path = path;
    this.followTip();
  }

  redo(): void {
    const path = this.undone.at(-1);
    if (path === undefined) return;
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
    this.before = [...this.before, this.path];
    this.undone = [];
    this.path = this.path.slice(0, this.path.indexOf(id) + 1);
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
    this.settings = { ...this.settings, ...changes };
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

  private readonly grow = (node: TextNode): void => {
    this.nodes.set(node.id, node);
    if (node.parent !== this.tip) return;
    this.path = [...this.path, node.id];
    this.select({ kind: 'step', at: node.parent!, drawn: node.id });
  };

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

  private async attempt(body: (client: Client) => Promise<void>): Promise<void> {
    if (this.client === null) return;
    try {
      await body(this.client);
    } catch (error) {
      this.report(error);
    }
  }

  private report(error: unknown): void {
    if (!(error instanceof EngineError)) throw error;
    this.message = error.message;
  }
}
