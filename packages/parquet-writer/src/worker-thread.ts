import { Worker } from 'node:worker_threads';
import { fromWire, ParquetWriterError } from './errors.ts';
import { transferables } from './flat-column.ts';
import type { WorkerReply, WorkerRequest } from './worker-protocol.ts';

type Pending = { resolve(reply: WorkerReply): void; reject(error: ParquetWriterError): void };

/** The caller's end of one worker thread. At most one request per file may be unanswered. */
export class WorkerThread {
  /** The wasm heap as of the last reply. */
  heapBytes = 0;
  /** Takes no new file; ends with its last one. */
  isRetiring = false;
  readonly #worker: Worker;
  readonly #files = new Set<number>();
  readonly #pending = new Map<number, Pending>();
  readonly #onExit: (thread: WorkerThread, didCrash: boolean) => void;
  #cause: unknown;
  #ended: ParquetWriterError | undefined;

  constructor(onExit: (thread: WorkerThread, didCrash: boolean) => void) {
    this.#onExit = onExit;
    // No inherited flags: from dist none are needed, and from source Node strips the types by itself.
    this.#worker = new Worker(workerUrl(), { execArgv: [], name: 'parquet-encoder' });
    // An idle encoder that nobody closed does not keep the process alive.
    this.#worker.unref();
    this.#worker.on('message', (reply: WorkerReply) => this.#settle(reply));
    this.#worker.on('messageerror', (cause) => this.#crash(cause));
    this.#worker.on('error', (cause) => this.#crash(cause));
    this.#worker.on('exit', (code) => this.#exited(code));
  }

  get threadId(): number {
    return this.#worker.threadId;
  }

  get openFiles(): number {
    return this.#files.size;
  }

  open(request: WorkerRequest & { kind: 'open' }): void {
    if (this.#ended !== undefined) throw this.#ended;
    this.#files.add(request.file);
    this.#worker.postMessage(request);
  }

  /** Sends one request and resolves with its answer. A row group's buffers are transferred: gone afterwards. */
  request(request: Exclude<WorkerRequest, { kind: 'open' }>): Promise<WorkerReply> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      this.#pending.set(request.file, { resolve, reject });
      this.#worker.ref();
      this.#worker.postMessage(request, request.kind === 'rowGroup' ? transferables(request.columns) : []);
    });
  }

  /** The file is finished, failed or given up: the worker has forgotten it. */
  release(file: number): void {
    this.#files.delete(file);
  }

  /** Ends the thread; unanswered requests are rejected with `reason`. Resolves when it is gone. */
  async terminate(reason: ParquetWriterError): Promise<void> {
    this.#end(reason);
    await this.#worker.terminate();
  }

  #settle(reply: WorkerReply): void {
    this.heapBytes = reply.heapBytes;
    const pending = this.#pending.get(reply.file);
    this.#pending.delete(reply.file);
    if (this.#pending.size === 0) this.#worker.unref();
    if (reply.kind === 'failed') pending?.reject(fromWire(reply.error));
    else pending?.resolve(reply);
  }

  #crash(cause: unknown): void {
    this.#cause ??= cause;
    // Node ends the thread after an error by itself; a broken message must not leave it running.
    void this.#worker.terminate();
  }

  #exited(exitCode: number): void {
    const didCrash = this.#ended === undefined;
    const what = this.#cause instanceof Error ? this.#cause.message : `exit code ${exitCode}`;
    this.#end(
      new ParquetWriterError('ENCODER_CRASHED', `the worker thread died: ${what}`, {
        context: { exitCode },
        ...(this.#cause === undefined ? {} : { cause: this.#cause }),
      }),
    );
    this.#onExit(this, didCrash);
  }

  #end(reason: ParquetWriterError): void {
    this.#ended ??= reason;
    this.isRetiring = true;
    for (const pending of this.#pending.values()) pending.reject(this.#ended);
    this.#pending.clear();
    this.#files.clear();
  }
}

/** The worker's own file: a second entry of the build, or the source beside this file. */
function workerUrl(): URL {
  const isSource = import.meta.url.endsWith('.ts');
  return new URL(isSource ? './encoder-worker.ts' : './encoder-worker.js', import.meta.url);
}
