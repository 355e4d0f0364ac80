import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import {
  type Catalog,
  type CommitTransactionOptions,
  commitTransaction,
  currentSchema,
  type DataFile,
  describeParquetFile,
  type FileIO,
  type FileScanTask,
  type LoadedTable,
  planFiles,
  readTask,
  type TableIdentifier,
  type TableMetadata,
  type TableOperation,
} from '../../src/index.ts';
import { schemaToJson } from '../../src/metadata/schema-json.ts';
import { partitionRows } from '../support/partition-rows.ts';
import { type PrintedRow, printRow } from '../support/printed.ts';
import type { JudgeProcess } from './judge-process.ts';
import { type ModelColumn, type ModelRow, PairModel } from './pairs-model.ts';
import type { Random } from './pairs-random.ts';

export interface PairTableOptions {
  readonly catalog: Catalog;
  readonly identifier: TableIdentifier;
  readonly io: FileIO;
  readonly random: Random;
  /** Writes Parquet files for us: `reader_judge.py` or `pairs_judge.py`. */
  readonly writer: JudgeProcess;
  /** Default: of an empty table. */
  readonly model?: PairModel;
}

/** A table that two programs write, in our hands, with the model of what it must hold. */
export class PairTable {
  readonly catalog: Catalog;
  readonly identifier: TableIdentifier;
  readonly io: FileIO;
  readonly random: Random;
  readonly model: PairModel;
  /** The rows of branches and tags beside `main`. */
  readonly refs = new Map<string, readonly ModelRow[]>();
  /** The columns of each schema that was current after a commit. */
  readonly columnsOf = new Map<number, readonly ModelColumn[]>();
  /** Files that a commit of ours is about: what others do meanwhile should often concern them. */
  near: ReadonlySet<string> = new Set();
  /** What was done so far, in words. */
  readonly log: string[] = [];
  readonly #writer: JudgeProcess;
  /** Several of these may share a location. */
  readonly #prefix = randomUUID().slice(0, 8);
  #files = 0;

  constructor({ catalog, identifier, io, random, writer, model = new PairModel() }: PairTableOptions) {
    this.catalog = catalog;
    this.identifier = identifier;
    this.io = io;
    this.random = random;
    this.model = model;
    this.#writer = writer;
  }

  get target() {
    return { catalog: this.catalog, identifier: this.identifier, io: this.io };
  }

  load(): Promise<LoadedTable> {
    return this.catalog.loadTable(this.identifier);
  }

  commit(operations: readonly TableOperation[], options: CommitTransactionOptions = {}) {
    return commitTransaction(this.target, operations, options);
  }

  /** Call it after every commit, whoever made it. */
  async note(what: string): Promise<void> {
    this.log.push(what);
    this.columnsOf.set((await this.load()).metadata.currentSchemaId, this.model.columns);
  }

  /** The data files of `main` with the deletes that concern them. */
  async tasks(metadata?: TableMetadata): Promise<FileScanTask[]> {
    const tasks: FileScanTask[] = [];
    for await (const task of planFiles(metadata ?? (await this.load()).metadata, this.io)) tasks.push(task);
    return tasks;
  }

  /** A data file, if there is one. */
  async oneTask(): Promise<FileScanTask | undefined> {
    const tasks = await this.tasks();
    const near = tasks.filter(({ dataFile }) => this.near.has(dataFile.filePath));
    const [task] = this.random.some(near.length > 0 && this.random.chance(0.6) ? near : tasks, 1);
    return task;
  }

  /** The live rows of a file. */
  async rowsOf(task: FileScanTask): Promise<PrintedRow[]> {
    const rows: PrintedRow[] = [];
    for await (const batch of readTask(this.io, task)) {
      for (const row of batch) rows.push(printRow(task.schema, row));
    }
    return rows;
  }

  /** Writes rows of the present schema: a file for each partition of the present spec that they fall into. */
  async files(rows: readonly PrintedRow[]): Promise<DataFile[]> {
    const { metadata } = await this.load();
    const schema = schemaToJson(currentSchema(metadata));
    const groups = partitionRows(metadata, rows).map((group) => {
      this.#files += 1;
      return { ...group, location: `${metadata.location}/data/${this.#prefix}-${this.#files}.parquet` };
    });
    const files = groups.map((group) => ({ path: fileURLToPath(group.location), schema, rows: group.rows }));
    await this.#writer.request('write', { files });
    return Promise.all(
      groups.map(({ location, partition }) =>
        describeParquetFile(this.io, metadata, location, { partition }),
      ),
    );
  }
}
