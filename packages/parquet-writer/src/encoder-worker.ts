/** The worker thread: row groups in, finished files out. Started by WorkerThread; not for import. */
import { parentPort } from 'node:worker_threads';
import { ArrowBatchEncoder } from './arrow-batch.ts';
import { toWire } from './errors.ts';
import { FileMetrics } from './file-metrics.ts';
import type { FlatColumn } from './flat-column.ts';
import { checkFooter } from './footer-check.ts';
import type { ColumnPlan } from './schema.ts';
import { WasmParquetFile, wasmHeapBytes } from './wasm-file.ts';
import type { WireFile, WireFileOptions, WorkerReply, WorkerRequest } from './worker-protocol.ts';

/** One open file of this worker. */
class OpenFile {
  readonly #plans: readonly ColumnPlan[];
  readonly #options: WireFileOptions;
  readonly #arrow: ArrowBatchEncoder;
  readonly #parquet: WasmParquetFile;
  readonly #metrics: FileMetrics;

  constructor(plans: readonly ColumnPlan[], options: WireFileOptions) {
    this.#plans = plans;
    this.#options = options;
    this.#arrow = new ArrowBatchEncoder(plans);
    this.#parquet = new WasmParquetFile(plans, options);
    this.#metrics = new FileMetrics(plans, options.modes);
  }

  async writeRowGroup(columns: readonly FlatColumn[], rowCount: number, rawBytes: number): Promise<void> {
    this.#metrics.addRowGroup(columns, rowCount);
    await this.#parquet.writeRowGroup(this.#arrow.encode(columns, rowCount), rawBytes / rowCount);
  }

  async finish(): Promise<WireFile> {
    if (this.#metrics.rowGroups.length === 0) {
      // The engine takes the schema from its first batch; an empty one makes no row group.
      await this.#parquet.writeRowGroup(this.#arrow.encode(this.#plans.map(emptyColumn), 0), 0);
    }
    const bytes = await this.#parquet.finish();
    const facts = checkFooter(bytes, this.#plans, this.#options, this.#metrics.rowGroups);
    const recordCount = this.#metrics.rowGroups.reduce((sum, group) => sum + group.rowCount, 0);
    return { bytes, recordCount, ...facts, ...this.#metrics.total() };
  }

  abort(): Promise<void> {
    return this.#parquet.abort();
  }
}

const port = parentPort;
if (port === null) throw new Error('encoder-worker runs as a worker thread only');
const files = new Map<number, OpenFile>();
let queue: Promise<void> = Promise.resolve();

port.on('message', (request: WorkerRequest) => {
  queue = queue.then(() => handle(request));
});

async function handle(request: WorkerRequest): Promise<void> {
  const { file } = request;
  try {
    if (request.kind === 'open') {
      files.set(file, new OpenFile(request.plans, request.options));
      return;
    }
    const open = files.get(file);
    if (open === undefined) throw new Error(`file ${file} is not open`);
    if (request.kind === 'rowGroup') {
      await open.writeRowGroup(request.columns, request.rowCount, request.rawBytes);
      reply({ kind: 'done', file, heapBytes: wasmHeapBytes() });
    } else if (request.kind === 'finish') {
      const result = await open.finish();
      files.delete(file);
      reply({ kind: 'finished', file, result, heapBytes: wasmHeapBytes() }, [result.bytes.buffer]);
    } else {
      files.delete(file);
      await open.abort();
      reply({ kind: 'done', file, heapBytes: wasmHeapBytes() });
    }
  } catch (error) {
    const failed = files.get(file);
    files.delete(file);
    // What failed is told; that giving the file up fails as well would only hide it.
    await failed?.abort().catch(() => {});
    reply({ kind: 'failed', file, error: toWire(error), heapBytes: wasmHeapBytes() });
  }
}

function reply(message: WorkerReply, transfer: ArrayBuffer[] = []): void {
  port?.postMessage(message, transfer);
}

function emptyColumn(plan: ColumnPlan): FlatColumn {
  const varlen = (): FlatColumn => ({
    length: 0,
    nullCount: 0,
    validity: undefined,
    data: { kind: 'varlen', offsets: new Int32Array(1), bytes: new Uint8Array(0) },
  });
  const empty = { length: 0, nullCount: 0, validity: undefined } as const;
  switch (plan.layout) {
    case 'utf8':
    case 'bytes':
      return varlen();
    case 'map':
      return {
        ...empty,
        data: { kind: 'map', offsets: new Int32Array(1), keys: varlen(), values: varlen() },
      };
    case 'bits':
      return { ...empty, data: { kind: 'bits', bits: new Uint8Array(0) } };
    case 'fixed':
      return { ...empty, data: { kind: 'fixed', bytes: new Uint8Array(0) } };
    case 'int64':
      return { ...empty, data: { kind: 'values', values: new BigInt64Array(0) } };
    case 'int32':
      return { ...empty, data: { kind: 'values', values: new Int32Array(0) } };
    case 'float32':
      return { ...empty, data: { kind: 'values', values: new Float32Array(0) } };
    case 'float64':
      return { ...empty, data: { kind: 'values', values: new Float64Array(0) } };
  }
}
