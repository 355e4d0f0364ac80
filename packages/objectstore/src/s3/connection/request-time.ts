import type { ResolvedS3Options } from '../options.ts';

const SENT_BYTES_PER_SECOND = 64 * 1024;
const COMPLETED_BYTES_PER_SECOND = 16 * 1024 * 1024;
const LONGEST_COMPLETION_MS = 15 * 60_000;
const MAX_TIMER_MS = 2 ** 31 - 1;

/** The time limit of an attempt that sends so many bytes: a slow line is no reason to give up. */
export function sendingTimeoutMs({ requestTimeoutMs }: ResolvedS3Options, sizeBytes: number): number {
  return Math.min(requestTimeoutMs + Math.ceil((sizeBytes * 1000) / SENT_BYTES_PER_SECOND), MAX_TIMER_MS);
}

/**
 * The time limit of an attempt to complete an upload of so many bytes. AWS speaks of minutes for the largest; servers
 * on a file system copy the parts.
 */
export function completionTimeoutMs({ requestTimeoutMs }: ResolvedS3Options, sizeBytes: number): number {
  const extraMs = Math.ceil((sizeBytes * 1000) / COMPLETED_BYTES_PER_SECOND);
  return Math.min(requestTimeoutMs + Math.min(extraMs, LONGEST_COMPLETION_MS), MAX_TIMER_MS);
}
