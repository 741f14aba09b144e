// The texts of the page: a tree for each beginning, what is shown of it, and the way back.
import { SvelteMap } from 'svelte/reactivity';
import type { NodeId, Settings, TextNode, TokenId } from './engine/protocol';
import type { Placed } from './share';

/** What a tree begins with. */
export interface Beginning {
  prompt: { token: TokenId; bytes: Uint8Array }[];
  /** A text that was given whole: the prompt is its first token. */
  scored: { text: string; tokens: TokenId[] } | null;
}

/** What a token is drawn with. */
export interface Luck {
  settings: Required<Settings>;
  seed: bigint;
}

/** A place in a tree; what its token was drawn with, where that is known. */
export interface Place extends TextNode {
  luck: Luck | null;
}

const nothing: Beginning = { prompt: [], scored: null };

export class Texts {
  nodes = new SvelteMap<NodeId, Place>();
  /** The text that is shown, from its root to its end. */
  path = $state.raw<NodeId[]>([]);

  private readonly beginnings = new SvelteMap<NodeId, Beginning>();
  private before = $state.raw<NodeId[][]>([]);
  private after = $state.raw<NodeId[][]>([]);

  /** The step behind the last token, where the next one would be drawn. */
  readonly tip = $derived(this.path.at(-1) ?? null);
  readonly beginning = $derived(this.beginnings.get(this.path[0] ?? -1) ?? nothing);
  readonly prompt = $derived(this.beginning.prompt);
  /** How many tokens are behind the prompt. */
  readonly length = $derived(Math.max(this.path.length - 1, 0));
  readonly canUndo = $derived(this.before.length > 0);
  readonly canRedo = $derived(this.after.length > 0);

  /** How many of them are, from the first on, those of the text that was given. */
  readonly given = $derived.by(() => {
    const { scored } = this.beginning;
    if (scored === null) return 0;
    let count = 0;
    while (count < this.length && this.token(count) === scored.tokens[count + 1]) ++count;
    return count;
  });

  readonly givenText = $derived(
    textOf([...this.prompt, ...this.path.slice(1, this.given + 1).map((id) => this.nodes.get(id)!)]),
  );

  private token(at: number): TokenId {
    return this.nodes.get(this.path[at + 1]!)!.token;
  }

  /** The tokens behind what was given that drawing would not bring: chosen, or drawn otherwise. */
  placed(redrawn: (id: NodeId) => boolean): { forced: Placed[]; drawn: Placed[] } {
    const { scored } = this.beginning;
    const leaves = scored !== null && this.given + 1 < scored.tokens.length; // before its end
    const forced: Placed[] = [];
    const drawn: Placed[] = [];
    this.path.slice(1).forEach((id, at) => {
      const { token, forced: chosen } = this.nodes.get(id)!;
      if (at < this.given) return;
      if (chosen) forced.push({ at, token });
      else if (!redrawn(id) || (leaves && at === this.given)) drawn.push({ at, token });
    });
    return { forced, drawn };
  }

  /** The root of a tree that is worth to come back to; null: the prompt has no text yet. */
  get worthKeeping(): NodeId | null {
    const root = this.path[0] ?? null;
    return root !== null && this.tree(root).size > 1 ? root : null;
  }

  clear(): void {
    this.nodes.clear();
    this.beginnings.clear();
    this.path = [];
    this.before = [];
    this.after = [];
  }

  /** Another tree, which is shown; of the others that stays which has the text shown so far. */
  plant(root: TextNode, beginning: Beginning): void {
    const kept = this.worthKeeping;
    const members = kept === null ? new Set<NodeId>() : this.tree(kept);
    for (const id of [...this.nodes.keys()]) {
      if (!members.has(id)) this.nodes.delete(id);
    }
    for (const id of [...this.beginnings.keys()]) {
      if (id !== kept) this.beginnings.delete(id);
    }
    this.before = this.before.filter(([first]) => first === kept);
    if (kept !== null) this.before = [...this.before, this.path];
    this.after = [];
    this.nodes.set(root.id, { ...root, luck: null });
    this.beginnings.set(root.id, beginning);
    this.path = [root.id];
  }

  /** All places of a tree. */
  tree(root: NodeId): Set<NodeId> {
    const members = new Set([root]);
    for (const { id, parent } of this.nodes.values()) {
      if (parent !== null && members.has(parent)) members.add(id);
    }
    return members;
  }

  /** Places that came since; those that continue the text that is shown are shown, too. */
  grow(nodes: Place[]): boolean {
    const path = [...this.path];
    for (const node of nodes) {
      this.nodes.set(node.id, node);
      if (node.parent === path.at(-1)) path.push(node.id);
    }
    if (path.length === this.path.length) return false;
    this.path = path;
    return true;
  }

  /** Shows the text that ends with `id`, and goes on along the newest branches behind it. */
  show(id: NodeId): void {
    const path: NodeId[] = [];
    for (let at: NodeId | null = id; at !== null; at = this.nodes.get(at)!.parent) path.unshift(at);
    const newest = new Map<NodeId, NodeId>();
    for (const node of this.nodes.values()) {
      if (node.parent !== null) newest.set(node.parent, node.id);
    }
    for (let at = newest.get(id); at !== undefined; at = newest.get(at)) path.push(at);
    this.leaveFor(path);
  }

  /** Ends the shown text behind `id`; what was there stays in the tree. */
  cut(id: NodeId): void {
    this.leaveFor(this.path.slice(0, this.path.indexOf(id) + 1));
  }

  private leaveFor(path: NodeId[]): void {
    this.before = [...this.before, this.path];
    this.after = [];
    this.path = path;
  }

  undo(): void {
    const path = this.before.at(-1);
    if (path === undefined) return;
    this.after = [...this.after, this.path];
    this.before = this.before.slice(0, -1);
    this.path = path;
  }

  redo(): void {
    const path = this.after.at(-1);
    if (path === undefined) return;
    this.before = [...this.before, this.path];
    this.after = this.after.slice(0, -1);
    this.path = path;
  }
}

/** The text of tokens, whose characters may reach from one into the next. */
export const textOf = (tokens: { bytes: Uint8Array }[]): string =>
  new TextDecoder().decode(Uint8Array.from(tokens.flatMap(({ bytes }) => [...bytes])));
