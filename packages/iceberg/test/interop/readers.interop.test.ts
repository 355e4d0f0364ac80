// Every kind of table that this package writes, read by PyIceberg, DuckDB and iceberg-rust; Iceberg Java reads them in
// readers.jvm.test.ts. docs/compatibility.md is the short form.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PrintedRow } from '../support/printed.ts';
import type { JudgeProcess } from './judge-process.ts';
import { startReaderJudge } from './judge-readers.ts';
import {
  expectOursToRead,
  expectVerdict,
  judgeCase,
  makeCases,
  type ReaderCase,
  readKnownGaps,
  shapeNames,
} from './reader-matrix.ts';

/** What each can be asked for. */
const readers = {
  pyiceberg: { snapshots: true, refs: true, filters: true },
  duckdb: { snapshots: true, refs: false, filters: false },
  rust: { snapshots: false, refs: false, filters: false },
} as const;

const gaps = readKnownGaps().filter(({ reader }) => reader in readers);
const judged = new Set<string>();
let folder: string;
let judge: JudgeProcess;
let versions: Readonly<Record<keyof typeof readers, string>>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'iceberg-readers-'));
  judge = startReaderJudge();
  versions = await judge.request('versions');
}, 60_000);

afterAll(async () => {
  await judge?.close();
  await rm(folder, { recursive: true, force: true });
});

const answers = (name: keyof typeof readers, { snapshotId, ref, equal }: ReaderCase): boolean =>
  (snapshotId === undefined || readers[name].snapshots) &&
  (ref === undefined || readers[name].refs) &&
  (equal === undefined || readers[name].filters);

test.each(shapeNames)(
  'PyIceberg, DuckDB, iceberg-rust and we read the rows of a table: %s',
  async (name) => {
    for (const each of await makeCases(name, folder, judge)) {
      await expectOursToRead(each);
      for (const reader of ['pyiceberg', 'duckdb', 'rust'] as const) {
        if (!answers(reader, each)) continue;
        const { name: _, rows, ...request } = each;
        const verdict = await judgeCase(each, () => judge.request<PrintedRow[]>(reader, request));
        judged.add(`${each.name} | ${reader}`);
        expectVerdict(gaps, each, { name: reader, version: versions[reader] }, verdict);
      }
    }
  },
  60_000,
);

test('every known gap of these readers was looked at', () => {
  expect(gaps.map(({ name, reader }) => `${name} | ${reader}`).filter((gap) => !judged.has(gap))).toEqual([]);
});
