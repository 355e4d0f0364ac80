import { describe, expect, it } from 'vitest';
import type { Ledger } from './ledger.ts';
import {
  covers,
  judgeLedger,
  type LogFacts,
  skipGaps,
  type TableFacts,
  type Verdict,
} from './ledger-case.ts';

const ledger: Ledger = {
  topicId: 'topic-1',
  logId: 'log-1',
  epoch: 2,
  start: 0,
  through: 99,
  snapshotId: 11n,
  seq: 5n,
};
/** A table that holds offsets 0 to 99 of our topic. */
const table: TableFacts = { tableUuid: 'table-1', ledger, lineage: 'found' };
/** A log, opened for the third time, that holds 80 to 119. */
const log: LogFacts = {
  logId: 'log-1',
  epoch: 3,
  topicId: 'topic-1',
  earlierTopicIds: [],
  claimed: true,
  tableUuid: 'table-1',
  first: 80,
  next: 120,
  confirmed: 99,
  gaps: [],
  openedAt: 120,
  sent: new Set(),
};
/** A log that has never heard of the topic. */
const fresh: LogFacts = {
  ...log,
  topicId: 'topic-2',
  claimed: false,
  tableUuid: undefined,
  first: 0,
  next: 0,
  confirmed: -1,
  openedAt: 0,
};

interface Case {
  readonly title: string;
  readonly table?: Partial<TableFacts>;
  readonly ledger?: Partial<Ledger>;
  readonly log?: Partial<LogFacts>;
  readonly from?: LogFacts;
  readonly verdict: Partial<Verdict> & { readonly kind: Verdict['kind'] };
}

const cases: readonly Case[] = [
  { title: 'our ledger, found on main: go on', verdict: { kind: 'ok' } },
  {
    title: 'another log, and this log holds nothing: OWNED_ELSEWHERE',
    from: fresh,
    ledger: { logId: 'log-2' },
    verdict: { kind: 'stop', code: 'OWNED_ELSEWHERE' },
  },
  {
    title: 'another log, and this log holds records: FENCED, with what is not known to be in the table',
    ledger: { logId: 'log-2' },
    verdict: { kind: 'stop', code: 'FENCED', range: { first: 100, last: 119 } },
  },
  {
    title:
      'another log, and this log had claimed the topic but holds nothing pending: FENCED without a range',
    ledger: { logId: 'log-2' },
    log: { first: 100, next: 100 },
    verdict: { kind: 'stop', code: 'FENCED' },
  },
  {
    title: 'another life of the topic, unknown here, and this log holds records: FENCED',
    ledger: { topicId: 'topic-9' },
    verdict: { kind: 'stop', code: 'FENCED', range: { first: 100, last: 119 } },
  },
  {
    title: 'another life of the topic, unknown here, and this log holds nothing: OWNED_ELSEWHERE',
    from: fresh,
    ledger: { topicId: 'topic-9' },
    verdict: { kind: 'stop', code: 'OWNED_ELSEWHERE' },
  },
  {
    title: 'a life of the topic that this log ended: claim above it',
    from: fresh,
    log: { earlierTopicIds: ['topic-1'] },
    verdict: { kind: 'claim' },
  },
  {
    title: 'a life of the topic that this log ended, after its next life was claimed: LEDGER_BEHIND_LOG',
    log: { topicId: 'topic-2', earlierTopicIds: ['topic-1'] },
    verdict: { kind: 'stop', code: 'LEDGER_BEHIND_LOG' },
  },
  {
    title: 'this log with a higher epoch: LOG_COPIED',
    ledger: { epoch: 4 },
    verdict: { kind: 'stop', code: 'LOG_COPIED' },
  },
  {
    title: 'this log in this epoch, by a commit this process did not send: LOG_COPIED',
    ledger: { epoch: 3 },
    verdict: { kind: 'stop', code: 'LOG_COPIED' },
  },
  {
    title:
      'this log in this epoch, but less than was confirmed since: LEDGER_BEHIND_LOG, the table was set back',
    ledger: { epoch: 3, through: 89 },
    verdict: { kind: 'stop', code: 'LEDGER_BEHIND_LOG', range: { first: 90, last: 99 } },
  },
  {
    title: 'this log in this epoch, by a commit this process sent: go on',
    ledger: { epoch: 3 },
    log: { sent: new Set([11n]) },
    verdict: { kind: 'ok' },
  },
  {
    title: 'no ledger, never claimed: claim',
    from: fresh,
    table: { ledger: undefined },
    verdict: { kind: 'claim' },
  },
  {
    title: 'no ledger although it was claimed: LEDGER_LOST',
    table: { ledger: undefined },
    verdict: { kind: 'stop', code: 'LEDGER_LOST' },
  },
  {
    title: 'no ledger, no confirmed claim, but records in the log: LEDGER_LOST',
    table: { ledger: undefined },
    log: { claimed: false },
    verdict: { kind: 'stop', code: 'LEDGER_LOST' },
  },
  {
    title: 'a ledger of a later version: LEDGER_UNSUPPORTED',
    table: { ledger: { unsupported: 'its version is 2' } },
    verdict: { kind: 'stop', code: 'LEDGER_UNSUPPORTED' },
  },
  {
    title: 'through + 1 below the first offset in the log: LEDGER_BEHIND_LOG names the missing range',
    ledger: { through: 59 },
    log: { confirmed: 59 },
    verdict: { kind: 'stop', code: 'LEDGER_BEHIND_LOG', range: { first: 60, last: 79 } },
  },
  {
    title: 'through + 1 below the next offset of an empty log: LEDGER_BEHIND_LOG',
    ledger: { through: 59 },
    log: { confirmed: 59, first: 120, next: 120 },
    verdict: { kind: 'stop', code: 'LEDGER_BEHIND_LOG', range: { first: 60, last: 119 } },
  },
  {
    title: 'offsets between through and the log that were never given out: go on',
    ledger: { through: 59 },
    log: { confirmed: 59, gaps: [{ first: 60, last: 79 }] },
    verdict: { kind: 'ok' },
  },
  {
    title: 'through below what was confirmed, though the log could fill it: LEDGER_BEHIND_LOG',
    ledger: { through: 89 },
    verdict: { kind: 'stop', code: 'LEDGER_BEHIND_LOG', range: { first: 90, last: 99 } },
  },
  {
    title: 'through above the last offset, nothing given out since: the log lost its tail, go on above it',
    ledger: { through: 129 },
    verdict: { kind: 'ok', lostTail: { first: 120, last: 129 } },
  },
  {
    title: 'through above offsets this opening gave out without knowing: FENCED with those',
    ledger: { through: 129 },
    log: { openedAt: 120, next: 125 },
    verdict: { kind: 'stop', code: 'FENCED', range: { first: 120, last: 124 } },
  },
  {
    title: "an earlier opening's late commit below what this one gives out: go on",
    ledger: { through: 110 },
    log: { openedAt: 120, next: 125, confirmed: 99 },
    verdict: { kind: 'ok' },
  },
  {
    title: 'main was set back below the ledger snapshot: ROLLED_BACK',
    table: { lineage: 'passed' },
    verdict: { kind: 'stop', code: 'ROLLED_BACK' },
  },
  {
    title: 'main is gone: ROLLED_BACK',
    table: { lineage: 'no-main' },
    verdict: { kind: 'stop', code: 'ROLLED_BACK' },
  },
  {
    title: 'the snapshot expired: look for the row at through',
    table: { lineage: 'ended' },
    verdict: { kind: 'look-for-row', offset: 99 },
  },
  {
    title: 'the snapshot expired and the row is there: go on',
    table: { lineage: 'ended', rowAtThrough: true },
    verdict: { kind: 'ok' },
  },
  {
    title: 'the snapshot expired and the row is not there: ROLLED_BACK',
    table: { lineage: 'ended', rowAtThrough: false },
    verdict: { kind: 'stop', code: 'ROLLED_BACK' },
  },
  {
    title: 'the snapshot expired and retention took everything: go on',
    table: { lineage: 'ended' },
    ledger: { start: 100 },
    verdict: { kind: 'ok' },
  },
  {
    title: 'another table under the name: TABLE_REPLACED, whatever its ledger says',
    table: { tableUuid: 'table-2' },
    verdict: { kind: 'stop', code: 'TABLE_REPLACED' },
  },
  {
    title: 'another table under the name, without a ledger: TABLE_REPLACED, not LEDGER_LOST',
    table: { tableUuid: 'table-2', ledger: undefined },
    verdict: { kind: 'stop', code: 'TABLE_REPLACED' },
  },
];

