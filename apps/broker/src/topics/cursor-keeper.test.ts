import { describe, expect, test } from 'vitest';
import { until } from '../../test/support/clean-up.ts';
import type { CursorUpdate } from '../metadata/metadata-store.ts';
import { CursorKeeper } from './cursor-keeper.ts';

function setUp(intervalMs = 10) {
  const saved: (readonly CursorUpdate[])[] = [];
  const errors: unknown[] = [];
  const failures: Error[] = [];
  const keeper = new CursorKeeper({
    intervalMs,
    onError: (error) => errors.push(error),
    store: {
      saveCursors: async (updates) => {
        const failure = failures.shift();
        if (failure) throw failure;
        saved.push(updates);
      },
    },
  });
  const source = { topic: '/default/t', name: 's', cursor: -1, log: { durableOffset: -1 } };
  const last = () => saved.at(-1)?.at(-1)?.cursor;
  return { keeper, source, saved, errors, failures, last };
}

describe('CursorKeeper', () => {
  test('never writes a cursor beyond what the log has synced, and writes the rest once it has', async () => {
    const { keeper, source, last } = setUp();
    source.cursor = 9;
    source.log.durableOffset = 4;
    keeper.moved(source);
    await keeper.flush();
    expect(last()).toBe(4);
    source.log.durableOffset = 9;
    await until('the rest is written by itself', () => last() === 9);
    await keeper.close();
  });

  test('many moves between two writes are one write, of all subscriptions together', async () => {
    const { keeper, source, saved } = setUp(60_000);
    const other = { ...source, name: 'other', cursor: 3, log: { durableOffset: 100 } };
    source.log.durableOffset = 100;
    for (let cursor = 0; cursor < 50; cursor += 1) {
      source.cursor = cursor;
      keeper.moved(source);
    }
    keeper.moved(other);
    await keeper.close();
    expect(saved).toEqual([
      [
        { topic: '/default/t', subscription: 's', cursor: 49 },
        { topic: '/default/t', subscription: 'other', cursor: 3 },
      ],
    ]);
  });

  test('a failed write is reported and made up for', async () => {
    const { keeper, source, errors, failures, last } = setUp();
    source.cursor = 1;
    source.log.durableOffset = 1;
    failures.push(new Error('disk'));
    keeper.moved(source);
    await keeper.flush();
    expect(errors).toHaveLength(1);
    await until('it is written', () => last() === 1);
    await keeper.close();
  });
});
