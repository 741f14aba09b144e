// What the settings of now draw at each step of the text, on the same luck.
import type { Client } from './engine/client';
import type { NodeId, Replayed, Settings, TokenReport } from './engine/protocol';
import { Latest } from './latest';
import type { Texts } from './texts.svelte';

/** What a replay needs of the page. */
interface Page {
  readonly settings: Required<Settings>;
  readonly seed: bigint;
  readonly generating: boolean;
  readonly texts: Texts;
  attempt(body: (client: Client) => Promise<void>): Promise<boolean>;
}

/** What the engine answered, and for which settings and seed. */
interface Answer {
  settings: Required<Settings> | null; // null: it has not been asked
  seed: bigint;
  steps: Map<NodeId, Replayed>;
}

const unasked: Answer = { settings: null, seed: 0n, steps: new Map() };

export class Replay {
  private answer = $state.raw<Answer>(unasked);
  private readonly replaying = new Latest();

  readonly flips = $derived.by(() => this.page.texts.path.filter((id) => this.flipped(id) !== null));
  /** Whether the last answer is about every token of the text that is shown. */
  readonly complete = $derived.by(() =>
    this.page.texts.path.slice(1).every((id) => this.answer.steps.has(id)),
  );

  constructor(private readonly page: Page) {}

  clear(): void {
    this.answer = unasked;
  }

  /** After text, settings or seed have changed; while a text grows it would hold it up. */
  refresh(): void {
    if (this.page.generating) return;
    void this.replaying.run(() =>
      this.page.attempt(async (client) => {
        const { settings, seed, texts } = this.page;
        const replayed = await client.request('replay', [texts.path.slice(1), settings, seed]);
        const steps = new Map(replayed.map((step) => [step.node, step]));
        this.answer = { settings, seed, steps };
      }),
    );
  }

  /** What is drawn in place of a token that was drawn; null: the same. */
  flipped(id: NodeId): Replayed | null {
    const step = this.answer.steps.get(id);
    const place = this.page.texts.nodes.get(id);
    if (step === undefined || place === undefined || place.forced) return null;
    return step.token === place.token ? null : step;
  }

  /**
   * Whether the settings and the seed of now are known to draw a token again: by the engine's answer for
   * them or, before it is there, because it was drawn with them.
   */
  redraws(id: NodeId): boolean {
    const { settings, seed } = this.page;
    const { token, luck } = this.page.texts.nodes.get(id)!;
    const { answer } = this;
    const current = answer.settings === settings && answer.seed === seed;
    const step = current ? answer.steps.get(id) : undefined;
    if (step !== undefined) return step.token === token;
    return luck !== null && luck.settings === settings && luck.seed === seed;
  }

  /** What the model thought of a token, and what these settings leave of it. */
  report(id: NodeId): TokenReport {
    return this.answer.steps.get(id)?.report ?? this.page.texts.nodes.get(id)!.report!;
  }
}
