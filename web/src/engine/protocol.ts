// What the page and the worker that runs the engine say to each other. All numbers in it are the engine's.

export type TokenId = number;

/** The members of SamplingConfig (decant/sampling.h), all optional: what is left out is off. */
export interface Settings {
  like?: string;
  temperature?: number;
  top_k?: number;
  top_k_rule?: 'ties' | 'exact';
  top_p?: number;
  top_p_rule?: 'inclusive' | 'exclusive';
  min_p?: number;
  typical_p?: number;
  epsilon_cutoff?: number;
  eta_cutoff?: number;
  top_n_sigma?: number;
  repetition_penalty?: number;
  presence_penalty?: number;
  frequency_penalty?: number;
  penalty_last_n?: number;
  penalize_prompt?: boolean;
  no_repeat_ngram_size?: number;
  logit_bias?: Record<string, number | null>;
  stages?: string[];
}

/** decant/trace.h's Trace as JSON: -Infinity is null. */
export interface Trace {
  vocab_size: number;
  possible: number;
  entropy: number;
  perplexity: number;
  stages: StageTrace[];
  candidates: CandidateTrace[];
  others: number;
  others_probability: number;
  final_entropy: number;
  final_perplexity: number;
  survivors: number;
  mass_kept: number;
  draw: DrawTrace | null;
}

export interface StageTrace {
  name: string;
  kept: number;
  removed: number;
  mass_removed: number;
  threshold: number | null;
  entropy: number;
  perplexity: number;
}

export interface CandidateTrace {
  token: TokenId;
  rank: number;
  logit: number | null;
  logprob: number | null;
  logits: (number | null)[];
  probabilities: number[];
  removed_by: string | null;
  probability: number;
}

export interface DrawTrace {
  token: TokenId;
  u: number;
  rank: number;
  probability: number;
  begin: number;
  end: number;
}

/** Points of a distribution by rank (0 = the most probable): all of the first, then ever fewer. */
export interface RankCurve {
  ranks: Float64Array;
  probabilities: Float64Array;
  cumulative: Float64Array;  // of all tokens up to and with this rank
  size: number;  // how many tokens the distribution has
}

/** One step, seen through one pipeline. */
export interface View {
  trace: Trace;
  raw: RankCurve;
  final: RankCurve;
  /** The bytes of every token in `trace`; without a tokenizer there are none. */
  texts: Map<TokenId, Uint8Array>;
}

export interface ModelInfo {
  name: string;
  vocabSize: number;
  blockSize: number;
  layers: number;
  heads: number;
  embedding: number;
  weightBytes: number;
  weights: 'f32' | 'bf16' | 'q8' | 'q4';
  notes: string[];
}

/** A place in the tree of texts: the text up to and with `token`. The root is the prompt. */
export type NodeId = number;

/** What the model thought of one token, and what the pipeline left of that (decant_token_report). */
export interface TokenReport {
  logprob: number;
  rank: number;
  massBefore: number;
  entropy: number;
  finalLogprob: number;  // -Infinity where a stage removed it
}

export interface TextNode {
  id: NodeId;
  parent: NodeId | null;  // null: the root
  token: TokenId;  // the root's: the prompt's last
  bytes: Uint8Array;
  /** Not drawn but chosen: by the reader, or as a given text's token. */
  forced: boolean;
  report: TokenReport | null;  // null for the root
}

export interface Replayed {
  node: NodeId;
  token: TokenId;  // what these settings draw there, on the same luck
  bytes: Uint8Array;
  report: TokenReport;  // of the token that the text has, through these settings
}

/** Why generating ended; 'error' comes with a message. */
export type Finish =
  | { reason: 'length' | 'paused' | 'end_of_text' }
  | { reason: 'error'; message: string };

/** What the worker can do: each is a message that is answered once. */
export interface Requests {
  /** The model beside the page. */
  loadShipped(base: string): ModelInfo;
  /**
   * Files that the reader dropped: a checkpoint, and perhaps a config, a tokenizer, weights in parts, or
   * the text whose characters are the tokens. `heads`: where the checkpoint does not say; else 0.
   */
  loadFiles(files: File[], heads: number): ModelInfo;
  encode(text: string): TokenId[];
  /** A new tree, with this prompt as its root; of the old ones only that of the root `kept` stays. */
  start(prompt: TokenId[], kept: NodeId | null): { root: TextNode; prompt: { token: TokenId; bytes: Uint8Array }[] };
  /** Draws up to `count` tokens behind `from`, each announced by an event 'node'. */
  generate(from: NodeId, settings: Settings, seed: bigint, count: number): Finish;
  /** One token behind `from`, of the reader's choice or, if not `forced`, as it was once drawn. */
  append(from: NodeId, token: TokenId, settings: Settings, forced: boolean): TextNode;
  /** Given tokens behind `from`, each announced by an event 'node'. */
  appendTokens(from: NodeId, tokens: TokenId[], settings: Settings): Finish;
  /** The distribution after `node`; `u` null takes the uniform at (seed, 0, position). */
  look(node: NodeId, settings: Settings, seed: bigint, u: number | null, top: number): View;
  /** The same for logits of the reader's; `u` null shows no draw. */
  lookAt(logits: Float32Array, settings: Settings, u: number | null, top: number): View;
  /** What other settings draw at each of these recorded steps: node's token is drawn at its parent. */
  replay(nodes: NodeId[], settings: Settings, seed: bigint): Replayed[];
  /** Every effective value of these settings, stage order included. */
  effective(settings: Settings): Required<Settings>;
}

export type RequestName = keyof Requests;

/** Page to worker. 'pause' is not answered: it ends what generates. */
export type ToWorker =
  | { kind: 'request'; id: number; name: RequestName; arguments: unknown[] }
  | { kind: 'pause' };

/** Worker to page. */
export type FromWorker =
  | { kind: 'ready' }
  | { kind: 'failed'; message: string }  // the engine cannot start
  | { kind: 'answer'; id: number; value: unknown }
  | { kind: 'refusal'; id: number; message: string }
  | { kind: 'node'; id: number; node: TextNode }
  | { kind: 'progress'; id: number; loaded: number; total: number };
