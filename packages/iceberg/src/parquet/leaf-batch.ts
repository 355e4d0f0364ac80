import type { ColumnValues } from './parquet-convert.ts';

/** A run of one leaf column. */
export interface LeafBatch {
  /** Values and gaps: nulls, and the places where an enclosing list or struct is empty or absent. */
  readonly entryCount: number;
  /** The values that are there, without gaps. */
  readonly values: ColumnValues;
  /** One level for each entry; absent when every entry is a value. */
  readonly definitions?: Uint8Array;
  /** One level for each entry; absent for columns that do not repeat. */
  readonly repetitions?: Uint8Array;
}

/** Puts runs that follow each other together. `maxDefinition` is the level of a value that is there. */
export function joinBatches(parts: readonly LeafBatch[], maxDefinition: number): LeafBatch {
  const [only] = parts;
  if (parts.length === 1 && only) return only;
  const entryCount = parts.reduce((sum, part) => sum + part.entryCount, 0);
  const definitions = joinLevels(parts, entryCount, maxDefinition, (part) => part.definitions);
  const repetitions = joinLevels(parts, entryCount, 0, (part) => part.repetitions);
  return {
    entryCount,
    values: joinValues(parts),
    ...(definitions ? { definitions } : {}),
    ...(repetitions ? { repetitions } : {}),
  };
}

function joinValues(parts: readonly LeafBatch[]): ColumnValues {
  const values: ColumnValues[number][] = [];
  for (const part of parts) {
    for (let i = 0; i < part.values.length; i += 1) values.push(part.values[i] as ColumnValues[number]);
  }
  return values;
}

function joinLevels(
  parts: readonly LeafBatch[],
  entryCount: number,
  whenAbsent: number,
  levelsOf: (part: LeafBatch) => Uint8Array | undefined,
): Uint8Array | undefined {
  if (parts.every((part) => levelsOf(part) === undefined)) return undefined;
  const joined = new Uint8Array(entryCount).fill(whenAbsent);
  let offset = 0;
  for (const part of parts) {
    const levels = levelsOf(part);
    if (levels) joined.set(levels, offset);
    offset += part.entryCount;
  }
  return joined;
}
