import { Readable } from 'node:stream';
import { ObjectStoreError } from '../errors.ts';
import type {
  CallOptions,
  DeleteFailure,
  GetOptions,
  GetResult,
  GetStreamResult,
  ListOptions,
  ListPage,
  ObjectMeta,
  ObjectStore,
  PutBody,
  PutOptions,
  PutResult,
  StoreCapabilities,
} from '../object-store.ts';
import { checkKeys, checkNames, invalidArgument } from '../request-checks.ts';
import { destroyOnAbort } from '../stream-abort.ts';
import { endUnread } from '../unread-body.ts';
import { FaultPlan, type PlannedFault } from './fault-plan.ts';
import { checkRules, type FaultRule, type InjectedFault } from './fault-rules.ts';
import type { StoreOperation } from './metrics-store.ts';

/** Options of {@link withFaults}. */
export interface FaultOptions {
  /** A whole number. Print it when a test fails: the same seed, rules and calls meet the same faults. */
  readonly seed: number;
  /** Tried in their order for each call; the first that hits is injected, at most one a call. */
  readonly rules: readonly FaultRule[];
}

/** A store that fails at times, on purpose. */
export interface FaultyStore extends ObjectStore {
  /** What was injected so far, in the order in which it was decided. */
  readonly injected: readonly InjectedFault[];
  /** From here on nothing more is injected; faults of calls under way still come. */
  stop(): void;
}

/**
 * The store, with faults as a remote one has them, for tests of whoever uses it. Which call meets which fault follows from
 * the seed, the operation, the key and how many calls of that operation on that key came before: the order in which
 * calls on different keys run does not change it.
 *
 * Injected errors are `retryable` (except `PUT_STATE_UNKNOWN`) and have `injected: true`, the seed and the count in their
 * `context`. Calls that a fault lets through are the store's, its own errors included. Capabilities are the store's;
 * `close()` closes the store and meets no fault.
 *
 * Errors: `INVALID_ARGUMENT` for options that are none.
 */
export function withFaults(store: ObjectStore, options: FaultOptions): FaultyStore {
  checkNames(options, ['seed', 'rules']);
  const { seed, rules } = options;
  if (!Number.isSafeInteger(seed)) throw invalidArgument('seed is not a whole number', {});
  if (!Array.isArray(rules)) throw invalidArgument('rules is not an array', {});
  checkRules(rules);
  return new FaultStore(store, new FaultPlan(seed, rules));
}

class FaultStore implements FaultyStore {
  readonly capabilities: StoreCapabilities;
  readonly #store: ObjectStore;
  readonly #plan: FaultPlan;

  constructor(store: ObjectStore, plan: FaultPlan) {
    this.capabilities = store.capabilities;
    this.#store = store;
    this.#plan = plan;
  }

  get injected(): readonly InjectedFault[] {
    return this.#plan.injected;
  }

  stop(): void {
    this.#plan.stop();
  }

  put(key: string, body: PutBody, options?: PutOptions): Promise<PutResult> {
    return this.#faulty(
      'put',
      key,
      options,
      () => this.#store.put(key, body, options),
      () => endUnread(body),
    );
  }

  get(key: string, options?: GetOptions): Promise<GetResult> {
    return this.#faulty('get', key, options, async (fault) => {
      const result = await this.#store.get(key, options);
      const cut = fault?.cut(result.bytes.byteLength);
      if (cut) throw cut.error;
      return result;
    });
  }

  getStream(key: string, options?: GetOptions): Promise<GetStreamResult> {
    return this.#faulty('getStream', key, options, async (fault) => {
      const result = await this.#store.getStream(key, options);
      if (fault?.after) result.stream.on('error', () => {}).destroy();
      const cut = fault?.cut(result.range.endExclusive - result.range.start);
      if (cut === undefined) return result;
      return { ...result, stream: cutStream(result.stream, options?.signal, cut.atByte, cut.error) };
    });
  }

  head(key: string, options?: CallOptions): Promise<ObjectMeta> {
    return this.#faulty('head', key, options, () => this.#store.head(key, options));
  }

  async *list(prefix: string, options?: ListOptions): AsyncGenerator<ListPage, void, void> {
    const pages = this.#store.list(prefix, options)[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await this.#faulty('list', prefix, options, () => pages.next());
        if (next.done) return;
        yield next.value;
      }
    } finally {
      await pages.return?.();
    }
  }

  delete(key: string, options?: CallOptions): Promise<void> {
    return this.#faulty('delete', key, options, () => this.#store.delete(key, options));
  }

  /** Each key meets its own fault, as behind a real batch: the call resolves with the failures. */
  async deleteMany(keys: readonly string[], options?: CallOptions): Promise<readonly DeleteFailure[]> {
    checkKeys(keys);
    const faults = keys.map((key) => this.#plan.next('deleteMany', key));
    await Promise.all(faults.map((fault) => fault?.delay(options?.signal)));
    const sent = keys.filter((_, i) => !faults[i]?.before);
    const failures = await this.#store.deleteMany(sent, options);
    const errors = new Map(failures.map(({ key, error }) => [key, error]));
    return keys.flatMap((key, i) => {
      const error = faults[i]?.before ?? faults[i]?.after ?? errors.get(key);
      return error === undefined ? [] : [{ key, error }];
    });
  }

  copy(from: string, to: string, options?: CallOptions): Promise<PutResult> {
    return this.#faulty('copy', to, options, () => this.#store.copy(from, to, options));
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  async #faulty<T>(
    operation: StoreOperation,
    key: string,
    options: CallOptions | undefined,
    call: (fault: PlannedFault | undefined) => Promise<T>,
    notMade = async () => {},
  ): Promise<T> {
    const fault = this.#plan.next(operation, key);
    try {
      if (fault?.before) throw fault.before;
      if (fault) await fault.delay(options?.signal);
    } catch (error) {
      await notMade();
      throw error;
    }
    const result = await call(fault).catch((error: unknown) => {
      throw fault?.after && saidByServer(error) ? fault.after : error;
    });
    if (fault?.after) throw fault.after;
    return result;
  }
}

/** Whether an error is the outcome of a call that was made, so that a lost reply hides it, too. */
function saidByServer(error: unknown): boolean {
  const outcomes = ['NOT_FOUND', 'ALREADY_EXISTS', 'PRECONDITION_FAILED', 'NOT_MODIFIED'];
  return ObjectStoreError.is(error) && outcomes.includes(error.code);
}

/** The first `atByte` bytes of a stream, then the error. */
function cutStream(
  source: Readable,
  signal: AbortSignal | undefined,
  atByte: number,
  error: ObjectStoreError,
): Readable {
  async function* beginning() {
    let left = atByte;
    for await (const chunk of source as AsyncIterable<Buffer>) {
      const kept = chunk.subarray(0, left);
      if (kept.byteLength > 0) yield kept;
      left -= kept.byteLength;
      if (kept.byteLength < chunk.byteLength) throw error;
    }
  }
  const stream = Readable.from(beginning(), { objectMode: false });
  // Let go of before it was read, the generator has not begun and ends nothing.
  stream.once('close', () => source.destroy());
  destroyOnAbort(stream, signal);
  return stream;
}
