import { ObjectStoreError, type ObjectStoreErrorCode } from '../errors.ts';
import type { CallOptions, ObjectStore, PutOptions } from '../object-store.ts';

/** The promises that a check looks at. */
export type CheckedPromise =
  | 'read-your-write'
  | 'ranges'
  | 'listing'
  | 'attributes'
  | 'if-absent'
  | 'if-match'
  | 'delete';

/** A store that does not answer would hold the caller up for all its attempts and time-outs once more. */
const CLEAN_UP_WITHIN_MS = 5_000;

/** A store under check: its calls, on keys that nobody else uses, and what to say when it breaks a promise. */
export class Probe {
  readonly store: ObjectStore;
  readonly prefix: string;
  readonly call: CallOptions;
  /** What was put, or may have been. */
  readonly #keys = new Set<string>();

  constructor(store: ObjectStore, prefix: string, signal: AbortSignal | undefined) {
    this.store = store;
    this.prefix = prefix;
    this.call = signal === undefined ? {} : { signal };
  }

  /** A key of this check. */
  key(name: string): string {
    return this.prefix + name;
  }

  /** Puts a text, which is removed in the end; the etag of what it made. */
  async put(key: string, text: string, options: PutOptions = {}): Promise<string> {
    this.#keys.add(key);
    const { etag } = await this.store.put(key, new TextEncoder().encode(text), { ...this.call, ...options });
    return etag;
  }

  /** The text that is there; `undefined` if there is no object. */
  async read(key: string): Promise<string | undefined> {
    const got = await this.refused('NOT_FOUND', () => this.store.get(key, this.call));
    return got === undefined ? undefined : new TextDecoder().decode(got.bytes);
  }

  /** What a call gives; `undefined` if it fails with the code. Other errors are thrown. */
  async refused<T>(code: ObjectStoreErrorCode, run: () => Promise<T>): Promise<T | undefined> {
    try {
      return await run();
    } catch (error) {
      if (ObjectStoreError.is(error) && error.code === code) return undefined;
      throw error;
    }
  }

  /** Throws that the store breaks a promise, unless it keeps it. */
  expect(kept: boolean, promise: CheckedPromise, what: string): void {
    if (kept) return;
    throw new ObjectStoreError('NOT_SUPPORTED', `the store does not keep its promises: ${what}`, {
      context: { promise, prefix: this.prefix },
    });
  }

  /** The keys below the prefix of this check, as they are listed. */
  async listed(): Promise<readonly string[]> {
    const keys: string[] = [];
    for await (const page of this.store.list(this.prefix, this.call)) {
      keys.push(...page.objects.map((object) => object.key));
    }
    return keys;
  }

  /** Removes all keys and looks whether they are gone. */
  async removal(): Promise<void> {
    const [one = '', ...others] = this.#keys;
    await this.store.delete(one, this.call);
    const [failure] = await this.store.deleteMany(others, this.call);
    if (failure !== undefined) throw failure.error;
    for (const key of this.#keys) {
      this.expect((await this.read(key)) === undefined, 'delete', 'an object is still read after its delete');
    }
    const left = await this.listed();
    this.expect(left.length === 0, 'delete', 'an object is still listed after its delete');
    this.#keys.clear();
  }

  /** Removes what `removal` did not come to. Without the signal, which may have fired, but not for ever. */
  async cleanUp(): Promise<void> {
    if (this.#keys.size === 0) return;
    const [failure] = await this.store.deleteMany([...this.#keys], {
      signal: AbortSignal.timeout(CLEAN_UP_WITHIN_MS),
    });
    if (failure !== undefined) throw failure.error;
  }
}
