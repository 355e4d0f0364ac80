/** What an attempt does after its end: a call that is over sends nothing any more. */
import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { S3VendedCredentials } from '../../src/s3/connection/credentials.ts';
import { failure, KEYS, openStore, startScripted } from './read-harness.ts';

/** A server that counts, and keys that come when the test says so. */
async function openWithSlowKeys(requestTimeoutMs: number) {
  let requests = 0;
  const server = await startScripted((_, response) => {
    requests += 1;
    response.writeHead(200, { etag: '"v1"' }).end();
  });
  let handOut = (_: S3VendedCredentials) => {};
  const keys = new Promise<S3VendedCredentials>((resolve) => {
    handOut = resolve;
  });
  const store = await openStore(server.endpoint, { requestTimeoutMs, credentials: () => keys });
  return { store, handOut: () => handOut(KEYS), requests: () => requests };
}

test('a put that is aborted while its keys are fetched is never sent', async () => {
  const { store, handOut, requests } = await openWithSlowKeys(30_000);
  const controller = new AbortController();
  const put = failure(store.put('k', Buffer.from('v'), { signal: controller.signal }));
  await wait(20);
  controller.abort();
  expect(await put).toMatchObject({ code: 'ABORTED' });
  handOut();
  await wait(100);
  expect(requests()).toBe(0);
});

test('a put whose time is up while its keys are fetched is never sent', async () => {
  const { store, handOut, requests } = await openWithSlowKeys(50);
  expect(await failure(store.put('k', Buffer.from('v')))).toMatchObject({ code: 'TIMEOUT' });
  handOut();
  await wait(100);
  expect(requests()).toBe(0);
});

test('a put to a store that is closed while its keys are fetched is CLOSED and never sent', async () => {
  const { store, handOut, requests } = await openWithSlowKeys(30_000);
  const put = failure(store.put('k', Buffer.from('v')));
  await wait(20);
  await store.close();
  handOut();
  expect(await put).toMatchObject({ code: 'CLOSED' });
  await wait(100);
  expect(requests()).toBe(0);
});
