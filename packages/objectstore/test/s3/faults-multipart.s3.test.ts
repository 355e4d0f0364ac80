import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { ObjectStoreError } from '../../src/errors.ts';
import type { PutOptions } from '../../src/object-store.ts';
import { outcome } from '../local/helpers.ts';
import { answerError, internalError } from '../support/fault-proxy.ts';
import { startVersitygw } from '../support/s3-servers.ts';
import { type Bucket, body, chunks, connectFaulty, MIB, openBucket } from './put-harness.ts';

/*
 * Uploads in parts whose requests or replies are lost, late or damaged, whose source fails, and that their caller ends.
 * Each test looks into the bucket for what became of the object, and whether an upload was left behind.
 */

let bucket: Bucket;
beforeAll(async () => {
  bucket = await openBucket(startVersitygw());
});

const content = body(6 * MIB);
const BEGIN = { method: 'POST', query: /^uploads/ } as const;
const PART = { method: 'PUT', query: /partNumber=2(?:&|$)/ } as const;
const COMPLETE = { method: 'POST', query: /^uploadId=/ } as const;
const ABORT = { method: 'DELETE' } as const;
const HEAD = { method: 'HEAD' } as const;
const always = { times: Number.POSITIVE_INFINITY } as const;

const isStored = async (key: string) => (await bucket.read(key))?.equals(content) ?? false;

async function expectNothing(key: string): Promise<void> {
  expect(await bucket.read(key)).toBeUndefined();
  expect(await bucket.uploads(key)).toEqual([]);
}

async function failure(call: Promise<unknown>): Promise<ObjectStoreError> {
  const error = await call.then(
    () => new Error('it did not fail'),
    (thrown: unknown) => thrown,
  );
  if (!ObjectStoreError.is(error)) throw error;
  return error;
}

