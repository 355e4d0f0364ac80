import { setTimeout as sleep } from 'node:timers/promises';
import { IcebergError } from '../../packages/iceberg/src/index.ts';
import { type Fault, openFaultProxy } from '../../packages/objectstore/test/support/fault-proxy.ts';
import type { FaultCase } from './faults.ts';
import { makePlace, type Operation, type Place } from './operations.ts';

/** What a client said of a call. */
export type Outcome =
  | { readonly kind: 'done'; readonly result: unknown }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'failed'; readonly code: string; readonly error: unknown };

/** A client that sends its requests to `uri`, and gives up an attempt after `timeoutMs`. */
export type OpenClient<C> = (uri: string, timeoutMs: number) => Promise<C & { close(): Promise<void> }>;

/** What became of one operation under one fault. */
export interface CellReport {
  readonly outcome: Outcome;
  /** What the server says: undefined for reading. */
  readonly happened: boolean | undefined;
  /** How often the fault took effect. */
  readonly fired: number;
  /** What contradicts the server; empty if nothing does. */
  readonly misreports: readonly string[];
}

/** Calls an operation through a proxy that lets the fault befall it, and compares what the client says with the server. */
export async function runCell<C>(
  operation: Operation<C>,
  faultCase: FaultCase,
  { place, openClient }: { readonly place: Place; readonly openClient: OpenClient<C> },
): Promise<CellReport> {
  await makePlace(place);
  const prepared = await operation.prepare(place);
  const proxy = await openFaultProxy(new URL(place.uri).origin);
  const proxied = new URL(new URL(place.uri).pathname, proxy.endpoint).href;
  const client = await openClient(proxied, faultCase.timeoutMs ?? 5000);
  try {
    const { method, path } = operation;
    const times = faultCase.always ? Number.POSITIVE_INFINITY : 1;
    proxy.rule('fault', { method, path, times, fault: faultCase.fault });
    if (faultCase.blind) {
      const isOut = (): Fault => ({ kind: proxy.fired('fault') > 0 ? 'reset-before' : 'pass' });
      proxy.rule('blind', { times: Number.POSITIVE_INFINITY, fault: isOut });
    }
    const outcome = await outcomeOf(() => prepared.call(client));
    if (faultCase.fault.kind === 'late-request') while (proxy.fired('fault') === 0) await sleep(10);
    // What the client gave up may be under way in the server still.
    if (faultCase.timeoutMs !== undefined) await sleep(200);
    const happened = await prepared.happened();
    const misreports = misreportsOf(outcome, happened);
    if (outcome.kind === 'done' && misreports.length === 0 && !(await prepared.isRight(outcome.result))) {
      misreports.push('it resolved with something else than the server has');
    }
    return { outcome, happened, fired: proxy.fired('fault'), misreports };
  } finally {
    await client.close();
    await proxy.close();
  }
}

async function outcomeOf(call: () => Promise<unknown>): Promise<Outcome> {
  try {
    return { kind: 'done', result: await call() };
  } catch (error) {
    if (IcebergError.is(error, 'COMMIT_STATE_UNKNOWN')) return { kind: 'unknown' };
    return { kind: 'failed', code: IcebergError.is(error) ? error.code : 'none', error };
  }
}

function misreportsOf(outcome: Outcome, happened: boolean | undefined): string[] {
  const found: string[] = [];
  if (outcome.kind === 'failed' && outcome.code === 'none')
    found.push(`no IcebergError: ${String(outcome.error)}`);
  if (outcome.kind === 'failed' && happened) found.push(`${outcome.code} of what happened`);
  if (outcome.kind === 'done' && happened === false) found.push('done, of what did not happen');
  if (outcome.kind === 'unknown' && happened === undefined) found.push('unknown, of reading');
  return found;
}
