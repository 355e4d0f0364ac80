import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { ObjectStoreError } from '../../src/errors.ts';
import type { PutOptions } from '../../src/object-store.ts';
import { putObject } from '../../src/s3/write/put-object.ts';
import { PUT_TOKEN } from '../../src/s3/write/put-outcome.ts';
import { outcome } from '../local/helpers.ts';
import { answerError, internalError, slowDown } from '../support/fault-proxy.ts';
import { startVersitygw } from '../support/s3-servers.ts';
import {
  type Bucket,
  connect,
  connectFaulty,
  type Faulty,
  openBucket,
  type Settings,
} from './put-harness.ts';

/*
 * Single puts whose request or reply is lost, late or damaged. Each test says what the caller must be told, and looks
 * into the bucket, without the code under test, for what really became of the object.
 */

let bucket: Bucket;
beforeAll(async () => {
  bucket = await openBucket(startVersitygw());
});

const mine = Buffer.from('mine');
const PUT = { method: 'PUT' } as const;
const HEAD = { method: 'HEAD' } as const;
const always = { times: Number.POSITIVE_INFINITY } as const;
/** An attempt ends soon when its reply is held. */
const impatient: Settings = { requestTimeoutMs: 400 };

const text = async (key: string) => (await bucket.read(key))?.toString();

async function failure(call: Promise<unknown>): Promise<ObjectStoreError> {
  const error = await call.then(
    () => new Error('it did not fail'),
    (thrown: unknown) => thrown,
  );
  if (!ObjectStoreError.is(error)) throw error;
  return error;
}

