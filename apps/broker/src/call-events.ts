import type { CallEvent } from '@danube/resilience';
import type { Logger } from './log.ts';

/** Writes retries and states of a circuit breaker to the log, as lines of `who`. */
export function logCallEvents(who: string, logger: Logger): (event: CallEvent) => void {
  return ({ kind, ...event }) => {
    const { error, ...facts } = { error: undefined, ...event };
    const level = kind === 'breaker-closed' || kind === 'breaker-half-open' ? 'info' : 'warn';
    logger[level]({ ...facts, ...(error !== undefined && { err: error }) }, `${who}: ${kind}`);
  };
}
