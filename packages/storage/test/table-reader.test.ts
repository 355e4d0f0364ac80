import { createMemoryCatalog, type LoadedTable, prepareAppend } from '@danube/iceberg';
import { createFileIO, createMemoryObjectStore } from '@danube/objectstore';
import { createParquetEncoder } from '@danube/parquet-writer';
import { afterAll, describe, expect, it } from 'vitest';
import { writeDataFiles } from '../src/data-files.ts';
import type { StoredMessage } from '../src/index.ts';
import { tableOptions } from '../src/table-layout.ts';
import { TableReader } from '../src/table-reader.ts';
import { tableNameOf } from '../src/topic-name.ts';
import { message, offsets, range } from './support/messages.ts';

const TOPIC = '/default/orders';
const encoder = createParquetEncoder();
afterAll(() => encoder.close());
const store = createMemoryObjectStore();
const io = createFileIO({ store, baseUri: 'memory:///' });

/** A table whose files hold these offsets in this order: what a compaction that sorts by something else leaves. */
async function tableOf(...files: readonly (readonly number[])[]): Promise<LoadedTable> {
  const catalog = createMemoryCatalog({ io, warehouse: `memory:///${crypto.randomUUID()}` });
  await catalog.createNamespace(['default']);
  let table = await catalog.createTable(
    { namespace: ['default'], name: 'orders' },
    tableOptions(tableNameOf(TOPIC)),
  );
  for (const [number, file] of files.entries()) {
    const rows = file.map(
      (offset): StoredMessage => ({
        ...message(offset, { payload: Buffer.from(`${number}:${offset}`.padEnd(300, '.')) }),
        topic: TOPIC,
        brokerAddr: '',
        offset,
        appendTimeMs: 1_700_000_000_000,
      }),
    );
    const written = await writeDataFiles(
      encoder,
      io,
      table,
      1,
      (async function* () {
        for (let at = 0; at < rows.length; at += 50) yield rows.slice(at, at + 50);
      })(),
    );
    const prepared = await prepareAppend({ base: table, io, dataFiles: written.files });
    table = await catalog.commitTable(table.identifier, prepared.request);
  }
  return table;
}

async function readThrough(reader: TableReader, from: number, last: number) {
  const seen: StoredMessage[] = [];
  const duplicates: number[] = [];
  for (let next = from; next <= last; ) {
    const window = await reader.window(next, last);
    expect(window.endExclusive).toBeGreaterThan(next);
    for (const one of window.messages) expect(one.offset).toBeLessThan(window.endExclusive);
    seen.push(...window.messages);
    duplicates.push(...window.duplicates);
    next = window.endExclusive;
  }
  return { seen, duplicates };
}

function shuffled(values: readonly number[], seed = 1): number[] {
  let state = seed;
  return values
    .map((value) => {
      state = (state * 48_271) % 2_147_483_647;
      return { value, key: state };
    })
    .sort((a, b) => a.key - b.key)
    .map((entry) => entry.value);
}

describe('reading a table by offsets', () => {
  it.each([16 * 1024, 64 * 1024, 16 * 1024 * 1024])(
    'in a window of %i bytes: rows in any order in any file',
    async (windowBytes) => {
      const all = shuffled(range(0, 1999));
      const { metadata } = await tableOf(
        all.slice(0, 700),
        range(2000, 2499),
        all.slice(700),
        range(2500, 2599),
      );
      const { seen, duplicates } = await readThrough(
        new TableReader(metadata, io, TOPIC, windowBytes),
        0,
        2599,
      );
      expect(offsets(seen)).toEqual(range(0, 2599));
      expect(duplicates).toEqual([]);
    },
  );

  it('from the middle, up to the middle, and past what is missing', async () => {
    const { metadata } = await tableOf(range(0, 99), range(200, 299));
    const reader = new TableReader(metadata, io, TOPIC, 64 * 1024);
    expect(offsets((await readThrough(reader, 50, 249)).seen)).toEqual([
      ...range(50, 99),
      ...range(200, 249),
    ]);
    // Back again: it plans anew.
    expect(offsets((await readThrough(reader, 0, 9)).seen)).toEqual(range(0, 9));
    expect(offsets((await readThrough(reader, 250, 999)).seen)).toEqual(range(250, 299));
  });

  it('of two rows for one offset the one that was there first counts, and it is told', async () => {
    const { metadata } = await tableOf(range(0, 9), range(5, 14));
    const { seen, duplicates } = await readThrough(new TableReader(metadata, io, TOPIC, 64 * 1024), 0, 14);
    expect(offsets(seen)).toEqual(range(0, 14));
    expect(duplicates).toEqual(range(5, 9));
    const origin = (offset: number) =>
      Buffer.from(seen[offset]?.payload ?? [])
        .toString()
        .split(':')[0];
    expect([4, 5, 9, 10].map(origin)).toEqual(['0', '0', '0', '1']);
  });

  it('refuses a file it cannot read, naming it, and never leaves it out', async () => {
    const table = await tableOf(range(0, 9));
    const missing: typeof io = {
      ...io,
      readRange: () => Promise.reject(new Error('gone')),
      readFile: io.readFile,
    };
    const reader = new TableReader(table.metadata, missing, TOPIC, 64 * 1024);
    await expect(reader.window(0, 9)).rejects.toMatchObject({ code: 'UNREADABLE' });
  });
});
