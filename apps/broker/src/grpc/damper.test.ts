import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Damper } from './damper.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function setUp(maxWaiting = 3) {
  const damper = new Damper(500, maxWaiting);
  const answered: string[] = [];
  const hold = (name: string) => {
    const call = new EventEmitter();
    damper.hold(call, () => answered.push(name));
    return call;
  };
  return { damper, answered, hold };
}

test('a refusal is answered after the delay, not before', () => {
  const { answered, hold } = setUp();
  hold('a');
  vi.advanceTimersByTime(499);
  expect(answered).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(answered).toEqual(['a']);
});

test('no more wait than the bound; the others are answered at once', () => {
  const { damper, answered, hold } = setUp(2);
  for (const name of ['a', 'b', 'c', 'd']) hold(name);
  expect([damper.waiting, answered]).toEqual([2, ['c', 'd']]);
  vi.advanceTimersByTime(500);
  expect([damper.waiting, answered]).toEqual([0, ['c', 'd', 'a', 'b']]);
});

test('a client that goes away makes room and is not answered', () => {
  const { damper, answered, hold } = setUp(1);
  hold('a').emit('cancelled');
  expect(damper.waiting).toBe(0);
  hold('b');
  vi.advanceTimersByTime(500);
  expect(answered).toEqual(['b']);
});

test('a release answers who waits, once, and then everybody at once', () => {
  const { damper, answered, hold } = setUp();
  hold('a');
  damper.release();
  hold('b');
  vi.advanceTimersByTime(500);
  expect(answered).toEqual(['a', 'b']);
});
