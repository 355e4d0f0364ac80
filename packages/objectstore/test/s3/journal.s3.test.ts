import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateMultipartUploadCommand } from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { openS3ObjectStore, openUploadJournal, type S3ObjectStore } from '../../src/index.ts';
import { outcome, tempDir } from '../local/helpers.ts';
import { answerError, slowDown } from '../support/fault-proxy.ts';
import { startGuarded } from '../support/guarded-process.ts';
import { startVersitygw } from '../support/s3-servers.ts';
import { type Bucket, body, connectFaulty, MIB, openBucket } from './put-harness.ts';

let bucket: Bucket;
beforeAll(async () => {
  bucket = await openBucket(startVersitygw());
});

const BEGIN = { method: 'POST', query: /^uploads/ } as const;
const CHILD = join(import.meta.dirname, 'upload-child.ts');

/** A process in the middle of an upload: the server has a part of it. */
async function uploading(key: string, dir: string) {
  const { proxy } = await connectFaulty(bucket);
  const args = ['--conditions=@danube/source', CHILD, proxy.endpoint, bucket.name, key, dir];
  const child = await startGuarded(process.execPath, args);
  onTestFinished(() => child.stop());
  while (!proxy.requests.some(({ method, status }) => method === 'PUT' && status === 200)) {
    if (child.ended()) throw new Error(child.output());
    await sleep(20);
  }
  return { child, proxy, endpoint: proxy.endpoint };
}

async function open(dir: string, endpoint: string): Promise<S3ObjectStore> {
  const { accessKeyId, secretAccessKey, region } = bucket.server;
  const store = await openS3ObjectStore({
    endpoint,
    bucket: bucket.name,
    region,
    pathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
    uploadJournal: await openUploadJournal({ dir }),
    resilience: { retry: { maxAttempts: 2, initialDelayMs: 1 }, breaker: false },
  });
  onTestFinished(() => store.close());
  return store;
}

async function beginAsSomebodyElse(key: string): Promise<void> {
  await bucket.client.send(new CreateMultipartUploadCommand({ Bucket: bucket.name, Key: key }));
  onTestFinished(() => bucket.abortUploads(key));
}

test('an upload whose process was killed is aborted when the store is opened again, and no other', async () => {
  const dir = join(await tempDir(), 'journal');
  await beginAsSomebodyElse('killed/ours, too');
  const { child, endpoint } = await uploading('killed/ours', dir);
  await child.stop();
  expect(await bucket.uploads('killed/')).toEqual(['killed/ours', 'killed/ours, too']);
  expect((await readdir(dir)).length).toBe(1);
  await open(dir, endpoint);
  expect(await bucket.uploads('killed/')).toEqual(['killed/ours, too']);
  expect(await readdir(dir)).toEqual([]);
  expect(await bucket.read('killed/ours')).toBeUndefined();
});

test('an upload whose process lives is left alone', async () => {
  const dir = join(await tempDir(), 'journal');
  const { child, endpoint } = await uploading('alive', dir);
  await open(dir, endpoint);
  expect(await bucket.uploads('alive')).toEqual(['alive']);
  expect((await readdir(dir)).length).toBe(1);
  expect(child.ended()).toBe(false);
  await child.stop();
  await open(dir, endpoint);
  expect(await bucket.uploads('alive')).toEqual([]);
});

test('notes of another server stay, and so do all while the server does not answer', async () => {
  const dir = join(await tempDir(), 'journal');
  const { child, proxy, endpoint } = await uploading('away', dir);
  await child.stop();
  await open(dir, bucket.server.endpoint);
  expect(await bucket.uploads('away')).toEqual(['away']);
  expect((await readdir(dir)).length).toBe(1);
  proxy.rule('away', { method: 'GET', query: /uploads/, times: 2, fault: { kind: 'reset-before' } });
  await open(dir, endpoint);
  expect(proxy.fired('away')).toBe(2);
  expect(await bucket.uploads('away')).toEqual(['away']);
  expect((await readdir(dir)).length).toBe(1);
  await open(dir, endpoint);
  expect(await bucket.uploads('away')).toEqual([]);
  expect(await readdir(dir)).toEqual([]);
});

test('an upload is noted while it is under way, and no longer, whether it is completed or fails', async () => {
  const dir = join(await tempDir(), 'journal');
  const { put } = await connectFaulty(bucket, { uploadJournal: await openUploadJournal({ dir }) });
  const noted: number[] = [];
  async function* source(failure?: Error) {
    for (let n = 0; n < 6; n += 1) yield body(MIB);
    noted.push((await readdir(dir)).length);
    await sleep(50);
    noted.push((await readdir(dir)).length);
    if (failure) throw failure;
  }
  await put('noted', source());
  expect(noted.at(-1)).toBe(1);
  expect(await readdir(dir)).toEqual([]);
  expect(await outcome(put('noted', source(new Error('broken'))))).toBe('IO_ERROR');
  expect(noted.at(-1)).toBe(1);
  expect(await readdir(dir)).toEqual([]);
  await put('small', body(10));
  expect(await readdir(dir)).toEqual([]);
});

