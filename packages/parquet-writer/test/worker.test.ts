import type { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createParquetEncoder, type ParquetEncoder, ParquetWriterError } from '../src/index.ts';
import { DANUBE_FILE, danubeRows } from './support/danube-fields.ts';
import { readRows } from './support/read-back.ts';

/** The threads started since the test began; Node tells of each. */
let threads: Worker[] = [];
const remember = (worker: Worker) => threads.push(worker);
let encoder: ParquetEncoder;

beforeEach(() => {
  threads = [];
  process.on('worker', remember as never);
});
afterEach(async () => {
  process.off('worker', remember as never);
  await encoder.close();
});

const SMALL_GROUPS = { ...DANUBE_FILE, rowGroupBytes: 65_536 };

async function caught(promise: Promise<unknown>): Promise<ParquetWriterError> {
  try {
    await promise;
  } catch (error) {
    if (ParquetWriterError.is(error)) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

async function offsetsOf(bytes: Uint8Array<ArrayBuffer>): Promise<unknown[]> {
  return (await readRows(bytes, { columns: ['segment_offset'] })).map((row) => row.segment_offset);
}

describe('a dying worker', () => {
  it('rejects every pending file with ENCODER_CRASHED, and the encoder goes on with a new worker', async () => {
    encoder = createParquetEncoder();
    const writers = [encoder.open(SMALL_GROUPS), encoder.open(SMALL_GROUPS)];
    const idle = encoder.open(SMALL_GROUPS);
    await idle.write(danubeRows(0, 10, 10));
    for (const writer of writers) await writer.write(danubeRows(0, 300, 1000));
    const pending = writers.map((writer) => caught(writer.write(danubeRows(300, 5000, 1000))));
    await threads[0]?.terminate();
    for (const error of await Promise.all(pending)) {
      expect([error.code, error.retryable]).toEqual(['ENCODER_CRASHED', true]);
    }
    for (const writer of writers) {
      expect((await caught(writer.write(danubeRows(0, 1, 1)))).code).toBe('ENCODER_CRASHED');
      expect((await caught(writer.finish())).code).toBe('ENCODER_CRASHED');
      await writer.abort();
    }
    // A file of which the worker held nothing yet loses nothing.
    expect(await offsetsOf((await idle.finish()).bytes)).toHaveLength(10);
    const again = encoder.open(SMALL_GROUPS);
    await again.write(danubeRows(0, 300, 1000));
    expect(await offsetsOf((await again.finish()).bytes)).toHaveLength(300);
    expect(encoder.stats()).toMatchObject({ workers: 1, workersStarted: 2, workersCrashed: 1, openFiles: 0 });
  });

  it('of an exception nobody caught tells its cause', async () => {
    encoder = createParquetEncoder();
    const writer = encoder.open(SMALL_GROUPS);
    await writer.write(danubeRows(0, 300, 1000));
    // Not a request: the worker's handler fails outside of any file.
    threads[0]?.postMessage(null);
    const error = await caught(writer.finish());
    expect(error.code).toBe('ENCODER_CRASHED');
    expect((error.cause as Error).name).toBe('TypeError');
  });

  it('between two files is noticed by neither', async () => {
    encoder = createParquetEncoder();
    for (let life = 0; life < 3; life++) {
      const writer = encoder.open(DANUBE_FILE);
      await writer.write(danubeRows(0, 10, 10));
      expect((await writer.finish()).recordCount).toBe(10);
      await threads[life]?.terminate();
    }
    expect(encoder.stats()).toMatchObject({ workers: 0, workersStarted: 3, workersCrashed: 3 });
  });
});

describe('the wasm heap', () => {
  it('stays bounded: a worker that grew beyond the limit is replaced, never under an open file', async () => {
    encoder = createParquetEncoder({ maxWasmHeapBytes: 64 * 1024 * 1024 });
    const long = encoder.open(DANUBE_FILE);
    await long.write(danubeRows(0, 20_000, 1024));
    const first = encoder.stats();
    for (let file = 0; file < 2; file++) {
      const writer = encoder.open(DANUBE_FILE);
      await writer.write(danubeRows(0, 30_000, 1024));
      expect((await writer.finish()).recordCount).toBe(30_000);
    }
    // The long file still lives on the first worker, which retired when another file ended on it.
    expect(first.workersStarted).toBe(1);
    expect(encoder.stats().workersStarted).toBeGreaterThan(1);
    expect(encoder.stats().workers).toBeLessThanOrEqual(2);
    await long.write(danubeRows(20_000, 20_000, 1024));
    const { bytes } = await long.finish();
    expect(await offsetsOf(bytes)).toEqual(Array.from({ length: 40_000 }, (_, row) => BigInt(row)));
    expect(encoder.stats().workersCrashed).toBe(0);
    expect(encoder.stats().wasmHeapBytes).toBeLessThan(256 * 1024 * 1024);
  });

  it('does not grow with the number of files that are given up', async () => {
    encoder = createParquetEncoder();
    let early = 0;
    for (let file = 0; file < 30; file++) {
      const writer = encoder.open({ ...DANUBE_FILE, rowGroupBytes: 1024 * 1024 });
      await writer.write(danubeRows(0, 3000, 1024));
      await writer.abort();
      if (file === 9) early = encoder.stats().wasmHeapBytes;
    }
    expect(encoder.stats().wasmHeapBytes).toBe(early);
    expect(encoder.stats().openFiles).toBe(0);
  });
});
