// decant.h for TypeScript: the WebAssembly module's functions, with its pointers, sizes and statuses turned
// into objects, arrays and exceptions. Nothing here knows what a probability is.
import type { ModelInfo, Settings, TokenId, TokenReport, Trace } from './protocol';

/** What Emscripten's module has; `_decant_…` are decant.h's functions. */
export interface Module {
  readonly HEAPU8: Uint8Array;
  readonly FS: {
    mkdirTree(path: string): void;
    readdir(path: string): string[];
    writeFile(path: string, bytes: Uint8Array, options: { canOwn: boolean }): void;
    unlink(path: string): void;
  };
  readonly [name: `_${string}`]: (...given: (number | bigint)[]) => number;
}

/** A call that decant.h refused, in its own words. */
export class Refusal extends Error {}

type Pointer = number;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The module's memory, and what is lent from it for the length of one call. */
class Memory {
  private lent: Pointer[] = [];

  constructor(readonly module: Module) {}

  /** Anew each time: growing moves the buffer. */
  get view(): DataView {
    return new DataView(this.module.HEAPU8.buffer);
  }

  get bytes(): Uint8Array {
    return this.module.HEAPU8;
  }

  allocate(size: number): Pointer {
    const pointer = this.module._malloc!(Math.max(size, 1)) >>> 0;
    if (pointer === 0) throw new Refusal('There is not enough memory.');
    return pointer;
  }

  free(pointer: Pointer): void {
    this.module._free!(pointer);
  }

  lend(size: number): Pointer {
    const pointer = this.allocate(size);
    this.lent.push(pointer);
    this.bytes.fill(0, pointer, pointer + size);
    return pointer;
  }

  /** A text as decant.h takes it: where it is, and how many bytes it has. */
  lendText(text: string): [Pointer, number] {
    const bytes = encoder.encode(text);
    const pointer = this.lend(bytes.length);
    this.bytes.set(bytes, pointer);
    return [pointer, bytes.length];
  }

  lendTokens(tokens: readonly TokenId[]): Pointer {
    const pointer = this.lend(4 * tokens.length);
    new Int32Array(this.bytes.buffer, pointer, tokens.length).set(tokens);
    return pointer;
  }

  /** A struct of decant.h: its size, then its members at their offsets. */
  lendStruct(size: number): Pointer {
    const pointer = this.lend(size);
    this.view.setUint32(pointer, size, true);
    return pointer;
  }

  pointer(at: Pointer): Pointer {
    return this.view.getUint32(at, true);
  }

  real(at: Pointer): number {
    return this.view.getFloat64(at, true);
  }

  integer(at: Pointer): number {
    return Number(this.view.getBigInt64(at, true));
  }

  copy(pointer: Pointer, size: number): Uint8Array {
    return this.bytes.slice(pointer, pointer + size);
  }

  takeBack(): void {
    for (const pointer of this.lent) this.free(pointer);
    this.lent = [];
  }
}

/** Logits (V) that stay in the module's memory until freed, so that looking at them again copies nothing. */
export class Logits {
  private constructor(
    private readonly memory: Memory,
    readonly pointer: Pointer,
    readonly size: number,
  ) {}

  static of(engine: Engine, values: Float32Array): Logits {
    const { memory } = engine;
    const pointer = memory.allocate(4 * values.length);
    new Float32Array(memory.bytes.buffer, pointer, values.length).set(values);
    return new Logits(memory, pointer, values.length);
  }

  static copied(memory: Memory, from: Pointer, size: number): Logits {
    const pointer = memory.allocate(4 * size);
    memory.bytes.copyWithin(pointer, from, from + 4 * size);
    return new Logits(memory, pointer, size);
  }

  free(): void {
    this.memory.free(this.pointer);
  }
}

/** What penalties look at. */
export interface History {
  tokens: readonly TokenId[];
  promptSize: number;
}

export interface Draw {
  token: TokenId;
  u: number;
  probability: number;
  survivors: number;
}

export class Engine {
  readonly memory: Memory;

  constructor(readonly module: Module) {
    this.memory = new Memory(module);
  }

  private text(pointer: Pointer): string {
    const start = pointer >>> 0;
    return decoder.decode(this.memory.copy(start, this.memory.bytes.indexOf(0, start) - start));
  }

  /** Calls decant.h's function `name`; throws its message where it fails. */
  call(name: string, ...given: (number | bigint)[]): void {
    const status = this.module[`_decant_${name}`]!(...given);
    if (status !== 0) throw new Refusal(this.text(this.module._decant_last_error!(0)));
  }

