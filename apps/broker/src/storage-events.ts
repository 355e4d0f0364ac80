import type { PersistentStorage } from '@danube/storage';
import type { Metrics } from './http/metrics.ts';
import type { Logger } from './log.ts';

/** Writes what storage reports to the log and the metrics. */
export function logStorageEvents(storage: PersistentStorage, logger: Logger, metrics: Metrics): void {
  storage.on('claimed', (event) => logger.info(event, 'Topic claimed in its table'));
  storage.on('committed', ({ snapshotId, ...event }) => {
    metrics.committed(event.topic, event.rows, event.bytes, event.durationMs, event.lagMs);
    logger.debug({ ...event, snapshotId: String(snapshotId) }, 'Rows committed');
  });
  storage.on('commit-retry', ({ error, ...event }) => {
    // A catalog may be away for hours, and each of a thousand tables fails until it is back: the first ones tell it, and
    // then ever fewer (of the 1st, 2nd, 4th, 8th … wait).
    const level = Number.isInteger(Math.log2(Math.max(1, event.attempt))) ? 'warn' : 'debug';
    logger[level]({ ...event, err: error }, 'A commit failed and is looked into');
  });
  storage.on('stopped', (event) => logger.error(event, 'Topic stopped; its messages stay in the log'));
  storage.on('jump', (event) => logger.warn(event, 'Offsets were left out at open'));
  storage.on('gap', (event) => logger.warn(event, 'A reader passed over offsets without messages'));
  storage.on('duplicate-row', (event) =>
    logger.warn(event, 'The table has two rows for one offset; the older counts'),
  );
  storage.on('truncated', (event) => logger.debug(event, 'Log truncated'));
}
