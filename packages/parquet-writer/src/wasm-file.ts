/**
 * The one file that knows parquet-wasm: record batches in, the bytes of one Parquet file out.
 *
 * How it makes one record batch one row group: the engine closes a row group, before it takes the next
 * batch, once the open one has at least `maxRowGroupBytes` bytes; with a limit of 1 that is always.
 * What it does not tell: a failed write is swallowed (`let _ = writer.write(…)` in its stream
 * transformer) and a failed close leaves the stream open. So every file is checked against its footer,
 * and `finish` has a watchdog.
 */
import {
  Compression,
  EnabledStatistics,
  type RecordBatch,
  Table,
  transformParquetStream,
  WriterPropertiesBuilder,
  wasmMemory,
} from 'parquet-wasm/node';
import { ParquetWriterError } from './errors.ts';
import { MAX_ROW_GROUP_ROWS } from './limits.ts';
import { hasBounds } from './metrics-mode.ts';
import type { ColumnPlan } from './schema.ts';
import type { WireFileOptions } from './worker-protocol.ts';

/** How long the engine may stay silent after its input ended. It computes without giving up the thread. */
const FINISH_WATCHDOG_MS = 60_000;

const COMPRESSION = {
  zstd: Compression.ZSTD,
  snappy: Compression.SNAPPY,
  none: Compression.UNCOMPRESSED,
} as const;

/** Bytes of the wasm heap of this thread. It only ever grows. */
export function wasmHeapBytes(): number {
  return (wasmMemory() as { buffer: ArrayBuffer }).buffer.byteLength;
}

/** One file being encoded. Calls must not overlap. */
export class WasmParquetFile {
  readonly #plans: readonly ColumnPlan[];
  readonly #options: WireFileOptions;
  readonly #chunks: Uint8Array[] = [];
  readonly #input: ReadableStream<RecordBatch>;
  #wanted: (() => void) | undefined;
  #controller: ReadableStreamDefaultController<RecordBatch> | undefined;
  #output: Promise<void> | undefined;
  #failure: unknown;
  #isEnded = false;

  constructor(plans: readonly ColumnPlan[], options: WireFileOptions) {
    this.#plans = plans;
    this.#options = options;
    this.#input = new ReadableStream<RecordBatch>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => this.#wanted?.(),
      },
      { highWaterMark: 0 },
    );
  }

  /**
   * Encodes one record batch (an IPC stream holding exactly one) as one row group. Resolves when the
   * engine asks for the next, so at most one batch is in the wasm heap.
   */
  async writeRowGroup(ipc: Uint8Array, averageRowBytes: number): Promise<void> {
    const table = Table.fromIPCStream(ipc);
    const batch = table.recordBatch(0);
    table.free();
    if (batch === undefined) throw new ParquetWriterError('ENCODER_FAILED', 'the engine saw no record batch');
    // The engine reads this batch without asking: the first from the queue, later ones by the read that
    // is already waiting. Its next request therefore says that this one was encoded.
    const consumed = new Promise<void>((resolve) => {
      this.#wanted = resolve;
    });
    this.#controller?.enqueue(batch);
    if (this.#output === undefined) this.#output = this.#start(averageRowBytes);
    await Promise.race([consumed, this.#output]);
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#isEnded) throw new ParquetWriterError('ENCODER_FAILED', 'the engine ended the file early');
  }

  /** The whole file. At least one batch (it may be empty) must have been written. */
  async finish(): Promise<Uint8Array<ArrayBuffer>> {
    await this.#end();
    if (this.#failure !== undefined) throw this.#failure;
    const bytes = new Uint8Array(this.#chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0));
    let offset = 0;
    for (const chunk of this.#chunks) {
      bytes.set(chunk, offset);
      offset += chunk.byteLength;
    }
    this.#chunks.length = 0;
    return bytes;
  }

  /** Gives up the file; its memory returns to the engine. */
  async abort(): Promise<void> {
    this.#chunks.length = 0;
    if (this.#output !== undefined && !this.#isEnded) await this.#end();
    this.#chunks.length = 0;
  }

  async #end(): Promise<void> {
    this.#controller?.close();
    let timer: NodeJS.Timeout | undefined;
    const watchdog = new Promise<never>((_, reject) => {
      const error = new ParquetWriterError('ENCODER_FAILED', 'the engine did not finish the file');
      timer = setTimeout(() => reject(error), FINISH_WATCHDOG_MS);
    });
    try {
      await Promise.race([this.#output, watchdog]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #start(averageRowBytes: number): Promise<void> {
    try {
      const output = await transformParquetStream(this.#input, this.#properties(averageRowBytes));
      for await (const chunk of output as unknown as AsyncIterable<Uint8Array>) this.#chunks.push(chunk);
    } catch (error) {
      this.#failure = error;
    }
    this.#isEnded = true;
  }

  #properties(averageRowBytes: number) {
    const { compression, pageBytes, keyValueMetadata, modes } = this.#options;
    // The engine looks at a page's size every so many rows: few enough that pages of large rows stay near the limit.
    const batchRows = Math.min(1024, Math.max(1, Math.floor(pageBytes / 8 / Math.max(1, averageRowBytes))));
    let builder = new WriterPropertiesBuilder()
      .setCompression(COMPRESSION[compression])
      .setMaxRowGroupBytes(1)
      .setMaxRowGroupSize(MAX_ROW_GROUP_ROWS)
      .setDataPageSizeLimit(pageBytes)
      .setWriteBatchSize(batchRows)
      // Nested columns can only be reached through the default: no statistics, with dictionary.
      .setStatisticsEnabled(EnabledStatistics.None)
      .setKeyValueMetadata(new Map(Object.entries(keyValueMetadata)));
    this.#plans.forEach((plan, index) => {
      const mode = modes[index];
      if (plan.layout === 'map' || mode === undefined) return;
      builder = builder.setColumnDictionaryEnabled(plan.name, plan.layout === 'utf8');
      const statistics = hasBounds(mode) ? EnabledStatistics.Page : EnabledStatistics.None;
      builder = builder.setColumnStatisticsEnabled(plan.name, statistics);
    });
    return builder.build();
  }
}
