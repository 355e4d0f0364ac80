import assert from 'node:assert/strict';
import { ObjectStoreError, type ObjectStoreErrorCode } from '../errors.ts';
import type { ListOptions, ListPage, ObjectMeta, ObjectStore } from '../object-store.ts';

/** One promise of `ObjectStore` as a test: `run` throws if the store breaks it. */
export interface ConformanceCase {
  readonly name: string;
  /** Wants a store without objects. */
  run(store: ObjectStore): Promise<void>;
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
export async function pages(store: ObjectStore, prefix: string, options?: ListOptions): Promise<ListPage[]> {
  const all: ListPage[] = [];
  for await (const page of store.list(prefix, options)) all.push(page);
  return all;
}

/** The objects of all pages of a listing. */
export async function listAll(
  store: ObjectStore,
  prefix: string,
  options?: ListOptions,
): Promise<ObjectMeta[]> {
  return (await pages(store, prefix, options)).flatMap(({ objects }) => objects);
}

/** The keys of all pages of a listing. */
export async function keys(store: ObjectStore, prefix: string, options?: ListOptions): Promise<string[]> {
  return (await listAll(store, prefix, options)).map((meta) => meta.key);
}