  /** Runs `body`, then takes back what was lent for it. */
  lending<Result>(body: (memory: Memory) => Result): Result {
    try {
      return body(this.memory);
    } finally {
      this.memory.takeBack();
    }
  }

  // What follows up to uniform() is for the bodies of lending().

  /** The object that a _create(), _open() or _load() makes. */
  make(name: string, ...given: (number | bigint)[]): Pointer {
    const place = this.memory.lend(4);
    this.call(name, ...given, place);
    return this.memory.pointer(place);
  }

  /** An owned output: (pointer, size) behind the arguments of `name`. */
  private owned(name: string, ...given: (number | bigint)[]): { pointer: Pointer; size: number } {
    const place = this.memory.lend(8);
    this.call(name, ...given, place, place + 4);
    return { pointer: this.memory.pointer(place), size: this.memory.pointer(place + 4) };
  }

  ownedBytes(name: string, ...given: (number | bigint)[]): Uint8Array {
    const { pointer, size } = this.owned(name, ...given);
    const bytes = this.memory.copy(pointer, size);
    this.module._decant_free!(pointer);
    return bytes;
  }

  ownedTokens(name: string, ...given: (number | bigint)[]): TokenId[] {
    const { pointer, size } = this.owned(name, ...given);
    const tokens = [...new Int32Array(this.memory.bytes.buffer, pointer, size)];
    this.module._decant_free!(pointer);
    return tokens;
  }

  /** A borrowed output, copied. */
  borrowedBytes(name: string, ...given: (number | bigint)[]): Uint8Array {
    const { pointer, size } = this.owned(name, ...given);
    return this.memory.copy(pointer, size);
  }

  uniform(seed: bigint, position: number): number {
    return this.module._decant_uniform!(seed, 0n, BigInt(position));
  }
}

export class Pipeline {
  private readonly pointer: Pointer;

  constructor(
    private readonly engine: Engine,
    settings: Settings,
  ) {
    this.pointer = engine.lending((memory) =>
      engine.make('pipeline_create', ...memory.lendText(JSON.stringify(settings))),
    );
  }

  destroy(): void {
    this.engine.module._decant_pipeline_destroy!(this.pointer);
  }

  settings(): Required<Settings> {
    const json = this.engine.lending(() =>
      this.engine.ownedBytes('pipeline_settings', this.pointer),
    );
    return JSON.parse(decoder.decode(json)) as Required<Settings>;
  }

  sample(logits: Logits, history: History, seed: bigint, position: number): Draw {
    return this.engine.lending((memory) => {
      const draw = memory.lendStruct(40);
      const input = this.input(memory, logits, history);
      this.engine.call('pipeline_sample', this.pointer, input, seed, 0n, BigInt(position), draw);
      return {
        u: memory.real(draw + 8),
        probability: memory.real(draw + 16),
        survivors: memory.integer(draw + 24),
        token: memory.view.getInt32(draw + 32, true),
      };
    });
  }

  report(logits: Logits, history: History, token: TokenId): TokenReport {
    return this.engine.lending((memory) => {
      const report = memory.lendStruct(48);
      const input = this.input(memory, logits, history);
      this.engine.call('pipeline_report', this.pointer, input, token, report);
      return {
        logprob: memory.real(report + 8),
        massBefore: memory.real(report + 16),
        entropy: memory.real(report + 24),
        finalLogprob: memory.real(report + 32),
        rank: memory.integer(report + 40),
      };
    });
  }

  /** The `top` most probable tokens by raw logit and their way through the stages. */
  trace(logits: Logits, history: History, top: number, u: number | null): Trace {
    const json = this.engine.lending((memory) => {
      const options = memory.lendStruct(32);
      memory.view.setBigInt64(options + 8, BigInt(top), true);
      memory.view.setBigInt64(options + 16, 1n, true);
      if (u !== null) {
        const place = memory.lend(8);
        memory.view.setFloat64(place, u, true);
        memory.view.setUint32(options + 24, place, true);
      }
      const input = this.input(memory, logits, history);
      return this.engine.ownedBytes('pipeline_trace', this.pointer, input, options);
    });
    return JSON.parse(decoder.decode(json)) as Trace;
  }

  /** The final distribution's probabilities by rank. */
  distribution(logits: Logits, history: History): Float64Array {
    return this.engine.lending((memory) => {
      const { size } = logits;
      const place = memory.lend(8 * size);
      const survivors = memory.lend(4);
      const input = this.input(memory, logits, history);
      const { pointer } = this;
      this.engine.call('pipeline_distribution', pointer, input, 0, place, size, survivors);
      return new Float64Array(memory.bytes.buffer, place, memory.pointer(survivors)).slice();
    });
  }

