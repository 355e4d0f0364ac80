import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { ObjectStoreError, type ObjectStoreErrorCode } from '../errors.ts';
import type { ObjectStore } from '../object-store.ts';

/** One promise of `ObjectStore` as a test: `run` throws if the store breaks it. */
export interface ConformanceCase {
  readonly name: string;
  /** Wants a store without objects. */
  run(store: ObjectStore): Promise<void>;
}

/** What to adapt to the store, so that each is tried where it is weak and none takes long. */
export interface ConformanceParameters {
  /**
   * The size of a large body, in bytes; above the size from which the store uploads in several requests. Default:
   * 1 MiB, for stores without such a size.
   */
  readonly multipartBytes?: number | undefined;
  /** How many objects the largest listing has; at least 1,001, so that it has several pages. Default: 1,200. */
  readonly manyKeys?: number | undefined;
  /**
   * Whether a server behind the store keeps objects as files at the paths of their keys, although the store, which
   * cannot know that, declares `flatKeys`. Keys that paths cannot be may fail then, and must harm nothing. Default:
   * false.
   */
  readonly serverKeepsPaths?: boolean | undefined;
}

/** All parameters. */
export interface ResolvedParameters {
  readonly multipartBytes: number;
  readonly manyKeys: number;
  readonly serverKeepsPaths: boolean;
}

/** Fills in the defaults. Throws a `RangeError` for what no case could work with. */
export function resolveParameters(parameters: ConformanceParameters): ResolvedParameters {
  const { multipartBytes = 1024 * 1024, manyKeys = 1200, serverKeepsPaths = false } = parameters;
  if (!Number.isSafeInteger(multipartBytes) || multipartBytes < 64 * 1024) {
    throw new RangeError('multipartBytes is not a whole number from 65,536');
  }
  if (!Number.isSafeInteger(manyKeys) || manyKeys < 1001) {
    throw new RangeError('manyKeys is not a whole number from 1,001');
  }
  return { multipartBytes, manyKeys, serverKeepsPaths };
}

/** Asserts that a call fails with one of the codes, in the form all errors have. */
export async function assertFails(
  codes: ObjectStoreErrorCode | readonly ObjectStoreErrorCode[],
  call: () => Promise<unknown>,
): Promise<ObjectStoreError> {
  const expected = [codes].flat();
  let outcome: unknown = 'no error';
  try {
    await call();
  } catch (error) {
    outcome = error;
  }
  assert.ok(ObjectStoreError.is(outcome), `expected ${expected.join(' or ')}, got ${String(outcome)}`);
  assert.ok(
    expected.includes(outcome.code),
    `expected ${expected.join(' or ')}, got: ${outcome.message} (cause: ${String(outcome.cause)})`,
  );
  assert.ok(outcome.message.startsWith(`${outcome.code}: `), 'the message starts with the code');
  return outcome;
}

/** Asserts that of several calls made at once one succeeded and each other failed with the code; gives its place. */
export async function assertOneWins(
  code: ObjectStoreErrorCode,
  calls: readonly Promise<unknown>[],
): Promise<number> {
  const outcomes = await Promise.allSettled(calls);
  const winners = outcomes.flatMap((outcome, i) => (outcome.status === 'fulfilled' ? [i] : []));
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') await assertFails(code, () => Promise.reject(outcome.reason));
  }
  assert.equal(winners.length, 1, `${winners.length} of ${calls.length} succeeded`);
  return winners[0] ?? -1;
}

/** Waits for what may come a little later than the call that caused it. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  const giveUpMs = Date.now() + 3000;
  while (!holds()) {
    assert.ok(Date.now() < giveUpMs, `not so within 3 s: ${what}`);
    await sleep(2);
  }
}

/** Waits until nobody listens to a signal any more: a signal may outlive very many calls. */
export async function untilNobodyListens(signal: AbortSignal): Promise<void> {
  await until('no listener is left on the signal', () => getEventListeners(signal, 'abort').length === 0);
}
