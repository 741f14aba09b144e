// The page's end of the engine: promises, and what happens when the worker is lost.
import type { FromWorker, RequestName, Requests, TextNode, ToWorker } from './protocol';

/** A request that the engine refused, or that was lost with it; the message is for the reader. */
export class EngineError extends Error {}

interface Waiting {
  resolve(value: never): void;
  reject(reason: Error): void;
  listener: Listener;
}

/** What a request tells before it is answered. */
export interface Listener {
  onNode?(node: TextNode): void;
  onProgress?(loaded: number, total: number): void;
}

/** A sentence of what the browser or the engine says of its end. */
const stopped = (why: string): string => `The engine has stopped: ${why.replace(/\.?$/, '.')}`;

export class Client {
  private readonly waiting = new Map<number, Waiting>();
  private latest = 0;
  private lost = false;
  /** What is asked before the worker listens, which would not hear it; null once it does. */
  private early: ToWorker[] | null = [];

  /** `name` is the worker's. `onLost` is told why the worker can do no more; every request that waits is refused, too. */
  constructor(
    private readonly worker: Worker,
    name: string,
    onReady: () => void,
    private readonly onLost: (message: string) => void,
  ) {
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if (data.kind === 'ready') {
        const ended = 'The browser ended the worker that runs the model.';
        void navigator.locks?.request(name, () => this.lose(ended));
        for (const message of this.early ?? []) worker.postMessage(message);
        this.early = null;
        return onReady();
      }
      if (data.kind === 'failed') return this.lose(stopped(data.message));
      const waiting = this.waiting.get(data.id);
      if (waiting === undefined) return;
      if (data.kind === 'node') return waiting.listener.onNode?.(data.node);
      if (data.kind === 'progress') return waiting.listener.onProgress?.(data.loaded, data.total);
      this.waiting.delete(data.id);
      if (data.kind === 'answer') waiting.resolve(data.value as never);
      else waiting.reject(new EngineError(data.message));
    };
    worker.onerror = (event) => {
      event.preventDefault();
      this.lose(stopped(event.message || 'its worker could not be started'));
    };
    worker.onmessageerror = () => this.lose('A message of the worker could not be read.');
  }

  request<Name extends RequestName>(
    name: Name,
    given: Parameters<Requests[Name]>,
    listener: Listener = {},
  ): Promise<ReturnType<Requests[Name]>> {
    if (this.lost) return Promise.reject(new EngineError('The worker that runs the model is gone.'));
    const id = ++this.latest;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject, listener });
      this.send({ kind: 'request', id, name, arguments: given });
    });
  }

  pause(): void {
    this.send({ kind: 'pause' });
  }

  private send(message: ToWorker): void {
    if (this.early === null) this.worker.postMessage(message);
    else this.early.push(message);
  }

  private lose(message: string): void {
    if (this.lost) return;
    this.lost = true;
    this.worker.terminate();
    for (const { reject } of this.waiting.values()) reject(new EngineError(message));
    this.waiting.clear();
    this.onLost(message);
  }
}
