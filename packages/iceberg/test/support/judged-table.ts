import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  applyTransform,
  type Catalog,
  type CreateTableOptions,
  commitTransaction,
  createMemoryCatalog,
  currentSchema,
  type DataFile,
  describeParquetFile,
  type FileIO,
  findField,
  type PartitionValue,
  type PrimitiveType,
  partitionSpecById,
  type TableMetadata,
  type TableOperation,
} from '../../src/index.ts';
import { schemaToJson } from '../../src/metadata/schema-json.ts';
import { type Printed, type PrintedRow, parsePrinted } from './printed.ts';

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
    const spec = partitionSpecById(metadata, specId ?? metadata.defaultSpecId);
    const schema = currentSchema(metadata);
    const groups = new Map<string, PrintedRow[]>();
    const partitions = new Map<string, PartitionValue[]>();
    for (const row of rows) {
      const values = spec.fields.map(({ sourceId, transform }) => {
        const { name, type } = findField(schema, sourceId)!;
        const printed = row[name] ?? null;
        const value =
          printed === null ? null : parsePrinted(type as PrimitiveType, printed as string | boolean);
        return applyTransform(transform, type as PrimitiveType, value);
      });
      const key = JSON.stringify(values, (_, value) => (typeof value === 'bigint' ? `${value}n` : value));
      groups.set(key, [...(groups.get(key) ?? []), row]);
      partitions.set(key, values);
    }
    const files: DataFile[] = [];
    for (const [key, group] of groups) {
      this.#files += 1;
      const location = `${metadata.location}/data/${this.#files}.parquet`;
      const path = join(this.#folder, 't', 'data', `${this.#files}.parquet`);
      await this.#write({ path, schema: schemaToJson(schema), rows: group.map(complete(schema.fields)) });
      const options = { partition: partitions.get(key)!, specId: spec.specId };
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
