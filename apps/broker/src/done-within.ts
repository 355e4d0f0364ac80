import { pause } from '@danube/resilience';

/** Whether work is done by then; it goes on if it is not. Rejects with what the work rejects with in time. */
export async function doneWithin(limitMs: number, work: Promise<unknown>): Promise<boolean> {
  const done = new AbortController();
  try {
    return await Promise.race([work.then(() => true), pause(limitMs, done.signal).then(() => false)]);
  } finally {
    done.abort();
  }
}
