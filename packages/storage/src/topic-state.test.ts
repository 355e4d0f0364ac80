import { describe, expect, it } from 'vitest';
import { judgeLedger } from './ledger-case.ts';
import { TopicState } from './topic-state.ts';

const LOG = '0b9b4d4e-9c1c-4a54-8f0e-5cbb30a4f0aa';

describe('what the case table is told of a topic', () => {
  it('is no missing range while an append is under way and the log holds nothing else of the topic', () => {
    const topic = new TopicState('7f6a3c1e-2f50-4d0b-9a64-31f6f5f0c001', '/default/orders');
    Object.assign(topic, {
      claimed: true,
      openedAt: 10,
      next: 11,
      acked: 9,
      confirmed: 9,
      inFlightBytes: 100,
    });
    const ledger = {
      topicId: topic.topicId,
      logId: LOG,
      epoch: 1,
      start: 0,
      through: 9,
      snapshotId: 5n,
      seq: 5n,
    };
    const verdict = judgeLedger({ tableUuid: 't', ledger, lineage: 'found' }, topic.facts(LOG, 2));
    expect(verdict).toMatchObject({ kind: 'ok' });
  });
});
