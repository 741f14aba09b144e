// What the page shows. Components read it and call its actions; only it talks to the engine.
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
  TokenReport,
} from './engine/protocol';
import type { Recipe } from './formats';
import { Latest } from './latest';
import { missingFeature, tooLarge } from './limits';
import { count as numeral } from './numbers';
import { Look } from './look.svelte';
import { recordedPrompt, recordedSeed, recordedSubject } from './recorded';
import { chapter } from './settings';
import { fromAddress, longest, type SharedText } from './share';
import { type Beginning, textOf, Texts } from './texts.svelte';

export type Status =
  | { kind: 'starting' }
  | { kind: 'empty' } // the engine runs, without a model
  | { kind: 'loading'; loaded: number; total: number }
  | { kind: 'ready' }
  | { kind: 'lost'; message: string }
  | { kind: 'unsupported'; message: string };

export class Playground {
  status = $state.raw<Status>({ kind: 'starting' });
  model = $state.raw<ModelInfo | null>(null);
  /** The reader's model, if it is not the one that ships. */
  own = $state.raw<{ files: File[]; heads: number } | null>(null);
  /** What went wrong last, for the reader; null once it is dismissed. */
  message = $state<string | null>(null);

  prompt = $state(recordedPrompt);
  settings = $state.raw<Required<Settings>>(chapter);
  seed = $state(recordedSeed);
  maxNewTokens = $state(200);

  readonly texts = new Texts();
  readonly look = new Look(this);
  generating = $state(false);
  /** How many tokens a generate() that was paused has yet to draw. */
  remaining = $state(0);

  /** What the settings draw at each step of the path, on the same luck. */
  replayed = $state.raw<Map<NodeId, Replayed>>(new Map());

  private client: Client | null = null;
  private grown: TextNode[] = [];
  /** A text that is to be made again once its model is there: an address's, or a lost worker's. */
  private wanted = $state.raw<SharedText | null>(null);
  private restoring = $state(false);
  private readonly replaying = new Latest();

  /** Whether there is an engine, or will be, that follows what is turned. */
  readonly live = $derived(this.status.kind !== 'lost' && this.status.kind !== 'unsupported');
  /** What the knobs say: without an engine, what the picture shows. */
  readonly knobs = $derived(this.live ? this.settings : this.look.shown.settings);
  readonly flips = $derived(this.texts.path.filter((id) => this.flipped(id) !== null));

  /** The model as an address has it; null: the one that ships. */
  private readonly modelName = $derived(this.own === null ? null : (this.model?.name ?? null));

  /** What makes the text that is shown again, anywhere. */
  readonly shared: SharedText = $derived.by(() => {
    const { wanted, texts } = this;
    const { subject, u } = this.look;
    if (wanted !== null && (this.restoring || texts.length === 0)) return wanted;
    const { scored } = texts.beginning;
    const own = subject?.kind === 'logits' && subject !== recordedSubject ? subject : null;
    const step = subject?.kind === 'step' ? texts.path.indexOf(subject.at) : -1;
    return {
      model: this.modelName,
      heads: this.own?.heads ?? 0,
      prompt: texts.length === 0 || scored !== null ? this.prompt : textOf(texts.prompt),
      scored: scored?.text ?? null,
      settings: this.settings,
      seed: this.seed,
      length: texts.length,
      ...texts.placed((id) => this.flipped(id) !== null),
      logits: own,
      step: step < 0 || step >= texts.length - 1 ? null : step,
      u,
    };
  });

  /** The same for what has no tree of texts. */
  readonly recipe: Recipe = $derived.by(() => {
    const { model, texts, shared } = this;
    return {
      text: shared,
      given: {
        text: shared.scored === null ? shared.prompt : texts.givenText,
        tokens: texts.given,
      },
      slides: model !== null && texts.prompt.length + shared.length > model.blockSize,
    };
  });

  /** Starts with what the fragment of the page's address says. */
  open(fragment: string): void {
    const { text, ignored } = fromAddress(fragment);
    if (ignored.length > 0) this.message = `Ignored in the address: ${ignored.join('; ')}.`;
    const { length, model, scored, u } = text;
    if (length > 0 || model !== null || scored !== null || u !== null) this.wanted = text;
    this.take(text);
    this.lookAsIn(text);
    const missing = missingFeature();
    if (missing !== null) this.status = { kind: 'unsupported', message: missing };
    else this.run();
  }

