import type { Wal } from '@danube/wal';
import { StorageError } from './errors.ts';
import { decodeMessageHead, topicKeyOf } from './record-codec.ts';
import { MESSAGE_RECORD, TOPIC_DELETED_RECORD, TOPIC_RECORD } from './record-types.ts';
import type { TailCache } from './tail-cache.ts';
import { decodeTopic, decodeTopicDeleted } from './topic-record.ts';
import { TopicState } from './topic-state.ts';

/** What the log says about all topics. */
export interface ReplayedTopics {
  /** By name. */
  readonly topics: Map<string, TopicState>;
  /** Deleted topics whose table may still name one of their lives: ids by name. */
  readonly ended: Map<string, readonly string[]>;
}

/**
 * Reads the whole log once and rebuilds dictionary, positions and indexes. Memory depends on the number of
 * topics and records, not on their payloads (the newest of which fill the tail up to its limit).
 *
 * @throws StorageError `LOG_INVALID` for records this version did not write, or of a topic nobody declared
 */
export async function replayWal(
  wal: Wal,
  tail: TailCache,
  segmentOf: (walOffset: number) => number,
): Promise<ReplayedTopics> {
  const topics = new Map<string, TopicState>();
  const ended = new Map<string, readonly string[]>();
  const byKey = new Map<string, TopicState>();
  const endedKeys = new Set<string>();

  for await (const batch of wal.read({ from: wal.firstOffset, to: wal.nextOffset })) {
    for (const record of batch) {
      if (record.type === MESSAGE_RECORD) {
        const { topicKey, offset, appendTimeMs } = decodeMessageHead(record.payload);
        const topic = byKey.get(topicKey);
        if (topic === undefined) {
          if (endedKeys.has(topicKey)) continue;
          throw new StorageError(
            'LOG_INVALID',
            `log record ${record.offset} is of a topic that nobody declared`,
            {
              context: { walOffset: record.offset },
            },
          );
        }
        if (offset <= topic.index.last)
          throw new StorageError(
            'LOG_INVALID',
            `log record ${record.offset} repeats offset ${offset} of ${topic.name}`,
            { context: { walOffset: record.offset, topic: topic.name, offset } },
          );
        // What is missing between two records was never acknowledged: the log refused it and went on.
        if (topic.index.first !== undefined && offset > topic.index.last + 1)
          topic.addGap({ first: topic.index.last + 1, last: offset - 1 });
        if (topic.gaps.length > 0) topic.fillGap(offset);
        const bytes = record.payload.byteLength;
        topic.index.add(offset, record.offset, segmentOf(record.offset), bytes, appendTimeMs);
        tail.push(topic.tail, offset, record.payload, bytes);
        topic.next = Math.max(topic.next, offset + 1);
        topic.lastAppendTimeMs = Math.max(topic.lastAppendTimeMs, appendTimeMs);
      } else if (record.type === TOPIC_RECORD) {
        const line = decodeTopic(record.payload);
        let topic = topics.get(line.name);
        if (topic === undefined || topic.topicId !== line.topicId) {
          if (topic !== undefined) {
            byKey.delete(topic.key);
            endedKeys.add(topic.key);
          }
          topic = new TopicState(line.topicId, line.name, line.earlier);
          topics.set(line.name, topic);
          byKey.set(topic.key, topic);
          ended.delete(line.name);
        }
        topic.claimed ||= line.claimed;
        topic.table = line.table ?? topic.table;
        topic.confirmed = Math.max(topic.confirmed, line.confirmed);
        topic.next = Math.max(topic.next, line.next, line.confirmed + 1);
        for (const gap of line.gaps) topic.addGap(gap);
        // The log had once lost its tail: the table has all before the next record, and no gap is between.
        if (line.confirmed > topic.index.last) topic.index.skipTo(line.confirmed);
      } else if (record.type === TOPIC_DELETED_RECORD) {
        const line = decodeTopicDeleted(record.payload);
        const topic = topics.get(line.name);
        if (topic?.topicId === line.topicId) {
          topics.delete(line.name);
          byKey.delete(topic.key);
        }
        endedKeys.add(topicKeyOf(line.topicId));
        if (line.earlier.length > 0) ended.set(line.name, line.earlier);
        else ended.delete(line.name);
      }
    }
  }
  for (const topic of topics.values()) {
    topic.openedAt = topic.next;
    topic.acked = topic.next - 1;
    topic.durable = topic.acked;
    if (topic.tail.end !== topic.next) topic.tail.clear(topic.next);
  }
  return { topics, ended };
}
