import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import {
  type Expression,
  eq,
  findFieldByName,
  loadTableMetadata,
  type PrimitiveType,
  type Schema,
  scanRows,
  scanSchema,
} from '../../src/index.ts';
import { countRows } from '../support/golden.ts';
import { JudgedTable } from '../support/judged-table.ts';
import { type Printed, type PrintedRow, parsePrinted, printRow } from '../support/printed.ts';
import { shapes } from '../support/shapes.ts';
import { createLocalFileIO } from './judge.ts';
import type { JudgeProcess } from './judge-process.ts';

/** One thing that every reader is asked for. */
export interface ReaderCase {
  /** The shape's name, with ` @past` or ` @ref` for another snapshot than the current one, ` @COLUMN=VALUE` for a filter. */
  readonly name: string;
  readonly metadata: string;
  readonly rows: readonly PrintedRow[];
  readonly snapshotId?: string;
  readonly ref?: string;
  /** Only rows with that value: a file whose partition is wrong would be left out. */
  readonly equal?: { readonly column: string; readonly value: Printed };
}

/** A combination that is known not to work, from `test/known-gaps.txt`. */
export interface KnownGap {
  readonly name: string;
  readonly reader: string;
  readonly version: string;
  /** A part of the reader's error, or of the rows' difference. */
  readonly error: string;
}

const io = createLocalFileIO();

export function readKnownGaps(): KnownGap[] {
  return readFileSync(join(import.meta.dirname, '../known-gaps.txt'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [name = '', reader = '', version = '', error = ''] = line.split(' | ').map((part) => part.trim());
      if (error === '') throw new Error(`test/known-gaps.txt: four parts expected: ${line}`);
      return { name, reader, version, error };
    });
}

/** The names of all cases: what a shape is asked for is known only when it is made. */
export const shapeNames: readonly string[] = Object.keys(shapes);

/** Makes the table of a shape in a folder of its own, and gives what readers are asked for. */
export async function makeCases(name: string, folder: string, writer: JudgeProcess): Promise<ReaderCase[]> {
  const shape = shapes[name]!;
  const write = async (file: object) => {
    await writer.request('write', { files: [file] });
  };
  const table = await JudgedTable.create(join(folder, name.replaceAll(' ', '-')), io, write, shape.options);
  const { rows, past, ref, lookUp = [] } = await shape.make(table);
  const metadata = await table.metadataLocation();
  return [
    { name, metadata, rows },
    ...(past
      ? [{ name: `${name} @past`, metadata, rows: past.rows, snapshotId: String(past.snapshotId) }]
      : []),
    ...lookUp.flatMap((column) => lookUps({ name, metadata, rows }, column)),
    ...(ref ? [{ name: `${name} @ref`, metadata, rows: ref.rows, ref: ref.name }] : []),
  ];
}

function lookUps({ name, metadata, rows }: ReaderCase, column: string): ReaderCase[] {
  const values = [...new Set(rows.map((row) => row[column] ?? null))].filter((value) => value !== null);
  return values.map((value) => ({
    name: `${name} @${column}=${value}`,
    metadata,
    rows: rows.filter((row) => row[column] === value),
    equal: { column, value },
  }));
}

/** Our own reader, which has no known gaps. */
export async function expectOursToRead({
  metadata: location,
  rows,
  name,
  ...how
}: ReaderCase): Promise<void> {
  const metadata = await loadTableMetadata(io, location);
  const { snapshotId, ref, equal } = how;
  const selection = {
    ...(snapshotId === undefined ? {} : { snapshotId: BigInt(snapshotId) }),
    ...(ref === undefined ? {} : { ref }),
  };
  const schema = scanSchema(metadata, selection);
  const options = equal ? { filter: filterOf(schema, equal) } : {};
  const seen: PrintedRow[] = [];
  for await (const row of scanRows(metadata, io, { ...selection, ...options }))
    seen.push(printRow(schema, row));
  expect(countRows(seen), name).toEqual(countRows(rows));
}

function filterOf(schema: Schema, { column, value }: NonNullable<ReaderCase['equal']>): Expression {
  const type = findFieldByName(schema, column)!.type as PrimitiveType;
  return eq(column, parsePrinted(type, value as string | boolean));
}

/** What a reader made of a case: undefined if all is right, else what is wrong. */
export async function judgeCase(
  { rows }: ReaderCase,
  read: () => Promise<readonly PrintedRow[]>,
): Promise<string | undefined> {
  let seen: readonly PrintedRow[];
  try {
    seen = await read();
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
  const [expected, found] = [countRows(rows), countRows(seen)].map((all) => all.map(([row]) => row));
  const isIn = (all: readonly PrintedRow[] | undefined, row: PrintedRow) =>
    all?.some((other) => JSON.stringify(other) === JSON.stringify(row));
  const missing = expected?.filter((row) => !isIn(found, row)) ?? [];
  const extra = found?.filter((row) => !isIn(expected, row)) ?? [];
  if (missing.length + extra.length === 0 && rows.length === seen.length) return undefined;
  return `wrong rows: ${rows.length} expected, ${seen.length} found; ${difference(missing[0], extra[0])}`;
}

/** The columns in which two rows differ. */
function difference(expected: PrintedRow = {}, found: PrintedRow = {}): string {
  const names = [...new Set([...Object.keys(expected), ...Object.keys(found)])];
  return names
    .filter((name) => JSON.stringify(expected[name]) !== JSON.stringify(found[name]))
    .map((name) => `${name} is ${JSON.stringify(found[name])} for ${JSON.stringify(expected[name])}`)
    .join(', ');
}

/** Fails when a case is wrong and no known gap, and when it is a known gap and not wrong, or wrong in another way. */
export function expectVerdict(
  gaps: readonly KnownGap[],
  { name }: ReaderCase,
  reader: { readonly name: string; readonly version: string },
  verdict: string | undefined,
): void {
  const gap = gaps.find((known) => known.name === name && known.reader === reader.name);
  const line = [name, reader.name, reader.version, verdict?.slice(0, 300) ?? ''].join(' | ');
  if (gap === undefined) {
    expect(verdict, `not in test/known-gaps.txt: ${line}`).toBeUndefined();
    return;
  }
  expect(verdict, `this works now, take it out of test/known-gaps.txt: ${line}`).toBeDefined();
  expect(verdict).toContain(gap.error);
  expect(gap.version, `known gaps of ${reader.name} are of another version`).toBe(reader.version);
}
