import { pause } from '@danube/resilience';
import type { ObjectStoreError } from '../../errors.ts';
import { mayHaveHappened, type S3Call, type S3Command, type S3Connection } from './s3-connection.ts';

/** Longer than the breaker stays open by default: what has to be settled is worth waiting for its next probe. */
const PATIENCE_MS = 15_000;
const BETWEEN_MS = 500;

/** How a request that was sent as often as the call policy wants ended. */
export type Ended<Output> =
  | { readonly ok: true; readonly reply: Output }
  /** `doubt`: an attempt may have been executed, not only the last one. */
  | { readonly ok: false; readonly error: ObjectStoreError; readonly doubt: boolean };

/** Sends a request, also again after its reply was lost. Does not reject. */
export async function sendToEnd<Output>(
  connection: S3Connection,
  command: S3Command<Output>,
  call: Omit<S3Call, 'retry'>,
): Promise<Ended<Output>> {
  try {
    return { ok: true, reply: await connection.send(command, { ...call, retry: 'when-safe-to-repeat' }) };
  } catch (error) {
    return { ok: false, error: error as ObjectStoreError, doubt: mayHaveHappened(error) };
  }
}

/** A signal for settling what a put has left open: fires after 15 s, or with the caller's signal if one is given. */
export function patience(signal?: AbortSignal): AbortSignal {
  const limit = AbortSignal.timeout(PATIENCE_MS);
  return signal === undefined ? limit : AbortSignal.any([limit, signal]);
}

/** As `sendToEnd`, and again while that may help, beyond the attempts of the policy, until the signal fires. */
export async function sendPatiently<Output>(
  connection: S3Connection,
  command: S3Command<Output>,
  call: Omit<S3Call, 'retry'> & { readonly signal: AbortSignal },
): Promise<Ended<Output>> {
  let doubt = false;
  for (;;) {
    const ended = await sendToEnd(connection, command, call);
    if (ended.ok) return ended;
    doubt ||= ended.doubt;
    if (!ended.error.retryable || !(await pause(BETWEEN_MS, call.signal))) return { ...ended, doubt };
  }
}
