import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Catalog,
  createMemoryCatalog,
  type FileIO,
  type LoadedTable,
  type TableIdentifier,
} from '@danube/iceberg';
import { openSqlCatalog } from '@danube/iceberg-catalog-sql';
import { createFileIO, localBaseUri, openLocalObjectStore } from '@danube/objectstore';
import { createParquetEncoder, type ParquetEncoder } from '@danube/parquet-writer';
import { afterAll } from 'vitest';
import { type IcebergStorageOptions, openIcebergStorage, type PersistentStorage } from '../../src/index.ts';

/** A directory with a warehouse in it, and what it takes to open storages over it. */
export interface Workspace {
  readonly dir: string;
  readonly io: FileIO;
  readonly catalog: Catalog;
  /** Opens a storage; all that were opened are closed at disposal. `log` names the log directory. */
  open(options?: Partial<IcebergStorageOptions> & { readonly log?: string }): Promise<PersistentStorage>;
  load(identifier?: TableIdentifier): Promise<LoadedTable>;
  [Symbol.asyncDispose](): Promise<void>;
}

export const ORDERS: TableIdentifier = { namespace: ['default'], name: 'orders' };

// One encoder for all storages of a test file: starting its worker is what takes time.
let shared: ParquetEncoder | undefined;
afterAll(async () => {
  await shared?.close();
  shared = undefined;
});

/** Makes a workspace: local object store, and a catalog on SQLite (`sql`) or in memory. */
export async function createWorkspace(
  options: { readonly catalog?: 'sql' | 'memory' } = {},
): Promise<Workspace> {
  const dir = await mkdtemp(join(tmpdir(), 'danube-storage-'));
  const { io, warehouse } = await openWarehouse(dir);
  const sql =
    options.catalog === 'sql'
      ? await openSqlCatalog({ file: join(dir, 'catalog.db'), name: 'danube', warehouse, io })
      : undefined;
  const catalog = sql ?? createMemoryCatalog({ io, warehouse });
  const storages: PersistentStorage[] = [];
  return {
    dir,
    io,
    catalog,
    async open({ log = 'wal', ...given } = {}) {
      shared ??= createParquetEncoder();
      const storage = await openIcebergStorage({
        wal: { dir: join(dir, log) },
        resolve: () => ({ catalog, io }),
        brokerAddr: 'http://127.0.0.1:6650',
        encoder: shared,
        // Nothing is committed by itself unless a test asks for it.
        flush: { maxAgeMs: 3_600_000 },
        retry: { minDelayMs: 1, maxDelayMs: 20 },
        commits: { perSecond: 1000 },
        openTimeoutMs: 5000,
        closeTimeoutMs: 5000,
        ...given,
      });
      storages.push(storage);
      return storage;
    },
    load: (identifier = ORDERS) => catalog.loadTable(identifier),
    async [Symbol.asyncDispose]() {
      for (const storage of storages) await storage.close();
      await sql?.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** The warehouse of a workspace directory. */
export async function openWarehouse(
  dir: string,
): Promise<{ readonly io: FileIO; readonly warehouse: string }> {
  const root = join(dir, 'warehouse');
  const store = await openLocalObjectStore({ root });
  const baseUri = localBaseUri(root);
  return { io: createFileIO({ store, baseUri }), warehouse: baseUri };
}
