import type { ColumnBatch } from './column-batch.ts';
import type { ParquetFile, ParquetFileWriter } from './encoder.ts';
import { ParquetWriterError } from './errors.ts';
import type { ResolvedFileOptions } from './options.ts';
import { type CheckedBatch, RowGroupBuilder } from './row-group-builder.ts';
import type { WorkerReply } from './worker-protocol.ts';
import type { WorkerThread } from './worker-thread.ts';

/** Where a file gets its thread: late, with its first row group, so that an idle file pins none. */
export interface ThreadSource {
  /** @throws ParquetWriterError `ENCODER_CLOSED` */
  acquire(): WorkerThread;
  release(thread: WorkerThread, file: number): void;
}

/** The caller's end of one file: builds row groups, hands them to a worker, keeps at most one in flight. */
export class FileWriter implements ParquetFileWriter {
  readonly #file: number;
  readonly #options: ResolvedFileOptions;
  readonly #source: ThreadSource;
  readonly #builder: RowGroupBuilder;
  #thread: WorkerThread | undefined;
  #rowCount = 0;
  #state: 'open' | 'finishing' | 'ended' = 'open';
  #failure: ParquetWriterError | undefined;
  /** Everything asked of this file so far; never rejects. */
  #tail: Promise<void> = Promise.resolve();
  /** The row group the worker is at; never rejects. */
  #inFlight: Promise<void> = Promise.resolve();

  constructor(file: number, options: ResolvedFileOptions, source: ThreadSource) {
    this.#file = file;
    this.#options = options;
    this.#source = source;
    this.#builder = new RowGroupBuilder(options.plans, options.rowGroupBytes);
  }

  get rowCount(): number {
    return this.#rowCount;
  }

  async write(batch: ColumnBatch): Promise<void> {
    this.#expectOpen();
    const checked = this.#builder.check(batch);
    this.#rowCount += checked.rowCount;
    await this.#enqueue(() => this.#append(checked));
  }

  async finish(): Promise<ParquetFile> {
    this.#expectOpen();
    this.#state = 'finishing';
    return this.#enqueue(async () => {
      if (this.#builder.rowCount > 0) await this.#flush();
      await this.#inFlight;
      this.#expectHealthy();
      const reply = await this.#ask(this.#acquire().request({ kind: 'finish', file: this.#file }));
      this.#end();
      if (reply.kind !== 'finished')
        throw new ParquetWriterError('ENCODER_FAILED', `answered with ${reply.kind}`);
      return { ...reply.result, fileSizeInBytes: reply.result.bytes.byteLength };
    });
  }

  async abort(): Promise<void> {
    if (this.#state !== 'open') {
      await this.#tail;
      return;
    }
    this.#state = 'ended';
    this.#failure ??= new ParquetWriterError('WRITER_CLOSED', 'the file was given up');
    await this.#enqueue(async () => {
      await this.#inFlight;
      const thread = this.#thread;
      // A worker that is gone has forgotten the file already; abort promises not to reject.
      await thread?.request({ kind: 'abort', file: this.#file }).catch(() => {});
      this.#end();
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.abort();
  }

  #enqueue<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(task);
    this.#tail = result.then(
      () => {},
      () => {},
    );
    return result;
  }

  async #append(batch: CheckedBatch): Promise<void> {
    let next = 0;
    this.#expectHealthy();
    while (next < batch.rowCount) {
      next = this.#builder.append(batch, next);
      if (next < batch.rowCount) await this.#flush();
      this.#expectHealthy();
    }
  }

  /** Waits for the row group before this one, then sends this one and does not wait for it. */
  async #flush(): Promise<void> {
    const { rowCount, rawBytes, columns } = this.#builder.seal();
    await this.#inFlight;
    this.#expectHealthy();
    const request = { kind: 'rowGroup', file: this.#file, rowCount, rawBytes, columns } as const;
    this.#inFlight = this.#ask(this.#acquire().request(request)).then(
      () => {},
      () => {},
    );
  }

  #acquire(): WorkerThread {
    if (this.#thread !== undefined) return this.#thread;
    try {
      const thread = this.#source.acquire();
      thread.open({
        kind: 'open',
        file: this.#file,
        plans: this.#options.plans,
        options: this.#options.wire,
      });
      this.#thread = thread;
      return thread;
    } catch (error) {
      throw this.#fail(error);
    }
  }

  async #ask(reply: Promise<WorkerReply>): Promise<WorkerReply> {
    try {
      return await reply;
    } catch (error) {
      throw this.#fail(error);
    }
  }

  /** The file is lost: the worker has forgotten it, or is gone. */
  #fail(error: unknown): ParquetWriterError {
    this.#failure ??= ParquetWriterError.is(error)
      ? error
      : new ParquetWriterError('ENCODER_FAILED', 'the worker could not be reached', { cause: error });
    this.#end();
    return this.#failure;
  }

  #end(): void {
    this.#state = 'ended';
    if (this.#thread === undefined) return;
    this.#source.release(this.#thread, this.#file);
    this.#thread = undefined;
  }

  #expectOpen(): void {
    this.#expectHealthy();
    if (this.#state === 'open') return;
    throw new ParquetWriterError('WRITER_CLOSED', 'the file is finished, failed or given up');
  }

  #expectHealthy(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }
}
