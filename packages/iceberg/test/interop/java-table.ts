import type { Printed, PrintedRow } from '../support/printed.ts';
import type { JudgeProcess } from './judge-process.ts';

/** A manifest as Java read it; 64-bit numbers are text, bounds are hex. */
export interface JavaManifest {
  readonly path: string;
  readonly content: 'data' | 'deletes';
  readonly specId: number;
  readonly sequenceNumber: string;
  readonly minSequenceNumber: string;
  readonly entries: readonly JavaEntry[];
  readonly [field: string]: unknown;
}

export interface JavaEntry {
  readonly status: 'existing' | 'added' | 'deleted';
  readonly snapshotId: string;
  readonly sequenceNumber: string;
  readonly fileSequenceNumber: string;
  readonly content: 'data' | 'position_deletes' | 'equality_deletes';
  readonly path: string;
  readonly partition: PrintedRow;
  readonly recordCount: string;
  readonly [field: string]: unknown;
}

/** Where a table stands: `metadata` is the text of its metadata file as Java would write it. */
export interface JavaState {
  readonly metadataLocation: string;
  readonly snapshotId: string | null;
  readonly metadata: string;
  /** Only after a commit that expires snapshots. */
  readonly deletedFiles?: readonly string[];
}

/**
 * Which table is meant: one in a catalog file, or (for reading) a metadata file. `map` has locations that begin with
 * `from` live under the folder `to`.
 */
export interface JavaTableRef {
  readonly catalog?: { readonly file: string; readonly name: string; readonly warehouse: string };
  readonly table?: string;
  readonly metadata?: string;
  readonly map?: { readonly from: string; readonly to: string };
}

/** See `Commits.java` for the actions and what each takes. */
export interface JavaAction {
  readonly type: string;
  readonly [option: string]: unknown;
}

export interface JavaCommitOptions {
  readonly branch?: string;
  readonly summary?: Readonly<Record<string, string>>;
  readonly stageOnly?: boolean;
  /** Builds the commit on the state of now and keeps it under this name until `commitStaged`. */
  readonly stage?: string;
}

export interface JavaReadOptions {
  /** Metadata columns such as `_row_id` too. */
  readonly columns?: readonly string[];
  /** An expression in the JSON form of Iceberg's ExpressionParser. */
  readonly filter?: object | boolean;
  /** For rows: a column with a value in the printed form. */
  readonly equal?: { readonly column: string; readonly value: Printed };
  readonly snapshotId?: bigint | string;
  readonly ref?: string;
}

/** A table in the hands of Iceberg Java. Files are named by the keys that the `write…` methods give. */
export interface JavaTable {
  create(options: object): Promise<JavaState>;
  register(location: string): Promise<JavaState>;
  load(): Promise<JavaState>;
  /** One file for each partition that rows fall into. Options: see `Writers.java`. */
  writeData(rows: readonly PrintedRow[], options?: object): Promise<string[]>;
  writeEqualityDeletes(
    columns: readonly string[],
    rows: readonly PrintedRow[],
    options?: object,
  ): Promise<string[]>;
  /** Positions by data file. Options: `each` (a delete file for each data file). */
  writePositionDeletes(
    deletes: Readonly<Record<string, readonly number[]>>,
    options?: object,
  ): Promise<string[]>;
  /** Positions and [from, toExclusive] ranges by data file; absorbs vectors that are there. */
  writeDeletionVectors(
    deletes: Readonly<Record<string, readonly (number | readonly [number, number])[]>>,
  ): Promise<{ files: string[]; replaced: string[] }>;
  /** A Parquet file that another program wrote, with the metrics Java takes from it. */
  describeFile(path: string, options?: object): Promise<string[]>;
  commit(action: JavaAction, options?: JavaCommitOptions): Promise<JavaState>;
  commitStaged(stage: string): Promise<JavaState>;
  /** Writes rows and appends them: `fastAppend`, or `append` for one that merges manifests. */
  append(
    rows: readonly PrintedRow[],
    type?: 'fastAppend' | 'append',
    options?: JavaCommitOptions,
  ): Promise<JavaState>;
  rows(options?: JavaReadOptions): Promise<PrintedRow[]>;
  plan(options?: JavaReadOptions): Promise<{ path: string; residual: string; deletes: string[] }[]>;
  manifests(options?: JavaReadOptions): Promise<JavaManifest[]>;
}

export function javaTable(judge: JudgeProcess, ref: JavaTableRef): JavaTable {
  const ask = <T>(op: string, request: object = {}): Promise<T> =>
    judge.request<T>(op, { ...ref, ...request });
  const read = <T>(op: string, { snapshotId, ...options }: JavaReadOptions = {}): Promise<T> =>
    ask<T>(op, { ...options, ...(snapshotId === undefined ? {} : { snapshotId: String(snapshotId) }) });
  const commit = (action: JavaAction, options: JavaCommitOptions = {}) =>
    ask<JavaState>('commit', { action, ...options });
  const writeData = (rows: readonly PrintedRow[], options: object = {}) =>
    ask<string[]>('writeData', { rows, ...options });
  return {
    create: (options) => ask('createTable', options),
    register: (location) => ask('registerTable', { location }),
    load: () => ask('table'),
    writeData,
    writeEqualityDeletes: (columns, rows, options) =>
      ask('writeEqualityDeletes', { columns, rows, ...options }),
    writePositionDeletes: (deletes, options) => ask('writePositionDeletes', { deletes, ...options }),
    writeDeletionVectors: (deletes) => ask('writeDeletionVectors', { deletes }),
    describeFile: (path, options) => ask('describeFile', { path, ...options }),
    commit,
    commitStaged: (stage) => ask('commitStaged', { stage }),
    append: async (rows, type = 'fastAppend', options = {}) =>
      commit({ type, add: await writeData(rows) }, options),
    rows: (options) => read('rows', options),
    plan: (options) => read('plan', options),
    manifests: (options) => read('manifests', options),
  };
}
