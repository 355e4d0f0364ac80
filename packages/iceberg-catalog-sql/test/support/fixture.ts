import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CreateTableOptions, FileIO, IcebergErrorCode } from '@danube/iceberg';
import { IcebergError } from '@danube/iceberg';
import { createFileIO, localBaseUri, openLocalObjectStore } from '@danube/objectstore';
import { afterEach } from 'vitest';
import { openSqlCatalog, type SqlCatalog, type SqlCatalogOptions } from '../../src/index.ts';

const undo: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

/** A new directory that goes away after the test. */
export async function tempDir(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'catalog-sql-'));
  undo.push(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** Files of one warehouse directory, by full location. */
export async function localIO(dir: string): Promise<FileIO> {
  const root = join(dir, 'warehouse');
  return createFileIO({ store: await openLocalObjectStore({ root }), baseUri: localBaseUri(root) });
}

/** What a catalog in this directory is opened with. */
export async function optionsIn(dir: string): Promise<SqlCatalogOptions> {
  return {
    file: join(dir, 'catalog.db'),
    name: 'danube',
    warehouse: localBaseUri(join(dir, 'warehouse')),
    io: await localIO(dir),
  };
}

/** Opens a catalog that is closed after the test. */
export async function openIn(dir: string, more: Partial<SqlCatalogOptions> = {}): Promise<SqlCatalog> {
  const catalog = await openSqlCatalog({ ...(await optionsIn(dir)), ...more });
  undo.push(() => catalog.close());
  return catalog;
}

export const schema: CreateTableOptions['schema'] = {
  fields: [
    { id: 1, name: 'id', required: true, type: 'long' },
    { id: 2, name: 'text', required: false, type: 'string' },
  ],
};

export const orders = { namespace: ['default'], name: 'orders' };

/** A commit that everybody can make at any time. */
export function setProperties(updates: Readonly<Record<string, string>>) {
  return { requirements: [], updates: [{ action: 'set-properties' as const, updates }] };
}

/** Settles a call into its error; fails if there is none, or one that is not ours. */
export async function failure(call: Promise<unknown>, code?: IcebergErrorCode): Promise<IcebergError> {
  const error = await call.then(
    () => new Error('the call did not fail'),
    (reason: unknown) => reason,
  );
  if (!IcebergError.is(error)) throw error;
  if (code !== undefined && error.code !== code) throw error;
  return error;
}
