import type { PrimitiveValue } from '../metadata/primitive-value.ts';
import type { PrimitiveType } from '../metadata/schema.ts';
import type { MetricsMode } from './metrics-mode.ts';

/** The highest code point, which nothing comes after. */
const lastCodePoint = 0x10ffff;

/**
 * Shortens a lower bound as the column's mode wants it: a prefix is never above the whole. Only strings (by code
 * point) and binary (by byte) are shortened.
 */
export function truncateLower(type: PrimitiveType, mode: MetricsMode, bound: PrimitiveValue): PrimitiveValue {
  if (mode.kind !== 'truncate') return bound;
  if (type === 'string') return prefixOf(bound as string, mode.length) ?? bound;
  return type === 'binary' ? (bound as Uint8Array).subarray(0, mode.length) : bound;
}

/**
 * Shortens an upper bound as the column's mode wants it. What was cut off is made up for by raising the last code
 * point, or byte, that can be raised, so that the bound is still at least every value.
 *
 * @returns undefined when nothing of what is kept can be raised: then there is no bound of that length
 */
export function truncateUpper(
  type: PrimitiveType,
  mode: MetricsMode,
  bound: PrimitiveValue,
): PrimitiveValue | undefined {
  if (mode.kind !== 'truncate') return bound;
  if (type === 'string') {
    const prefix = prefixOf(bound as string, mode.length);
    return prefix === undefined ? bound : raisedText(prefix);
  }
  const isLong = type === 'binary' && (bound as Uint8Array).length > mode.length;
  return isLong ? raisedBytes((bound as Uint8Array).subarray(0, mode.length)) : bound;
}

/** The first `length` code points, or undefined when there are no more than that. */
function prefixOf(text: string, length: number): string | undefined {
  if (text.length <= length) return undefined;
  let end = 0;
  for (let taken = 0; taken < length && end < text.length; taken += 1) {
    end += (text.codePointAt(end) as number) > 0xffff ? 2 : 1;
  }
  return end < text.length ? text.slice(0, end) : undefined;
}

function raisedText(prefix: string): string | undefined {
  const points = Array.from(prefix, (char) => char.codePointAt(0) as number);
  while (points.at(-1) === lastCodePoint) points.pop();
  const last = points.pop();
  if (last === undefined) return undefined;
  // U+D800 to U+DFFF are halves of surrogate pairs and no characters.
  return String.fromCodePoint(...points, last === 0xd7ff ? 0xe000 : last + 1);
}

function raisedBytes(prefix: Uint8Array): Uint8Array | undefined {
  let end = prefix.length;
  while (end > 0 && prefix[end - 1] === 0xff) end -= 1;
  if (end === 0) return undefined;
  const raised = prefix.slice(0, end);
  raised[end - 1] = (raised[end - 1] as number) + 1;
  return raised;
}
