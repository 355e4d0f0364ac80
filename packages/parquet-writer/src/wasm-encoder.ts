import type { EncoderStats, ParquetEncoder, ParquetFileWriter } from './encoder.ts';
import { ParquetWriterError } from './errors.ts';
import { FileWriter } from './file-writer.ts';
import {
  type EncoderOptions,
  type FileOptions,
  resolveEncoderOptions,
  resolveFileOptions,
} from './options.ts';
import { WorkerThread } from './worker-thread.ts';

/**
 * An encoder on parquet-wasm in a worker thread. The thread starts with the first row group and does not
 * keep the process alive while it is idle. Memory: the wasm heap of each live worker (see
 * {@link EncoderOptions.maxWasmHeapBytes}), per open file two row groups and the encoded bytes so far,
 * and at `finish` the file's size once more.
 *
 * @throws ParquetWriterError `INVALID_OPTIONS`
 */
export function createParquetEncoder(options: EncoderOptions = {}): ParquetEncoder {
  return new WasmEncoder(resolveEncoderOptions(options));
}

/** One current worker thread, replaced when its heap grew too large or it died. */
class WasmEncoder implements ParquetEncoder {
  readonly #options: Required<EncoderOptions>;
  readonly #threads = new Set<WorkerThread>();
  #current: WorkerThread | undefined;
  #workersStarted = 0;
  #workersCrashed = 0;
  #lastFile = 0;
  #isClosed = false;

  constructor(options: Required<EncoderOptions>) {
    this.#options = options;
  }

  open(options: FileOptions): ParquetFileWriter {
    this.#expectOpen();
    this.#lastFile += 1;
    return new FileWriter(this.#lastFile, resolveFileOptions(options), {
      acquire: () => this.#acquire(),
      release: (thread, file) => this.#release(thread, file),
    });
  }

  stats(): EncoderStats {
    const threads = [...this.#threads];
    return {
      openFiles: threads.reduce((sum, thread) => sum + thread.openFiles, 0),
      workers: threads.length,
      workersStarted: this.#workersStarted,
      workersCrashed: this.#workersCrashed,
      wasmHeapBytes: threads.reduce((sum, thread) => sum + thread.heapBytes, 0),
    };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const reason = closedError();
    await Promise.all([...this.#threads].map((thread) => thread.terminate(reason)));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #acquire(): WorkerThread {
    this.#expectOpen();
    if (this.#current === undefined || this.#current.isRetiring) {
      this.#workersStarted += 1;
      this.#current = new WorkerThread((thread, didCrash) => {
        this.#threads.delete(thread);
        if (didCrash) this.#workersCrashed += 1;
      });
      this.#threads.add(this.#current);
    }
    return this.#current;
  }

  #release(thread: WorkerThread, file: number): void {
    thread.release(file);
    if (thread.heapBytes > this.#options.maxWasmHeapBytes) thread.isRetiring = true;
    // Also when it became too large while other files were open on it: the last one ends it.
    if (thread.isRetiring && thread.openFiles === 0) {
      void thread.terminate(new ParquetWriterError('ENCODER_CRASHED', 'the worker was retired'));
    }
  }

  #expectOpen(): void {
    if (this.#isClosed) throw closedError();
  }
}

function closedError(): ParquetWriterError {
  return new ParquetWriterError('ENCODER_CLOSED', 'the encoder is closed');
}
