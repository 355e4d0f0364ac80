import { IcebergError } from '@danube/iceberg';
import { createBackoff, pause } from '@danube/resilience';
import { AttemptError } from './attempt-error.ts';
import { CallFailure } from './call-failure.ts';
import { type ErrorSubject, toCatalogError } from './error-mapping.ts';
import type { ResolvedRestCatalogOptions } from './options.ts';

/**
 * What a look at the catalog says of a change whose reply was lost:
 *
 * - `happened`: it did, with this result.
 * - `not-yet`: it has not happened. It may be sent again, and it may still land by itself.
 * - `refused`: it has not happened, and cannot any more.
 * - `unclear`: what is there may be our doing or somebody else's.
 */
export type Seen<T> =
  | { readonly kind: 'happened'; readonly value: T }
  | { readonly kind: 'not-yet' }
  | { readonly kind: 'refused'; readonly error: IcebergError }
  | { readonly kind: 'unclear' };

/** A change that can be looked for. */
export interface Change<T> {
  readonly subject: ErrorSubject;
  /** Sends it; rejects with a `CallFailure`, or with another error if nothing was sent. */
  readonly send: () => Promise<T>;
  /** What it rejects with counts as `unclear`. */
  readonly look: () => Promise<Seen<T>>;
}

/** What {@link settle} goes by. */
export interface Settling {
  readonly options: Pick<ResolvedRestCatalogOptions, 'resilience' | 'components'>;
  /** Fires when the catalog is closed: nobody waits for another attempt then. */
  readonly closing: AbortSignal;
}

/**
 * Makes a change and ends with what became of it: its result; an error that says that it did not happen; or
 * `COMMIT_STATE_UNKNOWN`. Once an attempt was in doubt no refusal is believed before it was looked: it may be the echo
 * of that attempt.
 */
export async function settle<T>(change: Change<T>, { options, closing }: Settling): Promise<T> {
  const { maxAttempts = 5, maxRetryAfterMs = 30_000, ...settings } = options.resilience.retry ?? {};
  const backoff = createBackoff(settings, options.components?.random);
  const doubts: unknown[] = [];
  let attempts = 0;
  for (;;) {
    let failure: CallFailure;
    try {
      return await change.send();
    } catch (error) {
      if (!CallFailure.is(error)) throw doubts.length === 0 ? error : unknownOutcome(error, change.subject);
      failure = error;
    }
    doubts.push(...failure.record.doubts);
    attempts += failure.record.attempts;
    if (doubts.length === 0) throw toCatalogError(failure, change.subject, false);
    const seen = await look(change);
    if (seen.kind === 'happened') return seen.value;
    if (seen.kind === 'refused') throw seen.error;
    const isOver = seen.kind === 'not-yet' && doubts.every(isServersOwnFailure) && !failure.endsRefused;
    if (isOver) throw toCatalogError(failure, change.subject, false);
    const isLast = seen.kind === 'unclear' || failure.endsRefused || attempts >= maxAttempts;
    const askedMs = AttemptError.is(failure.last) ? (failure.last.retryAfterMs ?? 0) : 0;
    const canWait = !isLast && askedMs <= maxRetryAfterMs;
    const isNext = canWait && (await pause(Math.max(backoff.next(), askedMs), closing));
    if (!isNext) throw toCatalogError(failure, change.subject, true);
  }
}

/** The catalog was closed, say, before a further sending: that one did nothing, an earlier one may have. */
function unknownOutcome(cause: unknown, { what, context }: ErrorSubject): IcebergError {
  return new IcebergError('COMMIT_STATE_UNKNOWN', `whether the change of ${what} happened is unknown`, {
    context,
    cause,
  });
}

/** A look that fails shows nothing. */
async function look<T>(change: Change<T>): Promise<Seen<T>> {
  try {
    return await change.look();
  } catch {
    // What was looked at would say more than why it could not be seen: the outcome is unknown, and the failure says why.
    return { kind: 'unclear' };
  }
}

/**
 * Whether the catalog itself said that it failed: it is done with the request, so what a look shows is final. Gateways
 * answer with other statuses, or without an error in the form of the specification.
 */
function isServersOwnFailure(doubt: unknown): boolean {
  if (!AttemptError.is(doubt) || doubt.status !== 500 || doubt.model === undefined) return false;
  const { form, type } = doubt.model;
  return form === 'iceberg' && type !== '' && type !== 'CommitStateUnknownException';
}