  private take({ prompt, settings, seed }: SharedText): void {
    this.prompt = prompt;
    this.settings = settings;
    this.seed = seed;
  }

  // The step or the logits, and u, as they were shared.
  private lookAsIn({ logits, step, u }: SharedText): void {
    const { texts } = this;
    if (logits !== null) this.look.showOwn(logits);
    else if (step !== null && step < texts.length) this.selectToken(texts.path[step + 1]!);
    if (u !== null) this.look.setU(u);
  }

  /** After the worker was lost: a new one, with the same model and the same text. */
  restart(): void {
    this.message = null;
    this.model = null;
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
        this.status = { kind: 'loading', loaded: 0, total: 0 };
        if ((await this.effective(this.settings)) === null) this.settings = chapter;
        this.look.refresh();
        const base = new URL('models/shakespeare/', document.baseURI).href;
        await (this.own !== null
          ? this.loadOwn(this.own)
          : this.load((listener) => this.client!.request('loadShipped', [base], listener)));
      },
      (message) => {
        this.wanted = this.shared; // before anything is turned that nobody draws again
        this.generating = false;
        this.remaining = 0;
        this.status = { kind: 'lost', message };
      },
    );
  }

  /** A model of the reader's, in place of the one that is there; `heads` as the engine's loadFiles has it. */
  async loadFiles(files: File[], heads = this.headsWanted(files)): Promise<void> {
    const { kind } = this.status;
    const idle = (kind === 'ready' || kind === 'empty') && !this.generating;
    const busy = idle ? null : 'Wait until the page has loaded and written, then open the model again.';
    this.message = busy ?? tooLarge(files);
    if (this.message === null) await this.loadOwn({ files, heads });
  }

  // Where the text of an address waits for this model.
  private headsWanted(files: File[]): number {
    const { wanted } = this;
    return files.some(({ name }) => name === wanted?.model) ? wanted!.heads : 0;
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
    this.status = { kind: 'loading', loaded: 0, total: 0 };
    try {
      this.model = await request({
        onProgress: (loaded, total) => (this.status = { kind: 'loading', loaded, total }),
      });
    } catch (error) {
      if (!this.lost()) this.status = { kind: this.model === null ? 'empty' : 'ready' };
      this.complain(error);
      return;
    }
    const { wanted, shared } = this;
    this.uproot();
    if (wanted?.model === this.modelName) this.take(wanted);
    const started = await this.start();
    if (this.lost()) return;
    this.status = { kind: 'ready' };
    if (started && wanted !== null) await this.restore(wanted);
    else if (shared.logits !== null) this.lookAsIn(shared);
  }

  // What is shown is of another prompt, of another model, or of a worker that is gone.
  private uproot(): void {
    this.texts.clear();
    this.replayed = new Map();
    if (this.look.subject?.kind === 'step') this.look.subject = null;
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
    await this.attempt((client) => this.remake(client, text));
    if (this.lost()) return; // restart() makes the rest
    this.restoring = false;
    this.wanted = null;
    this.generating = false;
    this.followTip();
    this.lookAsIn(text);
  }

  // Behind the prompt: what was given, and between that what these settings draw.
  private async remake(client: Client, text: SharedText): Promise<void> {
    const given = [
      ...text.forced.map((placed) => ({ ...placed, forced: true })),
      ...text.drawn.map((placed) => ({ ...placed, forced: false })),
    ].sort((one, other) => one.at - other.at);
    if (text.scored !== null) {
      const most = Math.min(text.length, given[0]?.at ?? text.length);
      if ((await this.readScored(client, text.scored, most)) !== 'length') return;
    }
    const drawTo = async (at: number): Promise<boolean> => {
      const count = at - this.texts.length;
      if (count <= 0) return true;
      const asked = [this.texts.tip!, this.settings, this.seed, count] as const;
      return (await this.watch(client, 'generate', [...asked])).reason === 'length';
    };
    for (const { at, token, forced } of given) {
      if (!(await drawTo(at))) return;
      const asked = [this.texts.tip!, token, this.settings, forced] as const;
      const node = await client.request('append', [...asked]);
      this.grown.push(node);
      this.showGrown();
    }
    await drawTo(text.length);
  }

  /** A new tree that begins with the prompt; whether there is one. */
  async start(): Promise<boolean> {
    return this.attempt(async (client) => {
      const tokens = await client.request('encode', [this.prompt]);
      await this.plant(client, tokens, null);
    });
  }

  private async plant(
    client: Client,
    tokens: TokenId[],
    scored: Beginning['scored'],
  ): Promise<void> {
    const { root, prompt } = await client.request('start', [tokens, this.texts.worthKeeping]);
    this.texts.plant(root, { prompt, scored });
    this.replayed = new Map();
    this.remaining = 0;
    this.look.select({ kind: 'step', at: root.id, drawn: null });
  }

  /** Continues the text that is shown, by at most `count` tokens. */
  async generate(count = this.remaining || this.maxNewTokens): Promise<void> {
    const { texts } = this;
    if (texts.tip === null || this.generating) return;
    const room = longest - texts.length;
    if (!Number.isInteger(count) || count < 1 || count > Math.min(5000, room)) {
      this.message =
        count > room
          ? `A text of this page has at most ${numeral(longest)} tokens, so that its address can ` +
            'make it again. Start over, or write it with build/decant.'
          : 'The number of tokens to generate must be a whole number from 1 to 5,000.';
      return;
    }
    const end = texts.length + count;
    const asked = [texts.tip, this.settings, this.seed, count] as const;
    this.remaining = count;
    await this.whileGenerating(async (client) => {
      const { reason } = await this.watch(client, 'generate', [...asked]);
      if (reason !== 'paused' || this.remaining === 0) this.remaining = 0;
      else this.remaining = end - texts.length;
    });
  }

  /** One token; what a pause has left is one less. */
  async step(): Promise<void> {
    const { remaining } = this;
    await this.generate(1);
    this.remaining = Math.max(remaining - 1, 0);
  }

  /** A given text in place of the prompt and what was drawn: to see what the model thought of it. */
  async score(text: string): Promise<void> {
    if (this.generating) return;
    await this.whileGenerating(async (client) => {
      await this.readScored(client, text, longest);
    });
  }

  private async readScored(
    client: Client,
    text: string,
    most: number,
  ): Promise<Finish['reason']> {
    const tokens = await client.request('encode', [text]);
    if (tokens.length < 2 || tokens.length > longest) {
      this.message =
        tokens.length < 2
          ? 'A text to score needs at least two tokens: the first has nothing before it.'
          : `The text has ${numeral(tokens.length)} tokens, and the page scores at most ` +
            `${numeral(longest)}: give it a part of it, or take build/decant score.`;
      return 'error';
    }
    await this.plant(client, tokens.slice(0, 1), { text, tokens });
    const asked = [this.texts.tip!, tokens.slice(1, most + 1), this.settings] as const;
    const { reason } = await this.watch(client, 'appendTokens', [...asked]);
    return reason;
  }

  private async whileGenerating(body: (client: Client) => Promise<void>): Promise<void> {
    this.generating = true;
    try {
      await this.attempt(body);
    } finally {
      this.generating = false;
    }
    this.followTip();
  }

  /** Ends what generates; the tokens that it has yet to draw are kept. */
  pause(): void {
    this.client?.pause();
  }

  /** Ends what generates, and is done with it. */
  stop(): void {
    this.remaining = 0;
    this.pause();
  }

  /** Another token at a step: the text branches there. */
  async branch(at: NodeId, token: TokenId): Promise<void> {
    this.stop();
    const known = [...this.texts.nodes.values()].find(
      (node) => node.parent === at && node.token === token,
    );
    if (known !== undefined) return this.show(known.id);
    await this.attempt(async (client) => {
      const node = await client.request('append', [at, token, this.settings, true]);
      this.texts.nodes.set(node.id, node);
      this.show(node.id);
    });
  }

  /** Shows the text that ends with `id`, and goes on along the newest branches behind it. */
  show(id: NodeId): void {
    this.remaining = 0;
    this.texts.show(id);
    this.look.select({ kind: 'step', at: this.texts.nodes.get(id)!.parent ?? id, drawn: id });
    this.refreshReplay();
  }

  undo(): void {
    if (this.generating) return;
    this.remaining = 0;
    this.texts.undo();
    this.followTip();
  }

  redo(): void {
    if (this.generating) return;
    this.remaining = 0;
    this.texts.redo();
    this.followTip();
  }

  /** Draws anew from the first token that these settings would have drawn otherwise. */
  async regenerateFromFirstFlip(): Promise<void> {
    const flip = this.flips[0];
    if (flip === undefined) return;
    const { texts } = this;
    const missing = Math.min(texts.path.length - texts.path.indexOf(flip), 5000);
    texts.cut(texts.nodes.get(flip)!.parent!);
    await this.generate(missing);
  }

  /** What these settings draw in place of a token that was drawn; null: the same. */
  flipped(id: NodeId): Replayed | null {
    const replayed = this.replayed.get(id);
    const node = this.texts.nodes.get(id);
    if (replayed === undefined || node === undefined || node.forced) return null;
    return replayed.token === node.token ? null : replayed;
  }

  /** What the model thought of a token, and what these settings leave of it. */
  report(id: NodeId): TokenReport {
    return this.replayed.get(id)?.report ?? this.texts.nodes.get(id)!.report!;
  }

  /** The step that drew the token of `id`. */
  selectToken(id: NodeId): void {
    const { parent } = this.texts.nodes.get(id)!;
    if (parent !== null) this.look.select({ kind: 'step', at: parent, drawn: id });
  }

  set(changes: Partial<Settings>): void {
    if (!this.live) return;
    const before = this.settings;
    const now = { ...before, ...changes };
    this.settings = now;
    if (now.like !== '') void this.takeBackIfRefused(now, before);
    this.look.refresh();
    this.refreshReplay();
  }

  // Another system may not have a knob that was turned; the engine says so.
  private async takeBackIfRefused(
    now: Required<Settings>,
    before: Required<Settings>,
  ): Promise<void> {
    if ((await this.effective(now)) !== null || this.settings !== now) return;
    this.settings = before;
    this.look.refresh();
    this.refreshReplay();
  }

  setSeed(seed: bigint): void {
    if (!this.live) return;
    this.seed = seed;
    this.look.refreshAll();
    this.refreshReplay();
  }

  /** Every effective value of what a preset says. */
  async effective(settings: Settings): Promise<Required<Settings> | null> {
    let found: Required<Settings> | null = null;
    await this.attempt(async (client) => {
      found = await client.request('effective', [settings]);
    });
    return found;
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
    const { texts, grown } = this;
    this.grown = [];
    if (!texts.grow(grown)) return;
    this.look.select({ kind: 'step', at: texts.path.at(-2)!, drawn: texts.tip! });
  }

  /** Selects the step that drew the last token of the text. */
  followTip(): void {
    const { tip, nodes } = this.texts;
    if (tip === null) return;
    const node = nodes.get(tip)!;
    this.look.select(
      node.parent === null
        ? { kind: 'step', at: tip, drawn: null }
        : { kind: 'step', at: node.parent, drawn: tip },
    );
    this.refreshReplay();
  }

  private refreshReplay(): void {
    if (this.generating) return;
    void this.replaying.run(() =>
      this.attempt(async (client) => {
        const drawn = this.texts.path.slice(1);
        const replayed = await client.request('replay', [drawn, this.settings, this.seed]);
        this.replayed = new Map(replayed.map((step) => [step.node, step]));
      }),
    );
  }

  /** Whether `body` came to its end; what it was refused is shown. */
  async attempt(body: (client: Client) => Promise<void>): Promise<boolean> {
    if (this.client === null) return false;
    try {
      await body(this.client);
      return true;
    } catch (error) {
      this.complain(error);
      return false;
    }
  }

  // A call, because the worker may be lost during any wait.
  private lost(): boolean {
    return this.status.kind === 'lost';
  }

  private complain(error: unknown): void {
    if (!(error instanceof EngineError)) throw error;
    if (this.lost()) return; // which says it
    this.message = error.message;
  }
}
