import { checkObjectStore, type ObjectStore, ObjectStoreError } from '@danube/objectstore';
import { BrokerError } from './errors.ts';
import type { Logger } from './log.ts';

/** Longest time that the check may hold up a start; five seconds more if it has something to remove. */
const CHECK_WITHIN_MS = 10_000;

/**
 * Proves that a store does what tables rely on, before anything is acknowledged that will have to go there. One that is
 * away is no reason not to start: the log takes messages without it, and commits wait.
 *
 * @throws BrokerError `OBJECT_STORE_UNUSABLE` when somebody has to change something: bucket, credentials, server
 */
export async function checkWarehouse(store: ObjectStore, location: string, logger: Logger): Promise<void> {
  try {
    await checkObjectStore(store, { signal: AbortSignal.timeout(CHECK_WITHIN_MS) });
  } catch (error) {
    if (!ObjectStoreError.is(error)) throw error;
    // PUT_STATE_UNKNOWN is what an aborted put is: the server did not answer in time.
    const away = error.retryable || error.code === 'ABORTED' || error.code === 'PUT_STATE_UNKNOWN';
    if (!away) {
      throw new BrokerError(
        'OBJECT_STORE_UNUSABLE',
        `The warehouse ${location} cannot be used: ${error.message}`,
        { cause: error },
      );
    }
    logger.warn({ err: error, location }, 'The object store does not answer; commits wait until it does');
  }
}
