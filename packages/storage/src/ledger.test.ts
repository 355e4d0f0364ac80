import { describe, expect, it } from 'vitest';
import { formatLedger, type Ledger, ledgerLineage, parseLedger } from './ledger.ts';

const ledger: Ledger = {
  topicId: 'a',
  logId: 'b',
  epoch: 3,
  start: 0,
  through: -1,
  snapshotId: 9_223_372_036_854_775_807n,
  seq: 12n,
};

describe('the ledger property', () => {
  it('comes back as it was, 64-bit ids included', () => {
    expect(parseLedger(formatLedger(ledger))).toEqual(ledger);
    expect(formatLedger(ledger)).toBe(
      '{"v":1,"topicId":"a","logId":"b","epoch":3,"start":0,"through":-1,"snapshotId":"9223372036854775807","seq":"12"}',
    );
  });

  it.each([
    '',
    'null',
    '[]',
    '{}',
    '{"v":2}',
    formatLedger(ledger).replace('"v":1', '"v":"1"'),
    formatLedger(ledger).replace('"epoch":3', '"epoch":3.5'),
    formatLedger(ledger).replace('"through":-1', '"through":-2'),
    formatLedger(ledger).replace('"9223372036854775807"', '9223372036854775807'),
    formatLedger(ledger).replace('"seq":"12"', '"seq":"x"'),
  ])('is unsupported, never guessed at: %s', (text) => {
    expect(parseLedger(text)).toHaveProperty('unsupported');
  });
});

describe('where the ledger snapshot is', () => {
  const own: Ledger = { ...ledger, snapshotId: 2n, seq: 2n };
  const chain = (snapshots: readonly [bigint, bigint, bigint?][], main?: bigint) =>
    ({
      ...(main === undefined ? {} : { currentSnapshotId: main }),
      snapshots: snapshots.map(([snapshotId, sequenceNumber, parentSnapshotId]) => ({
        snapshotId,
        sequenceNumber,
        ...(parentSnapshotId === undefined ? {} : { parentSnapshotId }),
      })),
    }) as never;

  it.each([
    ['main itself', chain([[2n, 2n, 1n]], 2n), 'found'],
    [
      'an ancestor of main',
      chain(
        [
          [2n, 2n, 1n],
          [3n, 3n, 2n],
          [4n, 4n, 3n],
        ],
        4n,
      ),
      'found',
    ],
    [
      'above main, which was set back',
      chain(
        [
          [1n, 1n],
          [2n, 2n, 1n],
        ],
        1n,
      ),
      'passed',
    ],
    [
      'beside main, which went another way',
      chain(
        [
          [1n, 1n],
          [2n, 2n, 1n],
          [3n, 3n, 1n],
        ],
        3n,
      ),
      'passed',
    ],
    ['expired, main is above', chain([[4n, 4n, 3n]], 4n), 'ended'],
    ['expired, and main is below', chain([[1n, 1n]], 1n), 'passed'],
    ['anywhere, there is no main', chain([[2n, 2n, 1n]]), 'no-main'],
    [
      'in a circle that is not ours',
      chain(
        [
          [3n, 3n, 4n],
          [4n, 4n, 3n],
        ],
        4n,
      ),
      'ended',
    ],
  ])('%s', (_title, metadata, lineage) => {
    expect(ledgerLineage(metadata, own)).toBe(lineage);
  });
});