describe('the case table', () => {
  it.each(cases)('$title', (row) => {
    const facts = { ...table, ...(row.ledger && { ledger: { ...ledger, ...row.ledger } }), ...row.table };
    expect(judgeLedger(facts, { ...(row.from ?? log), ...row.log })).toMatchObject(row.verdict);
  });

  it('never lists offsets that were never given out as pending', () => {
    const verdict = judgeLedger(
      { ...table, ledger: { ...ledger, logId: 'log-2' } },
      { ...log, gaps: [{ first: 100, last: 109 }] },
    );
    expect(verdict).toMatchObject({ range: { first: 110, last: 119 } });
  });
});

describe('covers', () => {
  const wanted = { tableUuid: 'table-1', topicId: 'topic-1', logId: 'log-1', through: 99 };

  it('holds for the same table, life and log, far enough', () => {
    expect(covers({ tableUuid: 'table-1', ledger }, wanted)).toBe(true);
    expect(covers({ tableUuid: 'table-1', ledger: { ...ledger, through: 120 } }, wanted)).toBe(true);
  });

  it.each([
    ['another table', { tableUuid: 'table-2', ledger }],
    ['another life', { tableUuid: 'table-1', ledger: { ...ledger, topicId: 'topic-2' } }],
    ['another log', { tableUuid: 'table-1', ledger: { ...ledger, logId: 'log-2' } }],
    ['not far enough', { tableUuid: 'table-1', ledger: { ...ledger, through: 98 } }],
  ])('does not hold for %s', (_title, state) => {
    expect(covers(state, wanted)).toBe(false);
  });
});

describe('skipGaps', () => {
  it('goes over adjoining gaps and stops at the first offset in none', () => {
    const gaps = [
      { first: 3, last: 4 },
      { first: 5, last: 9 },
      { first: 12, last: 12 },
    ];
    expect([2, 3, 4, 7, 10, 12].map((offset) => skipGaps(offset, gaps))).toEqual([2, 10, 10, 10, 10, 13]);
  });
});
