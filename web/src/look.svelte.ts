// What the curve shows: a step of the text or logits of the reader's, through the knobs' settings, and
// through others to compare with.
import { visible } from './bytes';
import type { Client } from './engine/client';
import type { NodeId, Settings, TokenId, View } from './engine/protocol';
import { Latest } from './latest';
import type { OwnLogits } from './logits';
import { recordedSeed, recordedSubject, recordedView } from './recorded';
import { chapter } from './settings';

/** What the curve is about: a step of the text, or logits of the reader's. */
export type Subject =
  | { kind: 'step'; at: NodeId; drawn: NodeId | null }
  | {
      kind: 'logits';
      logits: Float32Array;
      loaded: Float32Array; // as they were before any was pulled
      labels: string[] | null; // null: by their numbers
    };

/** What a picture is asked for, but for the settings. */
interface Asked {
  subject: Subject | null;
  seed: bigint;
  u: number | null;
}

/** A picture, and what it is of. */
export interface Shown {
  subject: Subject;
  settings: Required<Settings>;
  seed: bigint;
  view: View;
}

/** What the curve needs of the page. */
interface Page {
  readonly settings: Required<Settings>;
  readonly seed: bigint;
  readonly live: boolean;
  attempt(body: (client: Client) => Promise<void>): Promise<boolean>;
}

/** How many tokens the curve lists one by one. */
const listed = 40;

function request(client: Client, settings: Settings, asked: Asked): Promise<View> | null {
  const { subject, seed, u } = asked;
  if (subject === null) return null;
  if (subject.kind === 'step') return client.request('look', [subject.at, settings, seed, u, listed]);
  return client.request('lookAt', [subject.logits, settings, u ?? 0.5, listed]);
}

export class Look {
  subject = $state.raw<Subject | null>(recordedSubject);
  /** A uniform that the reader chose by the needle; null: the step's own. */
  u = $state<number | null>(null);
  /** What the engine answered last: of the subject, settings and seed of now once it has answered for them. */
  shown = $state.raw<Shown>({
    subject: recordedSubject,
    settings: chapter,
    seed: recordedSeed,
    view: recordedView,
  });
  /** Settings to see beside the knobs', on the same luck. */
  pinned = $state.raw<Required<Settings> | null>(null);
  pinnedView = $state.raw<View | null>(null);

  private readonly looking = new Latest();
  private readonly lookingAtPinned = new Latest();

  readonly asked: Asked = $derived.by(() => ({
    subject: this.subject,
    seed: this.page.seed,
    u: this.u,
  }));
  readonly view = $derived(this.shown.view);
  readonly viewed = $derived(this.shown.subject);

  constructor(private readonly page: Page) {}

  select(subject: Subject): void {
    if (!this.page.live) return;
    this.subject = subject;
    this.u = null;
    this.refreshAll();
  }

  /** Logits of the reader's in place of a step. */
  showOwn({ logits, labels }: OwnLogits): void {
    this.select({ kind: 'logits', logits, loaded: logits, labels });
  }

  /** Other values for the reader's logits; u stays where it is. */
  setLogits(logits: Float32Array): void {
    if (this.subject?.kind !== 'logits' || !this.page.live) return;
    this.subject = { ...this.subject, logits };
    this.refreshAll();
  }

  setU(u: number | null): void {
    if (!this.page.live) return;
    this.u = u;
    this.refreshAll();
  }

  pin(settings: Required<Settings> | null): void {
    if (!this.page.live) return;
    this.pinned = settings;
    this.pinnedView = null;
    this.refreshPinned();
  }

  refreshAll(): void {
    this.refresh();
    this.refreshPinned();
  }

  /** After the knobs have moved. */
  refresh(): void {
    void this.looking.run(() =>
      this.page.attempt(async (client) => {
        const { asked } = this;
        const { settings } = this.page;
        const { subject, seed } = asked;
        const view = await request(client, settings, asked);
        if (view !== null && subject !== null) this.shown = { subject, settings, seed, view };
      }),
    );
  }

  private refreshPinned(): void {
    if (this.pinned === null) return;
    void this.lookingAtPinned.run(() =>
      this.page.attempt(async (client) => {
        const { pinned } = this;
        const view = pinned === null ? null : await request(client, pinned, this.asked);
        if (pinned === this.pinned) this.pinnedView = view;
      }),
    );
  }

  /** What is asked for, through each of these settings, one after the other, so that knobs come between. */
  async through(settings: Settings[], asked: Asked): Promise<View[]> {
    const views: View[] = [];
    await this.page.attempt(async (client) => {
      for (const each of settings) {
        const view = await request(client, each, asked);
        if (view !== null) views.push(view);
      }
    });
    return views;
  }

  /** The text of a token as the reader sees it. */
  label(token: TokenId): string {
    return this.labelIn(this.view, token);
  }

  /** The same in a view of other settings: each has the tokens that it lists, and draws. */
  labelIn(view: View, token: TokenId): string {
    const { viewed } = this;
    if (viewed.kind === 'logits') return viewed.labels?.[token] ?? `#${token}`;
    const bytes = view.texts.get(token);
    return bytes === undefined || bytes.length === 0 ? `#${token}` : visible(bytes);
  }
}
