import { IcebergError } from '@danube/iceberg';
import { expect, test } from 'vitest';
import { AttemptError } from './attempt-error.ts';
import { CallFailure } from './call-failure.ts';
import { type Seen, settle } from './settle.ts';

const retry = { maxAttempts: 3, initialDelayMs: 1, maxDelayMs: 2, maxRetryAfterMs: 1000 };
const settling = {
  options: { resilience: { retry }, components: undefined },
  closing: new AbortController().signal,
};
const subject = { what: 'table a.b', context: {} };

function inDoubt(retryAfterMs?: number): CallFailure {
  const last = new AttemptError('refused', 'status 503', { status: 503, retryAfterMs });
  return new CallFailure(last, { operation: 'createTable', doubts: [last], attempts: 1 });
}

/** Sendings that end as given, the last one again and again; and a look that always sees the same. */
async function settled(ends: readonly unknown[], seen: Seen<string>) {
  let sendings = 0;
  const send = async (): Promise<string> => {
    const end = ends[Math.min(sendings, ends.length - 1)];
    sendings += 1;
    if (typeof end === 'string') return end;
    throw end;
  };
  const outcome = await settle({ subject, send, look: async () => seen }, settling).catch((error: unknown) =>
    IcebergError.is(error) ? error.code : error,
  );
  return [outcome, sendings];
}

test('a sending that is not begun says nothing of an earlier one in doubt', async () => {
  const closed = new IcebergError('CATALOG_UNAVAILABLE', 'closed');
  expect(await settled([closed], { kind: 'not-yet' })).toEqual(['CATALOG_UNAVAILABLE', 1]);
  expect(await settled([inDoubt(), closed], { kind: 'not-yet' })).toEqual(['COMMIT_STATE_UNKNOWN', 2]);
});

test('what is not there yet is sent again, as often as attempts are allowed', async () => {
  expect(await settled([inDoubt(), inDoubt(), 'done'], { kind: 'not-yet' })).toEqual(['done', 3]);
  expect(await settled([inDoubt()], { kind: 'not-yet' })).toEqual(['COMMIT_STATE_UNKNOWN', 3]);
});

test('a wait longer than anybody waits ends it', async () => {
  expect(await settled([inDoubt(5), 'done'], { kind: 'not-yet' })).toEqual(['done', 2]);
  expect(await settled([inDoubt(60_000), 'done'], { kind: 'not-yet' })).toEqual(['COMMIT_STATE_UNKNOWN', 1]);
});

test('what a look shows is the outcome', async () => {
  expect(await settled([inDoubt()], { kind: 'happened', value: 'ours' })).toEqual(['ours', 1]);
  expect(await settled([inDoubt()], { kind: 'unclear' })).toEqual(['COMMIT_STATE_UNKNOWN', 1]);
  const error = new IcebergError('ALREADY_EXISTS', 'taken');
  expect(await settled([inDoubt()], { kind: 'refused', error })).toEqual(['ALREADY_EXISTS', 1]);
});
