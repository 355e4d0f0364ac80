import { redact } from './redact.ts';

/**
 * What may be shown of a foreign error: name, code and message. Its other properties may hold headers, bodies or raw
 * replies, and with them secrets.
 */
export function safeCause(error: unknown, secrets: readonly string[] = []): Error {
  const { name, message, code } = Object(error) as Partial<Record<'name' | 'message' | 'code', unknown>>;
  const text = typeof message === 'string' ? message : 'something else than an error';
  // A parser of JSON quotes what it was given.
  const copy = new Error(name === 'SyntaxError' ? 'a text that cannot be parsed' : redact(text, secrets));
  if (typeof name === 'string') copy.name = name;
  if (typeof code === 'string') Object.assign(copy, { code });
  return copy;
}