describe('a put with ifAbsent', () => {
  const options: PutOptions = { ifAbsent: true };

  test.each(['rst', 'fin'] as const)('whose reply is lost (%s) is known to have won', async (by) => {
    const { proxy, put } = await connectFaulty(bucket);
    proxy.rule('lost', { ...PUT, fault: { kind: 'lose-reply', by } });
    const key = `lost-${by}`;
    const { etag } = await put(key, mine, options);
    expect(proxy.fired('lost')).toBe(1);
    expect(proxy.requests.map(({ method, status }) => `${method} ${status}`)).toEqual([
      'PUT 200',
      'PUT 412',
      'HEAD 200',
    ]);
    expect(await text(key)).toBe('mine');
    // It is the object that is there.
    expect(await outcome(put(key, Buffer.from('next'), { ifMatch: etag }))).toBe('done');
  });

  test('whose refusal is lost has lost', async () => {
    const { proxy, put } = await connectFaulty(bucket);
    await bucket.write('lost race', 'theirs');
    proxy.rule('lost', { ...PUT, fault: { kind: 'lose-reply' } });
    expect(await outcome(put('lost race', mine, options))).toBe('ALREADY_EXISTS');
    expect(proxy.fired('lost')).toBe(1);
    expect(await text('lost race')).toBe('theirs');
  });

  test('whose reply comes after its time is known to have won', async () => {
    const { proxy, put } = await connectFaulty(bucket, impatient);
    proxy.rule('late', { ...PUT, fault: { kind: 'hold-reply' } });
    await put('late', mine, options);
    expect(proxy.fired('late')).toBe(1);
    expect(await text('late')).toBe('mine');
  });

  test('that never arrived is sent again', async () => {
    const { proxy, put } = await connectFaulty(bucket);
    proxy.rule('reset', { ...PUT, times: 2, fault: { kind: 'reset-before' } });
    await put('reset', mine, options);
    expect(proxy.fired('reset')).toBe(2);
    expect(await text('reset')).toBe('mine');
  });

  test('that a load balancer sends twice is known to have won', async () => {
    // As nginx does when a server breaks the connection: to us the second answer is the first.
    const { port } = new URL(bucket.server.endpoint);
    const twice = createServer(async (incoming, answer) => {
      const body = Buffer.concat(await incoming.toArray());
      const { method, url: path, headers } = incoming;
      const forward = () =>
        new Promise<{ status: number; headers: object; body: Buffer }>((resolve, reject) => {
          request({ host: '127.0.0.1', port, method, path, headers }, async (reply) => {
            resolve({
              status: reply.statusCode ?? 0,
              headers: reply.headers,
              body: Buffer.concat(await reply.toArray()),
            });
          })
            .on('error', reject)
            .end(body);
        });
      if (method === 'PUT') expect((await forward()).status).toBe(200);
      const last = await forward();
      answer.writeHead(last.status, { ...last.headers }).end(last.body);
    });
    await new Promise<void>((resolve) => twice.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      twice.closeAllConnections();
      twice.close();
    });
    const endpoint = `http://127.0.0.1:${(twice.address() as AddressInfo).port}`;
    const connection = await connect({ ...bucket, server: { ...bucket.server, endpoint } });
    await putObject(connection, 'twice', mine, options);
    expect(await text('twice')).toBe('mine');
  });

  test('that ends in server errors is unknown while nobody can tell, and nothing is there', async () => {
    const { proxy, put } = await connectFaulty(bucket);
    proxy.rule('storm', { ...PUT, ...always, fault: internalError() });
    const error = await failure(put('storm', mine, options));
    expect(error.code).toBe('PUT_STATE_UNKNOWN');
    expect((error.cause as ObjectStoreError).code).toBe('UNAVAILABLE');
    expect(proxy.fired('storm')).toBe(4);
    expect(await text('storm')).toBeUndefined();
  });

  test('that happened before a storm of server errors is known to have won', async () => {
    const { proxy, put } = await connectFaulty(bucket);
    proxy.rule('lost', { ...PUT, fault: { kind: 'lose-reply' } });
    proxy.rule('storm', { ...PUT, ...always, fault: internalError() });
    await put('storm after', mine, options);
    expect(proxy.fired('lost')).toBe(1);
    expect(proxy.fired('storm')).toBe(3);
    expect(await text('storm after')).toBe('mine');
  });

  test('that happened, and may not be looked for, is unknown', async () => {
    const { proxy, put } = await connectFaulty(bucket);
    proxy.rule('lost', { ...PUT, fault: { kind: 'lose-reply' } });
    proxy.rule('blind', { ...HEAD, ...always, fault: answerError(403, 'AccessDenied') });
    expect(await outcome(put('blind', mine, options))).toBe('PUT_STATE_UNKNOWN');
    expect(proxy.fired('blind')).toBe(1);
    expect(await text('blind')).toBe('mine');
  });

  test('that happened, and is looked for behind a page to log in, is unknown', async () => {
    const { proxy, put } = await connectFaulty(bucket);
    proxy.rule('lost', { ...PUT, fault: { kind: 'lose-reply' } });
    proxy.rule('portal', { ...HEAD, ...always, fault: { kind: 'answer', status: 200 } });
    expect(await outcome(put('portal head', mine, options))).toBe('PUT_STATE_UNKNOWN');
    expect(proxy.fired('portal')).toBe(1);
    expect(await text('portal head')).toBe('mine');
  });

  test('that was refused after a lost reply, by an object that is gone, is unknown', async () => {
    const { proxy, put } = await connectFaulty(bucket);
    proxy.rule('lost', { ...PUT, fault: { kind: 'lose-reply' } });
    proxy.rule('gone', { ...HEAD, fault: answerError(404, 'NoSuchKey') });
    expect(await outcome(put('gone', mine, options))).toBe('PUT_STATE_UNKNOWN');
    expect(proxy.fired('gone')).toBe(1);
  });

  test('that meets a conflict is sent again', async () => {
    const { proxy, put } = await connectFaulty(bucket);
    proxy.rule('conflict', { ...PUT, times: 2, fault: answerError(409, 'ConditionalRequestConflict') });
    await put('conflict', mine, options);
    expect(proxy.fired('conflict')).toBe(2);
    expect(await text('conflict')).toBe('mine');
  });

  test('that is answered "done" by something that is no S3 server has not won', async () => {
    const { proxy, put } = await connectFaulty(bucket);
    proxy.rule('portal', {
      ...PUT,
      ...always,
      fault: { kind: 'answer', status: 200, body: '<html>Log in</html>' },
    });
    expect(await outcome(put('portal', mine, options))).toBe('PUT_STATE_UNKNOWN');
    expect(await text('portal')).toBeUndefined();
  });
});

