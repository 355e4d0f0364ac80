import { isAbsolute, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type FileIO, IcebergError } from '@danube/iceberg';

/** Opens the SQLite file. `timeout` is how many milliseconds a call may wait, blocking, for another process's lock. */
export type OpenDatabase = (file: string, options: { readonly timeout: number }) => DatabaseSync;

export interface SqlCatalogOptions {
  /**
   * The SQLite file, such as `/var/lib/danube/catalog.db`; made if absent, in a directory that exists. Keep it on a
   * local file system (SQLite needs working locks and shared memory), and keep nothing else in it.
   */
  readonly file: string;
  /** The `catalog_name` that every row carries. Another program must use the same name to see the same tables. */
  readonly name: string;
  /**
   * Base URI below which tables get their locations, such as `file:///var/lib/danube/warehouse`, unless their
   * namespace has a `location` property or the caller gives one. Written literally, not percent-encoded.
   */
  readonly warehouse: string;
  /** Reads and writes the metadata files. Must reach the warehouse and every other location in use. */
  readonly io: FileIO;
  /**
   * How long an operation keeps trying, in milliseconds, while another process holds the file's lock, before it fails
   * with `CATALOG_UNAVAILABLE`. The event loop is free meanwhile. Default: 10,000.
   */
  readonly busyTimeoutMs?: number;
  /** Default: `new DatabaseSync(…)`. For tests. */
  readonly openDatabase?: OpenDatabase;
}

const known = new Set(['file', 'name', 'warehouse', 'io', 'busyTimeoutMs', 'openDatabase']);

/** Checks the options and fills the defaults. Errors: `INVALID_ARGUMENT`. */
export function resolveSqlCatalogOptions(options: SqlCatalogOptions): Required<SqlCatalogOptions> {
  for (const key of Object.keys(options)) {
    if (!known.has(key)) throw invalid('option', key, `one of ${[...known].join(', ')}`);
  }
  const { file, name, warehouse, io } = options;
  // An empty name or `:memory:` would be a catalog that forgets everything; `file:` URIs carry open flags of their own.
  if (file === '' || file === ':memory:' || file.startsWith('file:'))
    throw invalid('file', file, 'a path of a file');
  if (name === '') throw invalid('name', name, 'a name');
  if (!/^[A-Za-z][A-Za-z0-9+.-]*:\//.test(warehouse))
    throw invalid('warehouse', warehouse, 'a URI (scheme:/…)');
  const busyTimeoutMs = options.busyTimeoutMs ?? 10_000;
  if (!Number.isFinite(busyTimeoutMs) || busyTimeoutMs < 0) {
    throw invalid('busyTimeoutMs', busyTimeoutMs, 'a number of milliseconds from 0');
  }
  return {
    file: isAbsolute(file) ? file : resolve(file),
    name,
    warehouse: warehouse.replace(/(?<=[^/:])\/+$/, ''),
    io,
    busyTimeoutMs,
    openDatabase: options.openDatabase ?? ((path, settings) => new DatabaseSync(path, settings)),
  };
}

function invalid(option: string, value: string | number, expected: string): IcebergError {
  return new IcebergError(
    'INVALID_ARGUMENT',
    `SQL catalog: ${option} is ${JSON.stringify(value)}, expected ${expected}`,
    {
      context: { option, value, expected },
    },
  );
}
