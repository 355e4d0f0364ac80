import { setTimeout as sleep } from 'node:timers/promises';
import { ObjectStoreError, type ObjectStoreErrorCode } from '../errors.ts';
import { abortedError } from '../request-checks.ts';
import { type ChosenFault, chooseFault, type FaultRule, type InjectedFault } from './fault-rules.ts';
import type { StoreOperation } from './metrics-store.ts';

/** Decides which call meets which fault, and keeps the record. */
export class FaultPlan {
  readonly injected: InjectedFault[] = [];
  readonly #seed: number;
  readonly #rules: readonly FaultRule[];
  /** Calls so far, by operation and key. */
  readonly #counts = new Map<string, number>();
  #stopped = false;

  constructor(seed: number, rules: readonly FaultRule[]) {
    this.#seed = seed;
    this.#rules = rules;
  }

  /** Counts a call and says what happens to it. Ask once a call, before anything is waited for. */
  next(operation: StoreOperation, key: string): PlannedFault | undefined {
    const counted = `${operation} ${key}`;
    const nth = (this.#counts.get(counted) ?? 0) + 1;
    this.#counts.set(counted, nth);
    if (this.#stopped) return undefined;
    const chosen = chooseFault(this.#seed, this.#rules, operation, key, nth);
    if (chosen === undefined) return undefined;
    return new PlannedFault(this.#seed, chosen, { operation, key, nth }, (injected) =>
      this.injected.push(injected),
    );
  }

  stop(): void {
    this.#stopped = true;
  }
}

/** A fault that a call is going to meet. */
export class PlannedFault {
  readonly #seed: number;
  readonly #chosen: ChosenFault;
  readonly #call: Pick<InjectedFault, 'operation' | 'key' | 'nth'>;
  readonly #record: (injected: InjectedFault) => void;

  constructor(
    seed: number,
    chosen: ChosenFault,
    call: Pick<InjectedFault, 'operation' | 'key' | 'nth'>,
    record: (injected: InjectedFault) => void,
  ) {
    this.#seed = seed;
    this.#chosen = chosen;
    this.#call = call;
    this.#record = record;
    // A cut is known, and written down, when the size of the body is.
    if (chosen.kind === 'delay') record({ ...call, fault: 'delay', delayMs: this.#delayMs });
    else if (chosen.kind !== 'body-cut') record({ ...call, fault: chosen.kind });
  }

  /** The error of a call that must not be made; else `undefined`. */
  get before(): ObjectStoreError | undefined {
    if (this.#chosen.kind === 'unavailable') return this.#error('UNAVAILABLE', 'nothing was done');
    if (this.#chosen.kind === 'throttled') return this.#error('THROTTLED', 'nothing was done');
    return undefined;
  }

  /** The error of a call that was made, instead of its outcome; else `undefined`. */
  get after(): ObjectStoreError | undefined {
    if (this.#chosen.kind !== 'reply-lost') return undefined;
    const writes = this.#call.operation === 'put' || this.#call.operation === 'copy';
    return this.#error(writes ? 'PUT_STATE_UNKNOWN' : 'TIMEOUT', 'the reply was lost');
  }

  /** Waits, if the fault is a delay. Errors: `ABORTED`. */
  async delay(signal: AbortSignal | undefined): Promise<void> {
    if (this.#chosen.kind !== 'delay') return;
    const options = signal instanceof AbortSignal ? { signal } : undefined;
    await sleep(this.#delayMs, undefined, options).catch((error: unknown) => {
      throw signal?.aborted ? abortedError(signal) : error;
    });
  }

  /** Where a body of this size breaks off, and with what; `undefined` if it arrives. */
  cut(sizeBytes: number): { readonly atByte: number; readonly error: ObjectStoreError } | undefined {
    if (this.#chosen.kind !== 'body-cut' || sizeBytes === 0) return undefined;
    const atByte = Math.floor(this.#chosen.draw * sizeBytes);
    this.#record({ ...this.#call, fault: 'body-cut', cutAtByte: atByte });
    return { atByte, error: this.#error('UNAVAILABLE', `the body broke off after ${atByte} bytes`) };
  }

  get #delayMs(): number {
    return Math.floor(this.#chosen.draw * (this.#chosen.maxDelayMs + 1));
  }

  #error(code: ObjectStoreErrorCode, what: string): ObjectStoreError {
    const { operation, key, nth } = this.#call;
    return new ObjectStoreError(code, `injected fault in ${operation} ${nth} of "${key}": ${what}`, {
      context: { injected: true, seed: this.#seed, operation, key, nth },
      retryable: code !== 'PUT_STATE_UNKNOWN',
    });
  }
}
