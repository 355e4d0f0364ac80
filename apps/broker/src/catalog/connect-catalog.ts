import { IcebergError } from '@danube/iceberg';
import { doneWithin } from '../done-within.ts';
import { BrokerError } from '../errors.ts';
import type { Logger } from '../log.ts';

/** Longest time that a catalog which does not answer may hold up a start, or a command. */
const CONNECT_WITHIN_MS = 10_000;
const AWAY = 'The catalog does not answer; commits wait until it does';

/**
 * Opens a catalog at the start of a broker, where somebody reads what is wrong with it. One that is away is no reason not
 * to start: the log takes messages without it, and commits wait.
 *
 * @param logger is told of a catalog that is away; without one that is an error, too
 * @throws BrokerError `CATALOG_UNUSABLE` when somebody has to change something: URI, credentials, warehouse
 */
export async function connectCatalog(
  catalog: { connect(): Promise<unknown> },
  uri: string,
  logger: Logger | undefined,
  withinMs = CONNECT_WITHIN_MS,
): Promise<void> {
  try {
    if (await doneWithin(withinMs, catalog.connect())) return;
    if (logger === undefined)
      throw new BrokerError(
        'CATALOG_UNUSABLE',
        `The catalog ${uri} did not answer within ${withinMs / 1000} s.`,
      );
    logger.warn({ uri, withinMs }, AWAY);
  } catch (error) {
    if (!IcebergError.is(error)) throw error;
    const isAway = error.code === 'CATALOG_UNAVAILABLE' && error.retryable;
    if (!isAway || logger === undefined) {
      throw new BrokerError('CATALOG_UNUSABLE', `The catalog ${uri} cannot be used: ${error.message}`, {
        cause: error,
      });
    }
    logger.warn({ err: error, uri }, AWAY);
  }
}
