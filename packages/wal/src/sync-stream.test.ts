import { expect, test } from 'vitest';
import { Segment } from './segment.ts';
import { SyncStream } from './sync-stream.ts';

const segment = () =>
  new Segment('/x', {
    logId: new Uint8Array(16),
    firstOffset: 0,
    sequence: 0,
    salt: 1,
    previousSalt: 0,
    durableUpTo: 0,
    createdMs: 0,
  });

test('a waiter for less is answered before one for more that came first (hazard: truncation behind sync)', async () => {
  const active = segment();
  const stream = new SyncStream({ active, failure: undefined, fail() {}, advanced() {} }, 0);
  let more: unknown = 'waiting';
  void stream.waitFor(41).catch((error: unknown) => {
    more = error;
  });
  const less = stream.waitFor(19);
  expect(stream.hasWaiterAtOrBelow(18)).toBe(false);
  expect(stream.hasWaiterAtOrBelow(19)).toBe(true);
  stream.advance(active, 500, 23);
  expect(await less).toBe(22);
  expect(more).toBe('waiting');
  const error = new Error('full');
  stream.rejectAbove(23, error);
  await Promise.resolve();
  expect(more).toBe(error);
});

test('whoever asks before a sync starts shares it; whoever asks later gets the next', async () => {
  const active = segment();
  let syncs = 0;
  let finish = () => {};
  active.file = {
    sync: () => {
      syncs++;
      return new Promise<void>((resolve) => {
        finish = resolve;
      });
    },
  } as unknown as NonNullable<Segment['file']>;
  const stream = new SyncStream({ active, failure: undefined, fail() {}, advanced() {} }, 0);
  active.grow(0, 1, 80);
  const first = [stream.request(), stream.request()];
  await new Promise(setImmediate);
  expect(syncs).toBe(1);
  active.grow(1, 1, 80); // written while the sync runs: not covered
  const second = [stream.request(), stream.request()];
  finish();
  await Promise.all(first);
  expect(stream.durableNext).toBe(1);
  await new Promise(setImmediate);
  expect(syncs).toBe(2);
  finish();
  await Promise.all(second);
  expect(stream.durableNext).toBe(2);
});
