import assert from 'node:assert/strict';
import type { Catalog, CreateTableOptions, LoadedTable, TableIdentifier } from '../catalog/catalog.ts';
import { IcebergError, type IcebergErrorCode } from '../errors.ts';
import type { FileIO } from '../io/file-io.ts';
import type { DataFile } from '../manifest/data-file.ts';
import { encodeSingleValue } from '../metadata/single-value.ts';

/** What a case works on. */
export interface CatalogSubject {
  /** The catalog under test, without namespaces and tables of earlier cases. */
  readonly catalog: Catalog;
  /** Another client of the same catalog (another connection, another process); may be the same object. */
  readonly other: Catalog;
  /** Reads and writes the files at the locations that the catalog gives to tables. */
  readonly io: FileIO;
}

/** One promise of `Catalog` as a test: `run` throws if the catalog breaks it. */
export interface CatalogConformanceCase {
  readonly name: string;
  run(subject: CatalogSubject): Promise<void>;
}

/** Honest differences between catalogs. All default to true. */
export interface CatalogCapabilities {
  /** Namespaces may have more than one level. */
  readonly nestedNamespaces?: boolean;
  /** Names may hold spaces, upper case and letters beyond ASCII. */
  readonly freeNames?: boolean;
  /** `dropTable` with `purge` deletes the files before it resolves. */
  readonly purge?: boolean;
  readonly rename?: boolean;
  readonly register?: boolean;
}

export const namespace = ['conformance'];
export const orders: TableIdentifier = { namespace, name: 'orders' };

/** Deliberately with ids that a catalog must not keep. */
export const orderOptions: CreateTableOptions = {
  schema: {
    fields: [
      { id: 40, name: 'segment_offset', required: true, type: 'long', doc: 'position in the topic' },
      { id: 10, name: 'append_time', required: true, type: 'timestamptz' },
      {
        id: 20,
        name: 'attributes',
        required: false,
        type: { type: 'map', keyId: 21, key: 'string', valueId: 22, valueRequired: true, value: 'string' },
      },
    ],
    identifierFieldIds: [40],
  },
  partitionSpec: { fields: [{ sourceId: 10, name: 'append_day', transform: 'day' }] },
  sortOrder: {
    fields: [{ sourceId: 40, transform: 'identity', direction: 'asc', nullOrder: 'nulls-first' }],
  },
  properties: { owner: 'conformance' },
};

/** The namespace and the table most cases start with. */
export async function createOrders(catalog: Catalog): Promise<LoadedTable> {
  await catalog.createNamespace(namespace);
  return catalog.createTable(orders, orderOptions);
}

/** A data file as a manifest describes it; the file itself is not needed to commit. */
export function dataFile(table: LoadedTable, name: string, from: number, rows: number): DataFile {
  const bound = (value: number): Uint8Array => encodeSingleValue('long', BigInt(value));
  return {
    content: 'data',
    filePath: `${table.metadata.location}/data/${name}.parquet`,
    fileFormat: 'PARQUET',
    partition: [20_000],
    specId: table.metadata.defaultSpecId,
    recordCount: rows,
    fileSizeInBytes: 1000 + rows,
    lowerBounds: new Map([[1, bound(from)]]),
    upperBounds: new Map([[1, bound(from + rows - 1)]]),
  };
}

/** Asserts that a call fails with one code, and gives the error. */
export async function assertFails(
  code: IcebergErrorCode,
  call: () => Promise<unknown>,
): Promise<IcebergError> {
  let outcome: unknown = 'no error';
  try {
    await call();
  } catch (error) {
    outcome = error;
  }
  assert.ok(IcebergError.is(outcome), `expected ${code}, got ${String(outcome)}`);
  assert.equal(outcome.code, code, outcome.message);
  return outcome;
}

/** The names a catalog lists, in one order. */
export function names(identifiers: readonly TableIdentifier[]): string[] {
  return identifiers.map(({ namespace: levels, name }) => [...levels, name].join('/')).sort();
}
