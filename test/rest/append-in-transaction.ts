import {
  type Catalog,
  commitTransaction,
  type FileIO,
  IcebergError,
  mergeAppend,
} from '../../packages/iceberg/src/index.ts';
import { openRestCatalog } from '../../packages/iceberg-catalog-rest/src/index.ts';
import { type Append, type Committing, lossyTable } from './lossy-commits.ts';

/** The client as it is, in a hurry: pauses are short, and no breaker keeps it from trying. */
export const openImpatient = (uri: string, timeoutMs: number) =>
  openRestCatalog({
    uri,
    resilience: {
      retry: { maxAttempts: 4, initialDelayMs: 5, maxDelayMs: 50 },
      timeoutMs,
      breaker: false,
    },
  });

const patience = { numRetries: 30, minWaitMs: 5, maxWaitMs: 100, totalTimeoutMs: 120_000 };

/** As a program would do it: what did not happen is done again, and anything else than that is an error. */
export function appendInTransaction(io: FileIO): Append {
  return async (catalog, file) => {
    for (;;) {
      try {
        const target = { catalog: catalog as Committing & Catalog, identifier: lossyTable, io };
        const operations = [mergeAppend({ dataFiles: [file] })];
        await commitTransaction(target, operations, { retry: patience, statusCheck: patience });
        return;
      } catch (error) {
        // Nothing was changed, says this code, and nothing else does.
        if (!IcebergError.is(error, 'CATALOG_UNAVAILABLE')) throw error;
      }
    }
  };
}
