import { randomUUID } from 'node:crypto';
import { ObjectStoreError } from '../errors.ts';
import { parsePrefix } from '../key.ts';
import type { ObjectStore } from '../object-store.ts';
import { checkOptions } from '../request-checks.ts';
import { conditionSteps } from './condition-steps.ts';
import { objectSteps } from './object-steps.ts';
import { Probe } from './probe.ts';

/** Options of {@link checkObjectStore}. */
export interface CheckObjectStoreOptions {
  /** Where the objects of the check are put and removed again: below `PREFIXobjectstore-check-UUID/`. Default: `''`. */
  readonly prefix?: string | undefined;
  /**
   * See `CallOptions.signal`. What was put is removed all the same, for which it may take five seconds more. Default:
   * none.
   */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Proves on the real store, before anybody trusts it, that it does what it declares: what was put is read, listed and
 * then gone; ranges give their bytes; attributes are kept; a put with `ifAbsent` is refused when there is an object, and
 * of eight at once one wins; a put with `ifMatch` is refused when another version is there. Some servers ignore the
 * headers behind these conditions and answer with success: two writers would both believe that they had won.
 *
 * It makes a few dozen requests with objects of some bytes, in keys of its own, and removes them whatever happens, unless
 * the store does not answer within five seconds even then. It cannot prove what happens under load, after a crash, or to
 * large uploads.
 *
 * Errors: `NOT_SUPPORTED` with what the store does wrong in the message and the promise it breaks in `context.promise`; a
 * call that fails for other reasons (credentials, network) rejects with its own error.
 */
export async function checkObjectStore(
  store: ObjectStore,
  options: CheckObjectStoreOptions = {},
): Promise<void> {
  checkOptions(options, ['prefix']);
  const { prefix = '', signal } = options;
  parsePrefix(prefix);
  const probe = new Probe(store, `${prefix}objectstore-check-${randomUUID()}/`, signal);
  const failure = await attempt(async () => {
    await objectSteps(probe);
    await conditionSteps(probe);
    await probe.removal();
  });
  // Whatever was found, and also after an abort.
  const leftOver = await attempt(() => probe.cleanUp());
  if (failure !== undefined) throw failure.error;
  if (leftOver !== undefined) throw leftOver.error;
}

async function attempt(run: () => Promise<void>): Promise<{ readonly error: unknown } | undefined> {
  try {
    await run();
    return undefined;
  } catch (error) {
    return { error: ObjectStoreError.is(error) ? error : unexpected(error) };
  }
}

function unexpected(error: unknown): ObjectStoreError {
  return new ObjectStoreError('IO_ERROR', 'the check of the store failed with an error that is not its own', {
    cause: error,
  });
}
