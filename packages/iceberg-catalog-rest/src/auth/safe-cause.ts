import { redact } from './redact.ts';

/**
 * What may be shown of a foreign error: name, code and message. Its other properties may hold headers, bodies or raw
 * replies, and with them secrets.
 */
export function safeCause(error: unknown, secrets: readonly string[] = []): Error {
  const { name, message, code } = Object(error) as Partial<Record<'name' | 'message' | 'code', unknown>>;
  const copy = new Error(
    redact(typeof message === 'string' ? message : 'something else than an error', secrets),
  );
  if (typeof name === 'string') copy.name = name;
  if (typeof code === 'string') Object.assign(copy, { code });
  return copy;
}