test('with a journal, an upload whose id was never told is aborted, too', async () => {
  const dir = join(await tempDir(), 'journal');
  const { proxy, put } = await connectFaulty(bucket, { uploadJournal: await openUploadJournal({ dir }) });
  proxy.rule('lost', { ...BEGIN, fault: { kind: 'lose-reply' } });
  await put('twin', body(6 * MIB));
  expect(proxy.fired('lost')).toBe(1);
  expect(await bucket.uploads('twin')).toEqual([]);
  proxy.rule('refused', { ...BEGIN, nth: 2, fault: answerError(403, 'AccessDenied') });
  proxy.rule('lost again', { ...BEGIN, fault: { kind: 'lose-reply' } });
  expect(await outcome(put('orphan', body(6 * MIB)))).toBe('PERMISSION_DENIED');
  expect(proxy.fired('refused') + proxy.fired('lost again')).toBe(2);
  expect(await bucket.uploads('orphan')).toEqual([]);
  expect(await readdir(dir)).toEqual([]);
});

test('an upload that surely never began leaves no note, and nothing is looked for', async () => {
  const dir = join(await tempDir(), 'journal');
  const { proxy, put } = await connectFaulty(bucket, { uploadJournal: await openUploadJournal({ dir }) });
  proxy.rule('slow', { ...BEGIN, times: 4, fault: slowDown() });
  expect(await outcome(put('never began', body(6 * MIB)))).toBe('THROTTLED');
  expect(proxy.fired('slow')).toBe(4);
  expect(proxy.count('GET')).toBe(0);
  expect(await readdir(dir)).toEqual([]);
  await proxy.close();
  expect(await outcome(put('nobody there', body(6 * MIB)))).toBe('UNAVAILABLE');
  expect(await readdir(dir)).toEqual([]);
});

describe('a store that is closed in the middle of an upload', () => {
  async function closedAt(key: string, rule: object) {
    const dir = join(await tempDir(), 'journal');
    const { proxy } = await connectFaulty(bucket);
    proxy.rule('held', { ...rule, fault: { kind: 'hold-reply' } });
    const store = await open(dir, proxy.endpoint);
    let ended = false;
    async function* source() {
      try {
        for (let n = 0; n < 17; n += 1) yield body(MIB);
      } finally {
        ended = true;
      }
    }
    const putting = outcome(store.put(key, source()));
    while (proxy.fired('held') === 0) await sleep(5);
    await store.close();
    const notes = await readdir(dir);
    return { result: await putting, ended, notes, again: await outcome(store.put(key, body(1))) };
  }

  test('aborts it', async () => {
    const { result, ended, notes, again } = await closedAt('closed', { query: /partNumber=2(?:&|$)/ });
    expect([result, ended, notes, again]).toEqual(['CLOSED', true, [], 'CLOSED']);
    expect(await bucket.uploads('closed')).toEqual([]);
    expect(await bucket.read('closed')).toBeUndefined();
  });

  test('knows that it was completed', async () => {
    const { result, notes } = await closedAt('closed late', { method: 'POST', query: /^uploadId=/ });
    expect([result, notes]).toEqual(['done', []]);
    expect((await bucket.read('closed late'))?.byteLength).toBe(17 * MIB);
  });
});

test('an endpoint is the same however its URL is written', async () => {
  const dir = join(await tempDir(), 'journal');
  const { child, endpoint } = await uploading('written', dir);
  await child.stop();
  await open(dir, `${endpoint.replace('http:', 'HTTP:')}/`);
  expect(await bucket.uploads('written')).toEqual([]);
  expect(await readdir(dir)).toEqual([]);
});

test('an upload that could not be aborted keeps its note', async () => {
  const dir = join(await tempDir(), 'journal');
  const { proxy, put } = await connectFaulty(bucket, { uploadJournal: await openUploadJournal({ dir }) });
  proxy.rule('part', { query: /partNumber=1(?:&|$)/, fault: answerError(403, 'AccessDenied') });
  proxy.rule('abort', { method: 'DELETE', fault: answerError(403, 'AccessDenied') });
  expect(await outcome(put('kept', body(6 * MIB)))).toBe('PERMISSION_DENIED');
  expect(proxy.fired('abort')).toBe(1);
  expect(await bucket.uploads('kept')).toEqual(['kept']);
  expect((await readdir(dir)).length).toBe(1);
  await bucket.abortUploads('kept');
});