describe('a part', () => {
  test.each([
    ['lost', { kind: 'lose-reply' }],
    ['never arrived', { kind: 'reset-before' }],
    ['cut', { kind: 'cut-request', afterBytes: 500_000 }],
    ['refused', internalError()],
    ['damaged', { kind: 'flip-request-byte' }],
  ] as const)('that is %s is sent again', async (name, fault) => {
    const { proxy, put } = await connectFaulty(bucket);
    proxy.rule('fault', { ...PART, times: 2, fault });
    await put(`part ${name}`, content, { ifAbsent: true });
    expect(proxy.fired('fault')).toBe(2);
    expect(await isStored(`part ${name}`)).toBe(true);
    expect(await bucket.uploads()).toEqual([]);
  });

  test.each([
    ['server errors', internalError(), 'UNAVAILABLE'],
    ['no permission', answerError(403, 'AccessDenied'), 'PERMISSION_DENIED'],
    ['damage', { kind: 'flip-request-byte' }, 'CORRUPT'],
  ] as const)(
    'that fails with %s for good ends the put, and the upload is aborted',
    async (name, fault, code) => {
      const { proxy, put } = await connectFaulty(bucket);
      proxy.rule('fault', { ...PART, ...always, fault });
      expect(await outcome(put(`for good, ${name}`, content))).toBe(code);
      expect(proxy.fired('fault')).toBeGreaterThan(0);
      expect(proxy.count('DELETE')).toBe(1);
      await expectNothing(`for good, ${name}`);
    },
  );

  test('that fails ends a stream that hangs', async () => {
    const { proxy, put } = await connectFaulty(bucket);
    proxy.rule('fault', { ...PART, query: /partNumber=1(?:&|$)/, fault: answerError(403, 'AccessDenied') });
    async function* source() {
      yield* chunks(content, MIB);
      await new Promise(() => {});
    }
    expect(await outcome(put('hanging', source()))).toBe('PERMISSION_DENIED');
    await expectNothing('hanging');
  });

  test('that fails ends another one that is waiting for its answer', async () => {
    const { proxy, put } = await connectFaulty(bucket);
    proxy.rule('held', { query: /partNumber=1(?:&|$)/, fault: { kind: 'hold-reply' } });
    proxy.rule('fault', { ...PART, fault: answerError(403, 'AccessDenied') });
    expect(await outcome(put('waiting', content))).toBe('PERMISSION_DENIED');
    await expectNothing('waiting');
  });

  test('of an upload that somebody else has aborted fails the put, which did not happen', async () => {
    const { proxy, put } = await connectFaulty(bucket);
    async function* source() {
      yield content.subarray(0, 5 * MIB);
      while (!proxy.requests.some(({ method, status }) => method === 'PUT' && status === 200)) await sleep(5);
      await bucket.abortUploads('stolen');
      // Small: a server that refuses a large part without reading it resets the connection.
      yield content.subarray(0, 1_000);
    }
    const error = await failure(put('stolen', source()));
    expect(error.code).toBe('IO_ERROR');
    expect(error.message).toContain('aborted');
    await expectNothing('stolen');
  });

  test('that fails while the abort is refused at first is aborted all the same', async () => {
    const { proxy, put } = await connectFaulty(bucket);
    proxy.rule('fault', { ...PART, ...always, fault: answerError(403, 'AccessDenied') });
    proxy.rule('refused', { ...ABORT, times: 6, fault: internalError() });
    expect(await outcome(put('stubborn', content))).toBe('PERMISSION_DENIED');
    // More than the attempts of one call.
    expect(proxy.fired('refused')).toBe(6);
    await expectNothing('stubborn');
  });

  test('that fails, with an abort whose reply is lost, leaves nothing', async () => {
    const { proxy, put } = await connectFaulty(bucket);
    proxy.rule('fault', { ...PART, ...always, fault: answerError(403, 'AccessDenied') });
    proxy.rule('lost', { ...ABORT, fault: { kind: 'lose-reply' } });
    expect(await outcome(put('lost abort', content))).toBe('PERMISSION_DENIED');
    expect(proxy.fired('lost')).toBe(1);
    await expectNothing('lost abort');
  });

  test('that fails opens the breaker, and the upload is aborted when it lets requests pass again', async () => {
    const breaker = { halfOpenAfterMs: 300 };
    const retry = { maxAttempts: 5, initialDelayMs: 1, maxDelayMs: 5 };
    const { proxy, put } = await connectFaulty(bucket, {
      partConcurrency: 1,
      resilience: { retry, breaker },
    });
    proxy.rule('fault', { ...PART, ...always, fault: internalError() });
    expect(await outcome(put('breaker', content))).toBe('UNAVAILABLE');
    expect(proxy.fired('fault')).toBe(5);
    await expectNothing('breaker');
  });
});

