// What the page shows. Components read it and call its actions; it, look and replay alone talk to the engine.
import { Client, EngineError } from './engine/client';
import type {
  Finish,
  ModelInfo,
  NodeId,
  Requests,
  Settings,
  TextNode,
  TokenId,
} from './engine/protocol';
import type { Recipe } from './formats';
import { missingFeature, tooLarge } from './limits';
import { count as numeral } from './numbers';
import { Look } from './look.svelte';
import { recordedPrompt, recordedSeed, recordedSubject } from './recorded';
import { Replay } from './replay.svelte';
import { chapter } from './settings';
import { fromAddress, longest, type SharedText } from './share';
import { type Beginning, type Luck, type Place, textOf, Texts } from './texts.svelte';

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
  readonly replay = new Replay(this);
  generating = $state(false);
  /** How many tokens a generate() that was paused has yet to draw. */
  remaining = $state(0);

  private client: Client | null = null;
  private grown: Place[] = [];
  /** A text that is to be made again once its model is there: an address's, or a lost worker's. */
  private wanted = $state.raw<SharedText | null>(null);
  private restoring = $state(false);

  /** Whether there is an engine, or will be, that follows what is turned. */
  readonly live = $derived(this.status.kind !== 'lost' && this.status.kind !== 'unsupported');
  /** What the knobs say: without an engine, what the picture shows. */
  readonly knobs = $derived(this.live ? this.settings : this.look.shown.settings);

  /** The model as an address has it; null: the one that ships. */
  private readonly modelName = $derived(this.own === null ? null : (this.model?.name ?? null));

  /** What makes the text that is shown again, anywhere. */
  readonly shared: SharedText = $derived.by(() => {
    const { wanted, texts } = this;
    const { subject, u } = this.look;
    const own = subject?.kind === 'logits' && subject !== recordedSubject ? subject : null;
    if (wanted !== null) {
      if (this.restoring || this.status.kind === 'lost') return wanted;
      // What waits, with what the reader has changed since.
      const { prompt, settings, seed } = this;
      if (texts.length === 0) return { ...wanted, prompt, settings, seed, logits: own, u };
    }
    const { scored } = texts.beginning;
    const step = subject?.kind === 'step' ? texts.path.indexOf(subject.at) : -1;
    return {
      model: this.modelName,
      heads: this.own?.heads ?? 0,
      prompt: texts.length === 0 || scored !== null ? this.prompt : textOf(texts.prompt),
      scored: scored?.text ?? null,
      settings: this.settings,
      seed: this.seed,
      length: texts.length,
      ...texts.placed((id) => this.replay.redraws(id)),
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
    this.take(this.wanted!); // what was typed meanwhile was for nobody
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
    // What was turned for a text that is there is not for the one that waits.
    const text = wanted !== null && this.texts.length > 0 ? wanted : shared;
    this.uproot();
    if (wanted?.model === this.modelName) this.take(text);
    const started = await this.start();
    if (this.lost()) return;
    this.status = { kind: 'ready' };
    if (started && wanted !== null) await this.restore(text);
    if (wanted !== null || text.logits !== null) this.lookAsIn(text);
  }

  // What is shown is of another prompt, of another model, or of a worker that is gone.
  private uproot(): void {
    this.texts.clear();
    this.replay.clear();
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
    this.wanted = text;
    this.restoring = true;
    try {
      await this.whileGenerating((client) => this.remake(client, text));
    } finally {
      this.restoring = false;
    }
    if (!this.lost()) this.wanted = null; // else restart() makes it
  }

  // Behind the prompt: what was given, and between that what its settings draw.
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
      return count <= 0 || (await this.draw(client, count, text)).reason === 'length';
    };
    for (const { at, token, forced } of given) {
      if (!(await drawTo(at))) return;
      const asked = [this.texts.tip!, token, text.settings, forced] as const;
      const node = await client.request('append', [...asked]);
      this.grown.push({ ...node, luck: null });
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
    this.replay.clear();
    this.remaining = 0;
    this.look.select({ kind: 'step', at: root.id, drawn: null });
  }

  /** Continues the text that is shown, by at most `count` tokens; then there are `later` to come. */
  async generate(count = this.remaining || this.maxNewTokens, later = 0): Promise<void> {
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
    const end = texts.length + count + later;
    let left = 0;
    this.remaining = count + later;
    await this.whileGenerating(async (client) => {
      const { reason } = await this.draw(client, count, this);
      const goesOn = reason === 'length' || reason === 'paused';
      if (goesOn && this.remaining > 0) left = end - texts.length;
    });
    this.remaining = left;
  }

  /** One token; what a pause has left is one less. */
  async step(): Promise<void> {
    await this.generate(1, Math.max(this.remaining - 1, 0));
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
    const { reason } = await this.watch(client, 'appendTokens', [...asked], null);
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
      this.texts.nodes.set(node.id, { ...node, luck: null });
      this.show(node.id);
    });
  }

  /** Shows the text that ends with `id`, and goes on along the newest branches behind it. */
  show(id: NodeId): void {
    this.remaining = 0;
    this.texts.show(id);
    this.look.select({ kind: 'step', at: this.texts.nodes.get(id)!.parent ?? id, drawn: id });
    this.replay.refresh();
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
    const flip = this.replay.flips[0];
    if (flip === undefined) return;
    const { texts } = this;
    const missing = Math.min(texts.path.length - texts.path.indexOf(flip), 5000);
    texts.cut(texts.nodes.get(flip)!.parent!);
    await this.generate(missing);
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
    this.replay.refresh();
  }

  // Another system may not have a knob that was turned; the engine says so.
  private async takeBackIfRefused(
    now: Required<Settings>,
    before: Required<Settings>,
  ): Promise<void> {
    if ((await this.effective(now)) !== null || this.settings !== now) return;
    this.settings = before;
    this.look.refresh();
    this.replay.refresh();
  }

  setSeed(seed: bigint): void {
    if (!this.live) return;
    this.seed = seed;
    this.look.refreshAll();
    this.replay.refresh();
  }

  /** Every effective value of what a preset says. */
  async effective(settings: Settings): Promise<Required<Settings> | null> {
    let found: Required<Settings> | null = null;
    await this.attempt(async (client) => {
      found = await client.request('effective', [settings]);
    });
    return found;
  }

  private draw(client: Client, count: number, { settings, seed }: Luck): Promise<Finish> {
    const asked = [this.texts.tip!, settings, seed, count] as const;
    return this.watch(client, 'generate', [...asked], { settings, seed });
  }

  // The text grows faster than it can be painted: what came since is shown once a frame.
  private async watch<Name extends 'generate' | 'appendTokens'>(
    client: Client,
    name: Name,
    given: Parameters<Requests[Name]>,
    luck: Luck | null,
  ): Promise<Finish> {
    const onNode = (node: TextNode): void => {
      if (this.grown.push({ ...node, luck }) === 1) requestAnimationFrame(() => this.showGrown());
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
    this.replay.refresh();
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
