import assert from 'node:assert/strict';
import { ObjectStoreError, type ObjectStoreErrorCode } from '../errors.ts';
import type { ObjectMeta, ObjectStore } from '../object-store.ts';

/** One promise of `ObjectStore` as a test: `run` throws if the store breaks it. */
export interface ConformanceCase {
  readonly name: string;
  /** Wants a store without objects. */
  run(store: ObjectStore): Promise<void>;
}

/** Honest differences between stores. All default to true. */
export interface ObjectStoreCapabilities {
  /** `a` and `a/b` can both be objects. False for a store of files and directories: it refuses with `INVALID_KEY`. */
  readonly objectBelowObject?: boolean;
  /** A segment may be as long as the whole key. False where file names end at 255 bytes: `INVALID_KEY`. */
  readonly longSegments?: boolean;
}

/** Text as a body. */
export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** A body as text. */
export function text(body: Uint8Array): string {
  return new TextDecoder().decode(body);
}

/** Asserts that a call fails with one code. */
export async function assertFails(code: ObjectStoreErrorCode, call: () => Promise<unknown>): Promise<void> {
  let outcome: unknown = 'no error';
  try {
    await call();
  } catch (error) {
    outcome = error;
  }
  assert.ok(ObjectStoreError.is(outcome), `expected ${code}, got ${String(outcome)}`);
  assert.equal(outcome.code, code, outcome.message);
  assert.ok(outcome.message.startsWith(`${code}: `), 'the message starts with the code');
}

/** All pages of a listing. */
export async function listAll(store: ObjectStore, prefix: string, limit?: number): Promise<ObjectMeta[]> {
  const all: ObjectMeta[] = [];
  let pageToken: string | undefined;
  do {
    const page = await store.list(prefix, { limit, pageToken });
    all.push(...page.objects);
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
  return all;
}

/** The keys of all pages of a listing. */
export async function keys(store: ObjectStore, prefix: string, limit?: number): Promise<string[]> {
  return (await listAll(store, prefix, limit)).map((meta) => meta.key);
}
