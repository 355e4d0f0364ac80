import { expect, test } from 'vitest';
import { findViolations, type OracleInput } from './oracle.ts';

const fine: OracleInput = {
  sent: new Set([10, 11, 12, 13]),
  acked: new Set([10, 11]),
  table: [
    { offset: 0, id: 10 },
    { offset: 1, id: 11 },
    { offset: 2, id: 12 }, // Sent, never acknowledged, and kept all the same: allowed.
  ],
  consumed: new Map([
    [0, 10],
    [1, 11],
  ]),
};

test('a run that kept the promise has no violation', () => {
  expect(findViolations(fine)).toEqual([]);
});

test.each<[string, Partial<OracleInput>, RegExp]>([
  ['a lost message', { table: fine.table.slice(1) }, /acknowledged but not in the table/],
  ['a hole', { table: [fine.table[0]!, fine.table[1]!, { offset: 4, id: 12 }] }, /hold 3 rows, expected 5/],
  ['an offset twice', { table: [...fine.table, { offset: 2, id: 13 }] }, /offset 2 is in the table twice/],
  ['a message twice', { table: [...fine.table, { offset: 3, id: 12 }] }, /message 12 is in the table twice/],
  ['a phantom', { table: [...fine.table, { offset: 3, id: 99 }] }, /never sent/],
  ['a message not delivered', { consumed: new Map([[0, 10]]) }, /acknowledged but not delivered/],
  [
    'another payload delivered than stored',
    {
      consumed: new Map([
        [0, 11],
        [1, 10],
      ]),
    },
    /was delivered as message 11/,
  ],
])('%s is found', (_name, change, sentence) => {
  expect(findViolations({ ...fine, ...change }).join('\n')).toMatch(sentence);
});
