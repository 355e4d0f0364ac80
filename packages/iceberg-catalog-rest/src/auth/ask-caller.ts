import { IcebergError } from '@danube/iceberg';
import { safeCause } from './safe-cause.ts';

/** A function that has not answered for so long counts as failed, so that later calls do not wait for it for ever. */
const LIMIT_MS = 60_000;

/**
 * What a function of the caller gives: a token, keys. Whatever it throws, and however, is `ACCESS_DENIED` with a cause
 * that shows its message and nothing else; no answer for a minute is `CATALOG_UNAVAILABLE`. `gaveNone` is the message.
 */
export async function askCaller<T>(gaveNone: string, ask: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new IcebergError('CATALOG_UNAVAILABLE', `${gaveNone}: no answer for ${LIMIT_MS} ms`);
  try {
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(reject, LIMIT_MS, tooLate);
      timer.unref();
    });
    return await Promise.race([(async () => ask())(), late]);
  } catch (error) {
    if (error === tooLate) throw error;
    throw new IcebergError('ACCESS_DENIED', gaveNone, { cause: safeCause(error) });
  } finally {
    clearTimeout(timer);
  }
}