describe('a put with ifMatch', () => {
  async function replacing(key: string, settings: Settings = {}): Promise<Faulty & { options: PutOptions }> {
    const faulty = await connectFaulty(bucket, settings);
    const { etag } = await faulty.put(key, Buffer.from('before'));
    faulty.proxy.rule('lost', { ...PUT, fault: { kind: 'lose-reply' } });
    return { ...faulty, options: { ifMatch: etag } };
  }

  test('whose reply is lost is known to have happened', async () => {
    const { proxy, put, options } = await replacing('match');
    await put('match', mine, options);
    expect(proxy.fired('lost')).toBe(1);
    expect(await text('match')).toBe('mine');
  });

  test('that was replaced before it could be sent again is unknown', async () => {
    const beforeRetry = () => bucket.write('replaced', 'theirs');
    const { proxy, put, options } = await replacing('replaced', { beforeRetry });
    expect(await outcome(put('replaced', mine, options))).toBe('PUT_STATE_UNKNOWN');
    expect(proxy.fired('lost')).toBe(1);
    expect(await text('replaced')).toBe('theirs');
  });

  test('that was deleted before it could be sent again is unknown', async () => {
    const beforeRetry = () => bucket.remove('deleted');
    const { put, options } = await replacing('deleted', { beforeRetry });
    expect(await outcome(put('deleted', mine, options))).toBe('PUT_STATE_UNKNOWN');
    expect(await text('deleted')).toBeUndefined();
  });

  test('of another version is refused, without doubt, at once', async () => {
    const { proxy, put } = await connectFaulty(bucket);
    await bucket.write('other', 'theirs');
    expect(await outcome(put('other', mine, { ifMatch: '0123' }))).toBe('PRECONDITION_FAILED');
    expect(proxy.count('PUT')).toBe(1);
    expect(await text('other')).toBe('theirs');
  });
});

describe('a put without condition', () => {
  test('whose reply is lost is sent again', async () => {
    const { proxy, put } = await connectFaulty(bucket);
    proxy.rule('lost', { ...PUT, times: 3, fault: { kind: 'lose-reply' } });
    await put('again', mine);
    expect(proxy.fired('lost')).toBe(3);
    expect(await text('again')).toBe('mine');
  });

  test('that ends in server errors is unknown; one of them may have stored it', async () => {
    const { proxy, put } = await connectFaulty(bucket);
    proxy.rule('lost', { ...PUT, fault: { kind: 'lose-reply' } });
    proxy.rule('storm', { ...PUT, ...always, fault: internalError() });
    expect(await outcome(put('stored', mine))).toBe('PUT_STATE_UNKNOWN');
    expect(await text('stored')).toBe('mine');
  });

  test('in doubt, and then refused for another reason, is unknown', async () => {
    const { proxy, put } = await connectFaulty(bucket);
    proxy.rule('lost', { ...PUT, fault: { kind: 'lose-reply' } });
    proxy.rule('slow', { ...PUT, ...always, fault: slowDown() });
    expect(await outcome(put('doubt', mine))).toBe('PUT_STATE_UNKNOWN');
    expect(await text('doubt')).toBe('mine');
  });

  test('that was only ever told to slow down did not happen', async () => {
    const { proxy, put } = await connectFaulty(bucket);
    proxy.rule('slow', { ...PUT, ...always, fault: slowDown() });
    expect(await outcome(put('slowed', mine))).toBe('THROTTLED');
    expect(proxy.fired('slow')).toBe(4);
    expect(await text('slowed')).toBeUndefined();
  });

  test('is sent again when the server wants it, not before', async () => {
    const { proxy, put } = await connectFaulty(bucket);
    proxy.rule('slow', { ...PUT, fault: slowDown(1) });
    const startedMs = performance.now();
    await put('later', mine);
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(990);
    expect(await text('later')).toBe('mine');
  });

  test('to a server that is not there did not happen', async () => {
    const { proxy, put } = await connectFaulty(bucket);
    await proxy.close();
    expect(await outcome(put('nobody', mine))).toBe('UNAVAILABLE');
  });
});

