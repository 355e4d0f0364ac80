import type { FileIO, LoadedTable } from '@danube/iceberg';
import { StorageError } from './errors.ts';
import { skipGaps } from './ledger-case.ts';
import { gapAt, readFromLog } from './log-reader.ts';
import { messageSizeBytes, type StoredMessage } from './message.ts';
import type { OffsetGap } from './offset-gap.ts';
import type { ReadOptions } from './storage.ts';
import type { StorageContext } from './storage-context.ts';
import { TableReader, type TableWindow } from './table-reader.ts';
import type { TopicState } from './topic-state.ts';

const DEFAULT_BATCH_BYTES = 1024 * 1024;

/** Where a topic's table is read. */
export interface TableAccess {
  readonly io: FileIO;
  /** Loads the table's present state and its `start` and `through` for the topic, checked by the case table. */
  readonly reload: () => Promise<void>;
}

/**
 * Reads a topic as one sequence, choosing for each batch the nearest place that holds the next offset: memory,
 * then the log, then the table. A reader that falls behind so moves from memory to the log to the table, and
 * back again, without a gap or a repeat: the offset alone decides what comes next.
 */
export async function* readTopic(
  context: StorageContext,
  topic: TopicState,
  access: TableAccess,
  options: ReadOptions,
): AsyncGenerator<readonly StoredMessage[]> {
  const { signal, follow = false, maxBytes = DEFAULT_BATCH_BYTES } = options;
  if (!Number.isSafeInteger(options.from) || options.from < 0)
    throw new StorageError('INVALID_ARGUMENT', `cannot read from offset ${options.from}`);
  let next = options.from;
  let table:
    | { readonly through: number; readonly loaded: LoadedTable; readonly reader: TableReader }
    | undefined;

  while (!signal?.aborted) {
    if (next > topic.acked) {
      if (!follow || !topic.opened) return;
      await topic.readable.wait(signal);
      continue;
    }
    if (!topic.opened) throw new StorageError('CLOSED', `topic ${topic.name} was closed while it was read`);
    const gap = gapAt(next, topic.gaps);
    if (gap !== undefined) {
      reportGap({ topic: topic.name, ...gap, reason: 'skipped' });
      next = gap.last + 1;
      continue;
    }
    const batch = await readFromLog(context.wal, context.pins, topic, next, topic.acked, maxBytes);
    const newest = batch?.at(-1);
    if (batch !== undefined && newest !== undefined) {
      table = undefined;
      next = newest.offset + 1;
      yield batch;
      continue;
    }

    // The log no longer holds it, so the table does: the log forgets only what the table confirmed.
    if (topic.loaded === undefined) await unlessAborted(access.reload(), signal);
    if (signal?.aborted) return;
    const state = topic.loaded;
    if (state === undefined)
      throw new StorageError('CATALOG_UNAVAILABLE', `the table of ${topic.name} is not loaded`);
    if (next < state.start) {
      const last = Math.min(state.start - 1, topic.acked);
      reportGap({ topic: topic.name, first: next, last, reason: 'below-start' });
      next = last + 1;
      continue;
    }
    if (next > state.through) throw absent(next, state.through);
    // One state of the table is read to its end before a newer one is planned.
    if (table === undefined || next > table.through)
      table = {
        through: state.through,
        loaded: state.table,
        reader: new TableReader(state.table.metadata, access.io, topic.name, context.options.readWindowBytes),
      };
    let window: TableWindow;
    try {
      window = await table.reader.window(next, table.through);
    } catch (error) {
      // Its files may have been replaced and removed, also by an engine that told nobody: look what the table is now.
      if (table.loaded === topic.loaded?.table) await unlessAborted(access.reload(), signal);
      if (signal?.aborted) return;
      if (table.loaded.metadataLocation === topic.loaded?.table.metadataLocation) throw error;
      table = undefined;
      continue;
    }
    for (const offset of window.duplicates) context.hub.emit('duplicate-row', { topic: topic.name, offset });
    for (const part of batches(window.messages, maxBytes)) {
      const first = part[0] as StoredMessage;
      if (first.offset > next)
        reportGap({ topic: topic.name, first: next, last: first.offset - 1, reason: 'removed' });
      next = (part.at(-1) as StoredMessage).offset + 1;
      yield part;
      if (signal?.aborted) return;
    }
    if (next < window.endExclusive) {
      reportGap({ topic: topic.name, first: next, last: window.endExclusive - 1, reason: 'removed' });
      next = window.endExclusive;
    }
  }

  function reportGap(gap: OffsetGap): void {
    if (options.onGap === 'fail')
      throw new StorageError(
        'GAP',
        `offsets ${gap.first} to ${gap.last} of ${gap.topic} are gone (${gap.reason})`,
        {
          context: { ...gap },
        },
      );
    context.hub.emit('gap', gap);
    if (typeof options.onGap === 'function') options.onGap(gap);
  }

  function absent(offset: number, through: number): StorageError {
    return new StorageError('GAP', `offset ${offset} of ${topic.name} is neither in the log nor committed`, {
      context: {
        topic: topic.name,
        offset,
        through,
        logFirst: topic.first,
        expected: skipGaps(offset, topic.gaps),
      },
    });
  }
}

/** Resolves with the work or as soon as the signal aborts; the work then goes on for itself. */
async function unlessAborted(work: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return work;
  let end = () => {};
  const aborted = new Promise<void>((resolve) => {
    end = resolve;
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) resolve();
  });
  try {
    await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', end);
  }
}

/** Cuts messages into batches of about `maxBytes`, each without a hole in its offsets. */
function* batches(messages: readonly StoredMessage[], maxBytes: number): Generator<readonly StoredMessage[]> {
  let batch: StoredMessage[] = [];
  let bytes = 0;
  for (const message of messages) {
    const size = messageSizeBytes(message);
    const previous = batch.at(-1);
    if (previous !== undefined && (bytes + size > maxBytes || previous.offset + 1 !== message.offset)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(message);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}