  private input(memory: Memory, logits: Logits, history: History): Pointer {
    const tokens = memory.lendTokens(history.tokens);
    const input = memory.lendStruct(24);
    const { view } = memory;
    view.setUint32(input + 4, logits.pointer, true);
    view.setUint32(input + 8, logits.size, true);
    view.setUint32(input + 12, tokens, true);
    view.setUint32(input + 16, history.tokens.length, true);
    view.setUint32(input + 20, history.promptSize, true);
    return input;
  }
}

export class Tokenizer {
  private constructor(
    private readonly engine: Engine,
    private readonly pointer: Pointer,
  ) {}

  static gpt2(engine: Engine): Tokenizer {
    return engine.lending(() => new Tokenizer(engine, engine.make('tokenizer_gpt2')));
  }

  static load(engine: Engine, path: string): Tokenizer {
    return engine.lending(
      (memory) => new Tokenizer(engine, engine.make('tokenizer_load', ...memory.lendText(path))),
    );
  }

  destroy(): void {
    this.engine.module._decant_tokenizer_destroy!(this.pointer);
  }

  encode(text: string): TokenId[] {
    return this.engine.lending((memory) =>
      this.engine.ownedTokens('tokenizer_encode', this.pointer, ...memory.lendText(text)),
    );
  }

  /** The bytes of one token, which need not be whole characters; none for one that it does not have. */
  bytes(token: TokenId): Uint8Array {
    try {
      return this.engine.lending(() =>
        this.engine.borrowedBytes('tokenizer_token_bytes', this.pointer, token),
      );
    } catch (error) {
      if (error instanceof Refusal) return new Uint8Array();
      throw error;
    }
  }

  vocabSize(): number {
    return this.engine.lending((memory) => {
      const place = memory.lend(4);
      this.engine.call('tokenizer_vocab_size', this.pointer, place);
      return memory.pointer(place);
    });
  }

  endOfText(): TokenId | null {
    return this.engine.lending((memory) => {
      const place = memory.lend(4);
      this.engine.call('tokenizer_end_of_text', this.pointer, place);
      const token = memory.view.getInt32(place, true);
      return token < 0 ? null : token;
    });
  }
}

export class Model {
  readonly info: Omit<ModelInfo, 'name'>;

  private constructor(
    private readonly engine: Engine,
    readonly pointer: Pointer,
  ) {
    this.info = engine.lending((memory) => {
      const info = memory.lendStruct(64);
      engine.call('model_get_info', pointer, info);
      const notes = decoder.decode(engine.borrowedBytes('model_notes', pointer));
      const formats = ['f32', 'bf16', 'q8', 'q4'] as const;
      return {
        vocabSize: memory.integer(info + 8),
        blockSize: memory.integer(info + 16),
        layers: memory.integer(info + 24),
        heads: memory.integer(info + 32),
        embedding: memory.integer(info + 40),
        weightBytes: memory.integer(info + 48),
        weights: formats[memory.view.getInt32(info + 56, true) - 1]!,
        notes: notes.split('\n').filter((line) => line !== ''),
      };
    });
  }

  /** Weights as `--weights auto` holds them; `heads` is for a checkpoint that does not say, 0 as it says. */
  static open(engine: Engine, path: string, heads: number): Model {
    const pointer = engine.lending((memory) => {
      const options = memory.lendStruct(12);
      memory.view.setInt32(options + 4, heads, true);
      return engine.make('model_open', ...memory.lendText(path), options);
    });
    return new Model(engine, pointer);
  }

  destroy(): void {
    this.engine.module._decant_model_destroy!(this.pointer);
  }
}

/** One text in progress. */
export class Session {
  private readonly pointer: Pointer;

  constructor(
    private readonly engine: Engine,
    model: Model,
  ) {
    this.pointer = engine.lending(() => engine.make('session_create', model.pointer, 1));
  }

  destroy(): void {
    this.engine.module._decant_session_destroy!(this.pointer);
  }

  /** Appends tokens, at least one; the first `count` logits after the last, to be freed by the caller. */
  prefill(tokens: readonly TokenId[], count: number): Logits {
    return this.engine.lending((memory) => {
      const place = memory.lend(8);
      const given = memory.lendTokens(tokens);
      this.engine.call('session_prefill', this.pointer, given, tokens.length, place, place + 4);
      return Logits.copied(memory, memory.pointer(place), Math.min(count, memory.pointer(place + 4)));
    });
  }

  truncate(length: number): void {
    this.engine.call('session_truncate', this.pointer, BigInt(length));
  }
}
