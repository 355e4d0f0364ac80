import type { Catalog, CommitOptions, CommitRequest, LoadedTable, TableIdentifier } from '@danube/iceberg';
import { IcebergError } from '@danube/iceberg';

/** One commit on its way: what was asked, and the way to the real catalog. */
export interface CommitCall {
  readonly number: number;
  readonly identifier: TableIdentifier;
  readonly request: CommitRequest;
  readonly options: CommitOptions | undefined;
  /** Lets it through. May be called later, or more than once: the network does both. */
  readonly land: () => Promise<LoadedTable>;
}

/** What becomes of commits, creations and loads; the tests' hands on the network between us and the catalog. */
export interface Faults {
  onCommit: (call: CommitCall) => Promise<LoadedTable>;
  onCreate: <T>(what: 'namespace' | 'table', create: () => Promise<T>) => Promise<T>;
  onLoad: (load: () => Promise<LoadedTable>) => Promise<LoadedTable>;
}

/** A catalog with a network in front of it that does what the test says. */
export function withFaults(catalog: Catalog): {
  readonly catalog: Catalog;
  readonly faults: Faults;
  readonly calls: CommitCall[];
} {
  const faults: Faults = {
    onCommit: (call) => call.land(),
    onCreate: (_, create) => create(),
    onLoad: (load) => load(),
  };
  const calls: CommitCall[] = [];
  const wrapped = new Proxy(catalog, {
    get(target, property) {
      if (property === 'commitTable')
        return (identifier: TableIdentifier, request: CommitRequest, options?: CommitOptions) => {
          const call: CommitCall = {
            number: calls.length + 1,
            identifier,
            request,
            options,
            land: () => target.commitTable(identifier, request, options),
          };
          calls.push(call);
          return faults.onCommit(call);
        };
      if (property === 'createNamespace')
        return (...args: Parameters<Catalog['createNamespace']>) =>
          faults.onCreate('namespace', () => target.createNamespace(...args));
      if (property === 'createTable')
        return (...args: Parameters<Catalog['createTable']>) =>
          faults.onCreate('table', () => target.createTable(...args));
      if (property === 'loadTable')
        return (identifier: TableIdentifier) => faults.onLoad(() => target.loadTable(identifier));
      const value = Reflect.get(target, property) as unknown;
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  return { catalog: wrapped, faults, calls };
}

/** The reply of a 5xx or a broken connection. */
export function unknownOutcome(): IcebergError {
  return new IcebergError('COMMIT_STATE_UNKNOWN', 'the connection broke (injected)');
}

/** A catalog that does not answer. */
export function unavailable(): IcebergError {
  return new IcebergError('CATALOG_UNAVAILABLE', 'nobody answers (injected)');
}

/** A refusal. */
export function conflict(): IcebergError {
  return new IcebergError('COMMIT_CONFLICT', 'the base moved (injected)');
}