describe('completing an upload', () => {
  test.each([
    ['lost', { kind: 'lose-reply' }],
    ['never arrived', { kind: 'reset-before' }],
    ['answered with an error', internalError()],
    ['refused for a conflict', answerError(409, 'ConditionalRequestConflict')],
    ['answered with 200 and an error', { ...answerError(200, 'InternalError') }],
    ['answered with 200 and nothing', { kind: 'answer', status: 200 }],
  ] as const)('whose request or reply is %s is repeated, with and without ifAbsent', async (name, fault) => {
    const { proxy, put } = await connectFaulty(bucket);
    proxy.rule('first', { ...COMPLETE, fault });
    await put(`complete ${name}`, content);
    proxy.rule('second', { ...COMPLETE, fault });
    await put(`complete once ${name}`, content, { ifAbsent: true });
    expect(proxy.fired('first') + proxy.fired('second')).toBe(2);
    expect(await isStored(`complete ${name}`)).toBe(true);
    expect(await isStored(`complete once ${name}`)).toBe(true);
    expect(await bucket.uploads()).toEqual([]);
  });

  test('whose reply comes after its time is known to have happened', async () => {
    const { proxy, put } = await connectFaulty(bucket, { requestTimeoutMs: 1_000 });
    proxy.rule('late', { ...COMPLETE, fault: { kind: 'hold-reply' } });
    await put('in time', content, { ifAbsent: true });
    expect(proxy.fired('late')).toBe(1);
    expect(await isStored('in time')).toBe(true);
  });

  test('that lost, and whose refusal was lost, has lost, and the upload is aborted', async () => {
    const { proxy, put } = await connectFaulty(bucket);
    await bucket.write('lost race', 'theirs');
    proxy.rule('lost', { ...COMPLETE, fault: { kind: 'lose-reply' } });
    expect(await outcome(put('lost race', content, { ifAbsent: true }))).toBe('ALREADY_EXISTS');
    expect(proxy.fired('lost')).toBe(1);
    expect((await bucket.read('lost race'))?.toString()).toBe('theirs');
    expect(await bucket.uploads()).toEqual([]);
  });

  test('with ifMatch, refused after a lost refusal, surely did not happen: the upload could be aborted', async () => {
    const { proxy, put } = await connectFaulty(bucket);
    await bucket.write('other', 'theirs');
    proxy.rule('lost', { ...COMPLETE, fault: { kind: 'lose-reply' } });
    expect(await outcome(put('other', content, { ifMatch: '0123' }))).toBe('PRECONDITION_FAILED');
    expect(proxy.fired('lost')).toBe(1);
    expect((await bucket.read('other'))?.toString()).toBe('theirs');
  });

  test.each([{}, { ifAbsent: true }])(
    'in a storm of server errors surely did not happen (%j)',
    async (options) => {
      const { proxy, put } = await connectFaulty(bucket);
      proxy.rule('storm', { ...COMPLETE, ...always, fault: internalError() });
      const key = `storm ${JSON.stringify(options)}`;
      expect(await outcome(put(key, content, options))).toBe('UNAVAILABLE');
      expect(proxy.fired('storm')).toBe(4);
      await expectNothing(key);
    },
  );

  test.each([{}, { ifAbsent: true }])(
    'that happened before a storm is known to have happened (%j)',
    async (options) => {
      const { proxy, put } = await connectFaulty(bucket);
      proxy.rule('lost', { ...COMPLETE, fault: { kind: 'lose-reply' } });
      proxy.rule('storm', { ...COMPLETE, ...always, fault: internalError() });
      const key = `after ${JSON.stringify(options)}`;
      await put(key, content, options);
      expect(proxy.fired('lost')).toBe(1);
      expect(proxy.fired('storm')).toBe(3);
      expect(await isStored(key)).toBe(true);
    },
  );

  test('that the server is still at, when there is no upload any more, is waited for', async () => {
    const { proxy, put } = await connectFaulty(bucket);
    proxy.rule('lost', { ...COMPLETE, fault: { kind: 'lose-reply' } });
    proxy.rule('storm', { ...COMPLETE, ...always, fault: internalError() });
    proxy.rule('not yet', { ...HEAD, times: 2, fault: answerError(404, 'NoSuchKey') });
    await put('not yet', content, { ifAbsent: true });
    expect(proxy.fired('not yet')).toBe(2);
    expect(await isStored('not yet')).toBe(true);
  });

  test('that happened, and may not be looked for, is unknown', async () => {
    const { proxy, put } = await connectFaulty(bucket);
    proxy.rule('lost', { ...COMPLETE, fault: { kind: 'lose-reply' } });
    proxy.rule('storm', { ...COMPLETE, ...always, fault: internalError() });
    proxy.rule('blind', { ...HEAD, fault: answerError(403, 'AccessDenied') });
    expect(await outcome(put('blind', content))).toBe('PUT_STATE_UNKNOWN');
    expect(proxy.fired('blind')).toBe(1);
    expect(await isStored('blind')).toBe(true);
  });

  test('that happened and was replaced since is unknown', async () => {
    const { proxy, put } = await connectFaulty(bucket, {
      beforeRetry: () => bucket.write('replaced', 'theirs'),
    });
    proxy.rule('lost', { ...COMPLETE, fault: { kind: 'lose-reply' } });
    proxy.rule('storm', { ...COMPLETE, ...always, fault: internalError() });
    expect(await outcome(put('replaced', content))).toBe('PUT_STATE_UNKNOWN');
    expect((await bucket.read('replaced'))?.toString()).toBe('theirs');
  });

  test('in doubt, with an upload that cannot be aborted, is unknown', async () => {
    const { proxy, put } = await connectFaulty(bucket);
    proxy.rule('storm', { ...COMPLETE, ...always, fault: internalError() });
    proxy.rule('kept', { ...ABORT, fault: answerError(403, 'AccessDenied') });
    expect(await outcome(put('kept', content))).toBe('PUT_STATE_UNKNOWN');
    expect(proxy.fired('kept')).toBe(1);
    expect(await bucket.read('kept')).toBeUndefined();
    await bucket.abortUploads('kept');
  });

  test('in doubt, with an abort that is answered "done" by something that is no S3 server, is unknown', async () => {
    const { proxy, put } = await connectFaulty(bucket);
    proxy.rule('storm', { ...COMPLETE, ...always, fault: internalError() });
    proxy.rule('portal', { ...ABORT, fault: { kind: 'answer', status: 200, body: '<html>Log in</html>' } });
    expect(await outcome(put('portal', content))).toBe('PUT_STATE_UNKNOWN');
    expect(proxy.fired('portal')).toBe(1);
    expect(await bucket.uploads('portal')).toEqual(['portal']);
    await bucket.abortUploads('portal');
  });

  test('that is refused without doubt aborts the upload', async () => {
    const { proxy, put } = await connectFaulty(bucket);
    proxy.rule('refused', { ...COMPLETE, fault: answerError(400, 'InvalidPart') });
    expect(await outcome(put('refused', content))).toBe('CORRUPT');
    expect(proxy.count('HEAD')).toBe(0);
    await expectNothing('refused');
  });
});

