import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  type Catalog,
  type CreateTableOptions,
  commitTransaction,
  createMemoryCatalog,
  currentSchema,
  type DataFile,
  describeParquetFile,
  type FileIO,
  type TableMetadata,
  type TableOperation,
} from '../../src/index.ts';
import { schemaToJson } from '../../src/metadata/schema-json.ts';
import { partitionRows } from './partition-rows.ts';
import type { Printed, PrintedRow } from './printed.ts';

/** Writes a Parquet file with field ids: another program does, so that readers judge what others write too. */
export type WriteParquet = (file: {
  path: string;
  schema: object;
  rows: readonly PrintedRow[];
}) => Promise<void>;

const identifier = { namespace: ['judged'], name: 'table' };

/** A table of ours on local files, for other engines to read. */
export class JudgedTable {
  readonly io: FileIO;
  readonly catalog: Catalog;
  readonly #folder: string;
  readonly #write: WriteParquet;
  #files = 0;

  private constructor(folder: string, io: FileIO, write: WriteParquet) {
    this.#folder = folder;
    this.#write = write;
    this.io = io;
    this.catalog = createMemoryCatalog({ io, warehouse: pathToFileURL(folder).href });
  }

  static async create(
    folder: string,
    io: FileIO,
    write: WriteParquet,
    options: CreateTableOptions,
  ): Promise<JudgedTable> {
    rmSync(folder, { recursive: true, force: true });
    const table = new JudgedTable(folder, io, write);
    await table.catalog.createNamespace(identifier.namespace);
    await table.catalog.createTable(identifier, {
      location: pathToFileURL(join(folder, 't')).href,
      ...options,
    });
    return table;
  }

  get target() {
    return { io: this.io, catalog: this.catalog, identifier };
  }

  async metadata(): Promise<TableMetadata> {
    return (await this.catalog.loadTable(identifier)).metadata;
  }

  async metadataLocation(): Promise<string> {
    return (await this.catalog.loadTable(identifier)).metadataLocation;
  }

  /** Gives the id of the snapshot that was made, or of `main`. */
  async commit(...operations: TableOperation[]): Promise<bigint> {
    const { snapshots, table } = await commitTransaction(this.target, operations);
    return (snapshots.at(-1)?.snapshotId ?? table.metadata.currentSnapshotId)!;
  }

  /** Writes rows of the current schema: a file for each partition they fall into. */
  async files(rows: readonly PrintedRow[], specId?: number): Promise<DataFile[]> {
    const metadata = await this.metadata();
    const schema = currentSchema(metadata);
    const files: DataFile[] = [];
    for (const { partition, rows: group } of partitionRows(metadata, rows, specId)) {
      this.#files += 1;
      const location = `${metadata.location}/data/${this.#files}.parquet`;
      const path = join(this.#folder, 't', 'data', `${this.#files}.parquet`);
      await this.#write({ path, schema: schemaToJson(schema), rows: group.map(complete(schema.fields)) });
      const options = { partition, specId: specId ?? metadata.defaultSpecId };
      files.push(await describeParquetFile(this.io, metadata, location, options));
    }
    return files;
  }
}

/** Rows may leave out columns that are null. */
const complete =
  (fields: readonly { readonly name: string }[]) =>
  (row: PrintedRow): PrintedRow =>
    Object.fromEntries(fields.map(({ name }): [string, Printed] => [name, row[name] ?? null]));
