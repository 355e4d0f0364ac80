import { readFileSync } from 'node:fs';
import { ResilienceError } from '@danube/resilience';
import { describe, expect, test } from 'vitest';
import { AttemptError } from './attempt-error.ts';
import {
  isEndpointFault,
  isInDoubt,
  maySendAgain,
  type OperationName,
  operationRules,
} from './retry-rules.ts';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

test('the README has the rules of the code: every operation, its request, what is done in doubt, and its key', () => {
  const rows = [
    ...readme.matchAll(/^\| `(\w+)` +\| `(\w+) (\S+)` +\| (repeat|look|caller) +\| (yes|no) +\|$/gm),
  ];
  const documented = rows.map(([, operation, method, path, inDoubt, key]) => [
    operation,
    method,
    path,
    inDoubt,
    key,
  ]);
  const coded = Object.entries(operationRules).map(([operation, { method, path, inDoubt, takesKey }]) => [
    operation,
    method,
    path,
    inDoubt,
    takesKey ? 'yes' : 'no',
  ]);
  expect(documented).toEqual(coded);
});

const refused = (status: number, retryAfterMs?: number) =>
  new AttemptError('refused', 'x', { status, retryAfterMs });
const named = (status: number, type: string) =>
  new AttemptError('refused', 'x', { status, model: { message: 'm', type, form: 'aws' } });
const lost = new AttemptError('lost', 'x');
const timeout = new ResilienceError('TIMEOUT', 'x');
const names = Object.keys(operationRules) as OperationName[];

describe('what a failure means', () => {
  test.each([
    ['429', refused(429), false, 'all', false],
    ['AWS’s ThrottlingException', named(400, 'ThrottlingException'), false, 'all', false],
    [
      'AWS’s limit of something else',
      named(400, 'ResourceNumberLimitExceededException'),
      false,
      'none',
      false,
    ],
    ['a throttling after the work', named(500, 'ThrottlingException'), true, 'repeat', true],
    ['503 with Retry-After', refused(503, 0), true, 'not look', true],
    ['503', refused(503), true, 'repeat', true],
    ['500', refused(500), true, 'repeat', true],
    ['502', refused(502), true, 'repeat', true],
    ['504', refused(504), true, 'repeat', true],
    ['408', refused(408), true, 'repeat', false],
    ['303', refused(303), true, 'repeat', false],
    ['501', refused(501), false, 'none', false],
    ['400', refused(400), false, 'none', false],
    ['401', refused(401), false, 'none', false],
    ['404', refused(404), false, 'none', false],
    ['409', refused(409), false, 'none', false],
    ['a 400 that says that it is unknown', named(400, 'CommitStateUnknownException'), true, 'repeat', false],
    ['a redirect', refused(307), false, 'none', false],
    ['no connection', new AttemptError('not-sent', 'x'), false, 'all', true],
    ['no proof of who calls', new AttemptError('not-sent', 'x', { isFinal: true }), false, 'none', false],
    ['a lost reply', lost, true, 'repeat', true],
    ['a time-out', timeout, true, 'repeat', true],
    ['a reply that breaks the specification', new AttemptError('unreadable', 'x'), true, 'none', false],
  ] as const)('%s', (_, failure, inDoubt, again, fault) => {
    expect(isInDoubt(failure)).toBe(inDoubt);
    expect(isEndpointFault(failure)).toBe(fault);
    for (const name of names) {
      const { inDoubt: rule } = operationRules[name];
      const repeats = rule === 'repeat' || (again === 'not look' && rule === 'caller');
      expect(maySendAgain(name, failure, false), name).toBe(again === 'all' || (again !== 'none' && repeats));
      expect(maySendAgain(name, failure, true), name).toBe(again !== 'none');
    }
  });

  test('commits are never sent again after a doubtful attempt, unless a key makes it safe', () => {
    for (const name of ['commitTable', 'commitTransaction'] as const) {
      for (const failure of [lost, timeout, refused(500), refused(503)]) {
        expect(maySendAgain(name, failure, false)).toBe(false);
        expect(maySendAgain(name, failure, true)).toBe(true);
      }
    }
  });
});