describe('a source that fails', () => {
  test.each([1, 5, 6])('after %i MiB leaves nothing', async (mib) => {
    const { put } = await connectFaulty(bucket);
    const reason = new Error('the source broke');
    async function* source() {
      yield* chunks(content.subarray(0, mib * MIB), 300_000);
      throw reason;
    }
    const error = await failure(put(`source ${mib}`, source()));
    expect([error.code, error.cause]).toEqual(['IO_ERROR', reason]);
    await expectNothing(`source ${mib}`);
  });
});

describe('an upload that its caller ends', () => {
  /** Ends a put when a request has met with a fault, and gives its outcome. */
  async function endedAt(key: string, rule: object, options: PutOptions = {}) {
    const { proxy, put } = await connectFaulty(bucket, { requestTimeoutMs: 10_000 });
    proxy.rule('held', rule as never);
    const caller = new AbortController();
    let ended = false;
    async function* source() {
      try {
        yield* chunks(content, MIB);
      } finally {
        ended = true;
      }
    }
    const putting = put(key, source(), { ...options, signal: caller.signal });
    putting.catch(() => {});
    while (proxy.fired('held') === 0) await sleep(5);
    caller.abort(new Error('enough'));
    return { result: await outcome(putting), ended, proxy };
  }

  test('while it begins did not happen', async () => {
    const { result, ended } = await endedAt('begin', { ...BEGIN, fault: { kind: 'hold-reply' } });
    expect([result, ended]).toEqual(['ABORTED', true]);
    expect(await bucket.read('begin')).toBeUndefined();
    // Nobody was told the id of this upload; without a journal it stays.
    expect(await bucket.uploads('begin')).toEqual(['begin']);
    await bucket.abortUploads('begin');
  });

  test('while parts are under way did not happen, and is aborted', async () => {
    const { result, ended } = await endedAt('parts', { ...PART, fault: { kind: 'hold-reply' } });
    expect([result, ended]).toEqual(['ABORTED', true]);
    await expectNothing('parts');
  });

  test('while it is completed, and was completed, happened', async () => {
    const { result } = await endedAt(
      'completed',
      { ...COMPLETE, fault: { kind: 'hold-reply' } },
      { ifAbsent: true },
    );
    expect(result).toBe('done');
    expect(await isStored('completed')).toBe(true);
  });

  test('while it is completed did not happen if the request comes later than the abort', async () => {
    const { proxy, put } = await connectFaulty(bucket);
    proxy.rule('late', { ...COMPLETE, fault: { kind: 'pass', delayMs: 700 } });
    const caller = new AbortController();
    const putting = outcome(put('late', content, { signal: caller.signal }));
    while (!proxy.requests.some(({ rule }) => rule === 'late')) await sleep(5);
    caller.abort();
    expect(await putting).toBe('ABORTED');
    await expectNothing('late');
    while (proxy.fired('late') === 0) await sleep(20);
    await sleep(100);
    await expectNothing('late');
  });
});
