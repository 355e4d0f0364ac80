import assert from 'node:assert/strict';
import type { Readable } from 'node:stream';
import type { GetOptions, GetResult, ObjectStore, PutBody } from '../object-store.ts';

/** Text as a body. */
export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** A body as text. */
export function text(body: Uint8Array): string {
  return new TextDecoder().decode(body);
}

/** Bytes of all values that repeat with no period of a power of two, so that parts in a wrong order are noticed. */
export function pattern(sizeBytes: number, seed = 0): Uint8Array<ArrayBuffer> {
  const period = Uint8Array.from({ length: 65_521 }, (_, i) => (i * 7 + (i >> 8) + seed) & 0xff);
  const body = new Uint8Array(sizeBytes);
  for (let at = 0; at < sizeBytes; at += period.length) {
    body.set(period.subarray(0, Math.min(period.length, sizeBytes - at)), at);
  }
  return body;
}

/** A body in chunks of one size. */
export async function* chunked(body: Uint8Array, chunkBytes = 60_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < body.byteLength; at += chunkBytes) yield body.subarray(at, at + chunkBytes);
}

/** Asserts that two bodies are the same, without printing them. */
export function assertBytes(actual: Uint8Array, expected: Uint8Array): void {
  assert.equal(actual.byteLength, expected.byteLength, 'the size');
  assert.equal(Buffer.compare(actual, expected), 0, 'the bytes differ');
}

/** The bytes of a stream to its end. */
export async function readAll(stream: Readable): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) {
    assert.ok(Buffer.isBuffer(chunk), 'a stream yields Buffers');
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

/** Asserts what is stored at a key. */
export async function assertStored(
  store: ObjectStore,
  key: string,
  expected: Uint8Array | string,
): Promise<void> {
  const { bytes: stored } = await store.get(key);
  assertBytes(stored, typeof expected === 'string' ? bytes(expected) : expected);
}

/** A way to read an object: both must keep the same promises. */
export interface Reader {
  readonly name: 'get' | 'getStream';
  read(store: ObjectStore, key: string, options?: GetOptions): Promise<GetResult>;
}

/** `get`, and `getStream` read to its end. */
export const readers: readonly Reader[] = [
  { name: 'get', read: (store, key, options) => store.get(key, options) },
  {
    name: 'getStream',
    async read(store, key, options) {
      const { meta, range, stream } = await store.getStream(key, options);
      return { meta, range, bytes: await readAll(stream) };
    },
  },
];

/** A body whose source can be watched. */
export interface WatchedBody {
  readonly body: PutBody;
  /** How often it was opened to be read. */
  readonly opened: () => number;
  /** Whether it is over: read to its end, failed, or told that no more is wanted. */
  readonly ended: () => boolean;
}

/** Watches what a put does with a source of chunks. */
export function watched(chunks: () => AsyncGenerator<Uint8Array>): WatchedBody {
  let opened = 0;
  let ended = false;
  const body = {
    async *[Symbol.asyncIterator]() {
      opened += 1;
      try {
        yield* chunks();
      } finally {
        ended = true;
      }
    },
  };
  return { body, opened: () => opened, ended: () => ended };
}
