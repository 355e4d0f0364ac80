import { StorageError } from '@danube/storage';
import { BrokerError, codeOf } from '../errors.ts';
import type { Logger } from '../log.ts';

/** Between two warnings of the same kind. */
const QUIET_MS = 10_000;

/**
 * Makes the function that writes refused requests to the log. What a client can mend is at `debug`. The rest is
 * a warning, the first of each method and code at once and then one in 10 s with the number left out: a full
 * disk refuses thousands of messages a second, and the log may be on it.
 *
 * @param now milliseconds of a clock that is never set back
 */
export function createRefusalLog(
  logger: Pick<Logger, 'debug' | 'warn'>,
  now: () => number = () => performance.now(),
): (method: string, error: unknown) => void {
  const kinds = new Map<string, { quietUntilMs: number; leftOut: number }>();
  return (method, error) => {
    if (isOfTheClient(error)) return logger.debug({ err: error, method }, 'Request refused');
    const key = `${method} ${codeOf(error)}`; // Methods and codes are closed sets: this map stays small.
    const kind = kinds.get(key) ?? { quietUntilMs: 0, leftOut: 0 };
    kinds.set(key, kind);
    const nowMs = now();
    if (nowMs < kind.quietUntilMs) {
      kind.leftOut += 1;
      return;
    }
    const { leftOut } = kind;
    kind.quietUntilMs = nowMs + QUIET_MS;
    kind.leftOut = 0;
    logger.warn({ err: error, method, ...(leftOut > 0 && { leftOut }) }, 'Request refused');
  };
}

function isOfTheClient(error: unknown): boolean {
  if (BrokerError.is(error)) return error.code !== 'METADATA_STORE_FAILED';
  return StorageError.is(error) && (error.code === 'MESSAGE_INVALID' || error.code === 'INVALID_TOPIC');
}
