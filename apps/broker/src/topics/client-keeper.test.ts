import { expect, test } from 'vitest';
import { until } from '../../test/support/clean-up.ts';
import type { ClientSign } from '../metadata/client-records.ts';
import { ClientKeeper, MAX_BATCH, SIGN_GRANULARITY_MS } from './client-keeper.ts';

function setUp(intervalMs = 10) {
  const saved: (readonly ClientSign[])[] = [];
  const errors: unknown[] = [];
  const failures: Error[] = [];
  const keeper = new ClientKeeper({
    intervalMs,
    onError: (error) => errors.push(error),
    store: {
      saveSigns: async (signs) => {
        const failure = failures.shift();
        if (failure) throw failure;
        saved.push(signs);
      },
    },
  });
  const client = (id: bigint) => {
    const made = { id, lastSeenMs: 1_000, left: false };
    keeper.stored(made);
    return made;
  };
  return { keeper, client, saved, errors, failures };
}

test('a client that shows life all the time is written once a minute, from the last sign on disk', async () => {
  const { keeper, client, saved } = setUp();
  const busy = client(1n);
  for (let ms = 0; ms < 3 * SIGN_GRANULARITY_MS; ms += 1_000) {
    busy.lastSeenMs = 1_000 + ms;
    keeper.noted(busy);
    await keeper.flush();
  }
  expect(saved.flat().map(({ lastSeenMs }) => lastSeenMs)).toEqual([
    1_000 + SIGN_GRANULARITY_MS,
    1_000 + 2 * SIGN_GRANULARITY_MS,
  ]);
});

test('leaving and coming back are written by themselves, soon', async () => {
  const { keeper, client, saved } = setUp();
  const consumer = client(1n);
  consumer.left = true;
  keeper.noted(consumer);
  await until('it is written', () => saved.length === 1);
  consumer.left = false;
  keeper.noted(consumer);
  await until('it is written', () => saved.length === 2);
  expect(saved.flat().map(({ left }) => left)).toEqual([true, false]);
});

test('many clients are written in bounded batches, all of them', async () => {
  const { keeper, client, saved } = setUp();
  for (let id = 1n; id <= 2n * BigInt(MAX_BATCH) + 1n; id += 1n) {
    const one = client(id);
    one.left = true;
    keeper.noted(one);
  }
  await until('all are written', () => saved.length === 3);
  expect(saved.map((batch) => batch.length)).toEqual([MAX_BATCH, MAX_BATCH, 1]);
});

test('a failed write is reported and made up for', async () => {
  const { keeper, client, saved, errors, failures } = setUp();
  failures.push(new Error('disk'));
  const consumer = client(1n);
  consumer.left = true;
  keeper.noted(consumer);
  await until('it is written', () => saved.length === 1);
  expect(errors).toHaveLength(1);
});

test('closing writes what waits; who is forgotten is not written', async () => {
  const { keeper, client, saved } = setUp(60_000);
  const [one, two] = [client(1n), client(2n)];
  for (const each of [one, two]) {
    each.left = true;
    keeper.noted(each);
  }
  keeper.forget(one);
  await keeper.close();
  expect(saved.flat().map(({ id }) => id)).toEqual([2n]);
});
