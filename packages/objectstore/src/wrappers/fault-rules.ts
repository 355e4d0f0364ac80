import { createHash } from 'node:crypto';
import { checkNames, invalidArgument } from '../request-checks.ts';
import type { StoreOperation } from './metrics-store.ts';

/**
 * What can go wrong with a call:
 * - `unavailable`: nothing happens, the call fails with `UNAVAILABLE`.
 * - `throttled`: nothing happens, the call fails with `THROTTLED`.
 * - `reply-lost`: it happens, but the call fails: `put` and `copy` with `PUT_STATE_UNKNOWN`, others with `TIMEOUT`.
 * - `body-cut`: a body breaks off with `UNAVAILABLE`: that of a `getStream` in mid-stream, that of a `get` as the failure
 *   of the call. An empty body arrives.
 * - `delay`: the call is made later.
 */
export type FaultKind = 'unavailable' | 'throttled' | 'reply-lost' | 'body-cut' | 'delay';

/** When to inject which fault. */
export interface FaultRule {
  readonly fault: FaultKind;
  /** How likely it is for each call, 0 to 1. Default: 1. */
  readonly probability?: number | undefined;
  /** Only these calls; `list` is asked for each page, `deleteMany` for each key. Default: all that can have the fault. */
  readonly operations?: readonly StoreOperation[] | undefined;
  /** Only these keys (of a listing: this prefix, of a copy: the key it writes). Default: all. */
  readonly keys?: ((key: string) => boolean) | undefined;
  /** Only this call of its operation on its key, counted from 1. Default: all. */
  readonly nth?: number | undefined;
  /** With `delay`: the longest delay in milliseconds, drawn anew for each call. Default: 20. */
  readonly maxDelayMs?: number | undefined;
}

/** A fault that was injected: all that is needed to say what a test met. */
export interface InjectedFault {
  readonly operation: StoreOperation;
  readonly key: string;
  /** Which call of this operation on this key it was, from 1. */
  readonly nth: number;
  readonly fault: FaultKind;
  /** With `delay`. */
  readonly delayMs?: number;
  /** With `body-cut` of a stream: after how many bytes of the body. */
  readonly cutAtByte?: number;
}

/** A fault chosen for a call, with a number in [0, 1) to draw its measure from. */
export interface ChosenFault {
  readonly kind: FaultKind;
  readonly draw: number;
  readonly maxDelayMs: number;
}

const kinds: readonly FaultKind[] = ['unavailable', 'throttled', 'reply-lost', 'body-cut', 'delay'];
const withBody: readonly StoreOperation[] = ['get', 'getStream'];

/** Checks rules. Errors: `INVALID_ARGUMENT`. */
export function checkRules(rules: readonly FaultRule[]): void {
  for (const rule of rules) {
    checkNames(rule, ['fault', 'probability', 'operations', 'keys', 'nth', 'maxDelayMs']);
    const { fault, probability = 1, nth = 1, maxDelayMs = 20 } = rule;
    if (!kinds.includes(fault))
      throw invalidArgument(`"${fault}" is no fault; known are ${kinds.join(', ')}`, {});
    if (!(probability >= 0 && probability <= 1))
      throw invalidArgument('a probability is 0 to 1', { probability });
    if (!Number.isSafeInteger(nth) || nth < 1) throw invalidArgument('nth counts from 1', { nth });
    if (!(maxDelayMs >= 0 && maxDelayMs <= 600_000))
      throw invalidArgument('maxDelayMs is 0 to 600,000', { maxDelayMs });
  }
}

/**
 * The first rule that hits the call. Every draw comes from the seed, the rule's place, the operation, the key and the
 * count alone, so that neither time nor what other keys do changes it.
 */
export function chooseFault(
  seed: number,
  rules: readonly FaultRule[],
  operation: StoreOperation,
  key: string,
  nth: number,
): ChosenFault | undefined {
  for (const [place, rule] of rules.entries()) {
    const { fault, probability = 1, maxDelayMs = 20 } = rule;
    if (fault === 'body-cut' && !withBody.includes(operation)) continue;
    if (rule.operations && !rule.operations.includes(operation)) continue;
    if (rule.nth !== undefined && rule.nth !== nth) continue;
    if (rule.keys && !rule.keys(key)) continue;
    const [chance, draw] = drawsOf(`${seed} ${place} ${operation} ${nth} ${key}`);
    if (chance < probability) return { kind: fault, draw, maxDelayMs };
  }
  return undefined;
}

/** Two numbers in [0, 1) from a text. A cryptographic hash, because texts that differ in one digit must share nothing. */
function drawsOf(text: string): readonly [number, number] {
  const digest = createHash('sha256').update(text).digest();
  return [digest.readUIntBE(0, 6) / 2 ** 48, digest.readUIntBE(6, 6) / 2 ** 48];
}
