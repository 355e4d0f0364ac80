import type {
  Catalog,
  CommitOptions,
  CommitRequest,
  LoadedTable,
  TableIdentifier,
} from '../catalog/catalog.ts';

/**
 * What becomes of one call of `commitTable`:
 *
 * - `deliver`: as it should be.
 * - `lose-reply`: it is carried out, and the caller told that the connection broke.
 * - `lose-request`: it is not carried out, and the caller told that the connection broke.
 * - `delay`: as `lose-request` for now, but the request is on its way still: see `landDelayed`.
 * - `{throws}`: it is not carried out, and the caller gets this, whatever it is.
 * - `{repliesWith}`: it is carried out, and the caller gets this all the same.
 */
export type CommitFault =
  | 'deliver'
  | 'lose-reply'
  | 'lose-request'
  | 'delay'
  | { readonly throws: unknown }
  | { readonly repliesWith: unknown };

/** A catalog whose network fails as it is told to. */
export interface FaultCatalog extends Catalog {
  /** Requests of `commitTable` as they were sent, in order. */
  readonly sent: readonly { readonly request: CommitRequest; readonly options: CommitOptions | undefined }[];
  /** How many requests are delayed at the moment. */
  readonly delayedCount: number;
  /** Lets delayed requests arrive, oldest first: what the catalog makes of each. */
  landDelayed(count?: number): Promise<readonly PromiseSettledResult<LoadedTable>[]>;
}

export interface FaultCatalogOptions {
  /** Decides about each call of `commitTable`, counted from 1; may do something first. */
  readonly onCommit: (call: number) => CommitFault | Promise<CommitFault>;
  /** Called before each `loadTable`, counted from 1; what it throws is the answer. */
  readonly onLoad?: (call: number) => void | Promise<void>;
}

/** For tests: any catalog behind a network that loses, delays and doubles. Calls other than these two pass. */
export function createFaultCatalog(
  catalog: Catalog,
  { onCommit, onLoad }: FaultCatalogOptions,
): FaultCatalog {
  const sent: { request: CommitRequest; options: CommitOptions | undefined }[] = [];
  const delayed: (() => Promise<LoadedTable>)[] = [];
  let loads = 0;
  const faulty = {
    sent,
    get delayedCount() {
      return delayed.length;
    },
    async landDelayed(count = delayed.length) {
      const results: PromiseSettledResult<LoadedTable>[] = [];
      for (const land of delayed.splice(0, count)) results.push(...(await Promise.allSettled([land()])));
      return results;
    },
    async loadTable(identifier: TableIdentifier) {
      loads += 1;
      await onLoad?.(loads);
      return catalog.loadTable(identifier);
    },
    async commitTable(identifier: TableIdentifier, request: CommitRequest, options?: CommitOptions) {
      sent.push({ request, options });
      const fault = await onCommit(sent.length);
      const land = (): Promise<LoadedTable> => catalog.commitTable(identifier, request, options);
      if (fault === 'deliver') return land();
      if (typeof fault === 'object' && 'throws' in fault) throw fault.throws;
      if (fault === 'delay') delayed.push(land);
      // What the catalog says to it is lost, be it a refusal.
      if (fault === 'lose-reply' || typeof fault === 'object') await Promise.allSettled([land()]);
      throw typeof fault === 'object' ? fault.repliesWith : new Error('connection reset');
    },
  };
  return new Proxy(faulty as unknown as FaultCatalog, {
    get(target, key) {
      if (key in target) return Reflect.get(target, key);
      const value: unknown = Reflect.get(catalog, key, catalog);
      return typeof value === 'function' ? value.bind(catalog) : value;
    },
  });
}