describe('a damaged request', () => {
  const content = Buffer.alloc(100_000, 'danube');

  test('of which only the beginning arrives is not believed, and sent again, whole', async () => {
    const { proxy, put } = await connectFaulty(bucket);
    proxy.rule('cut', { ...PUT, times: 2, fault: { kind: 'cut-request', afterBytes: 50_000 } });
    await put('cut', content, { ifAbsent: true });
    expect(proxy.fired('cut')).toBe(2);
    expect((await bucket.read('cut'))?.equals(content)).toBe(true);
  });

  test('of which only the beginning ever arrives stores nothing', async () => {
    const { proxy, put } = await connectFaulty(bucket);
    proxy.rule('cut', { ...PUT, ...always, fault: { kind: 'cut-request', afterBytes: 50_000 } });
    // The server surely stored nothing, but this is how a lost reply looks, too.
    expect(await outcome(put('cut off', content))).toBe('PUT_STATE_UNKNOWN');
    expect(await bucket.read('cut off')).toBeUndefined();
  });

  test('is refused by the server and sent again, whole', async () => {
    const { proxy, put } = await connectFaulty(bucket);
    proxy.rule('flipped', { ...PUT, times: 2, fault: { kind: 'flip-request-byte' } });
    await put('flipped', content, { ifAbsent: true });
    expect(proxy.fired('flipped')).toBe(2);
    expect(proxy.requests.map(({ status }) => status)).toEqual([400, 400, 200]);
    expect((await bucket.read('flipped'))?.equals(content)).toBe(true);
  });

  test('that is damaged every time is CORRUPT, and nothing is there', async () => {
    const { proxy, put } = await connectFaulty(bucket);
    proxy.rule('flipped', { ...PUT, ...always, fault: { kind: 'flip-request-byte' } });
    expect(await outcome(put('never whole', content))).toBe('CORRUPT');
    expect(await bucket.read('never whole')).toBeUndefined();
  });
});

describe('a put that its caller ends', () => {
  test('before anything is sent did not happen', async () => {
    const { proxy, put } = await connectFaulty(bucket);
    const reason = new Error('enough');
    const error = await failure(put('early', mine, { signal: AbortSignal.abort(reason) }));
    expect([error.code, error.cause]).toEqual(['ABORTED', reason]);
    expect(proxy.requests).toEqual([]);
  });

  test.each([{}, { ifAbsent: true }])('while it is under way is unknown (%j)', async (options) => {
    const { proxy, put } = await connectFaulty(bucket);
    proxy.rule('held', { ...PUT, fault: { kind: 'hold-reply' } });
    const key = `under way ${JSON.stringify(options)}`;
    const caller = new AbortController();
    const reason = new Error('enough');
    const putting = failure(put(key, mine, { ...options, signal: caller.signal }));
    while (proxy.fired('held') === 0) await sleep(5);
    caller.abort(reason);
    const error = await putting;
    expect(error.code).toBe('PUT_STATE_UNKNOWN');
    expect(error.cause).toMatchObject({ code: 'ABORTED', cause: reason });
    expect(await text(key)).toBe('mine');
  });

  test('by closing the store is unknown', async () => {
    const { proxy, connection, put } = await connectFaulty(bucket);
    proxy.rule('held', { ...PUT, fault: { kind: 'hold-reply' } });
    const putting = failure(put('closed', mine));
    while (proxy.fired('held') === 0) await sleep(5);
    connection.close();
    const error = await putting;
    expect([error.code, (error.cause as ObjectStoreError).code]).toEqual(['PUT_STATE_UNKNOWN', 'CLOSED']);
    expect(await text('closed')).toBe('mine');
    expect(await outcome(put('later', mine))).toBe('CLOSED');
  });

  test('between attempts that surely did nothing did not happen', async () => {
    const { proxy, put } = await connectFaulty(bucket);
    proxy.rule('slow', { ...PUT, ...always, fault: slowDown(20) });
    const caller = new AbortController();
    const putting = outcome(put('waiting', mine, { signal: caller.signal }));
    while (proxy.fired('slow') === 0) await sleep(5);
    await sleep(20);
    caller.abort();
    expect(await putting).toBe('ABORTED');
    expect(proxy.requests.length).toBe(1);
    expect(await text('waiting')).toBeUndefined();
  });

  test('while its stream has not ended did not happen, and the stream is ended', async () => {
    const { proxy, put } = await connectFaulty(bucket);
    const caller = new AbortController();
    let ended = false;
    async function* source() {
      try {
        yield mine;
        caller.abort();
        await sleep(10);
        yield mine;
      } finally {
        ended = true;
      }
    }
    expect(await outcome(put('stream', source(), { signal: caller.signal }))).toBe('ABORTED');
    expect(proxy.requests).toEqual([]);
    await sleep(30);
    expect(ended).toBe(true);
  });
});

test('the token of a put is one of a kind', async () => {
  const { proxy, put } = await connectFaulty(bucket);
  for (let n = 0; n < 3; n += 1) await put(`token/${n}`, mine, { ifAbsent: true });
  const tokens = proxy.requests.map(({ headers }) => headers[`x-amz-meta-${PUT_TOKEN}`]);
  expect(new Set(tokens).size).toBe(3);
});
