import { ResilienceError } from '@danube/resilience';
import { AttemptError } from './attempt-error.ts';
import { isUnsent } from './call-failure.ts';
import type { UnderWay } from './calls-under-way.ts';
import type { RestRequest } from './rest-request.ts';
import { isEndpointFault, isInDoubt, maySendAgain, type OperationName } from './retry-rules.ts';

/** What the attempts of one call share. */
export interface Call {
  readonly record: { readonly operation: OperationName; readonly doubts: unknown[]; attempts: number };
  /**
   * Numbers of the attempts that got as far as sending something. One whose time was up may go on for a while beside
   * the next one.
   */
  readonly sent: Set<number>;
  isRenewed: boolean;
}

/** What a failed attempt means for the call; a doubt is noted in its record. */
export function classify<T>(
  error: unknown,
  request: RestRequest<T>,
  call: Call,
  { number, underWay }: { readonly number: number; readonly underWay: UnderWay },
) {
  const isDoubtful = call.sent.has(number) && isInDoubt(error) && !isUnsent(error);
  if (isDoubtful) call.record.doubts.push(error);
  const hasKey = request.key !== undefined && Date.now() < request.key.validUntilMs;
  const again =
    isDoubtful || AttemptError.is(error) ? maySendAgain(request.operation, error, hasKey) : isTimeout(error);
  return {
    retry: again && !underWay.isClosing,
    retryAfterMs: AttemptError.is(error) ? error.retryAfterMs : undefined,
    endpointFault: isEndpointFault(error),
  };
}

/** Whether only the key made it safe to send the request again, and the key counts no more. */
export function isUnsafeByNow(
  { operation, doubts }: Call['record'],
  key: RestRequest<unknown>['key'],
): boolean {
  if (key === undefined || Date.now() < key.validUntilMs) return false;
  return doubts.some((doubt) => !maySendAgain(operation, doubt, false));
}

/** Of an attempt that sent nothing. */
function isTimeout(error: unknown): boolean {
  return ResilienceError.is(error) && error.code === 'TIMEOUT';
}
