import { JsonParser } from './json-parser.ts';
import type { JsonValue, RawJson } from './json-value.ts';

export type { JsonArray, JsonObject, JsonValue, RawJson } from './json-value.ts';

/**
 * JSON without loss: a number that a double cannot hold stays what was written. Snapshot ids beyond 2^53
 * are ordinary in Iceberg, and `JSON.parse` would round them.
 */

/** What Node 22 has and TypeScript's library for ES2023 does not declare. */
const json = JSON as unknown as {
  rawJSON(text: string): RawJson;
  isRawJSON(value: unknown): value is RawJson;
};

/** Integers of so many characters are exact in a double. */
const exactDigits = 15;

function toNumber(source: string, isInteger: boolean): JsonValue {
  const value = Number(source);
  if (isInteger && source !== '-0') {
    return source.length <= exactDigits || Number.isSafeInteger(value) ? value : BigInt(source);
  }
  return String(value) === source ? value : json.rawJSON(source);
}

/** Parses JSON text; throws `SyntaxError` where `JSON.parse` does, and for nesting beyond 512 levels. */
export function parseJson(text: string): JsonValue {
  return new JsonParser(text, toNumber).parse();
}

/** True for a number kept as text by {@link parseJson}. */
export function isRawJson(value: unknown): value is RawJson {
  return json.isRawJSON(value);
}

/** Prints a value so that {@link parseJson} gives it back; members that are undefined are left out. */
export function stringifyJson(value: unknown, indent?: number): string {
  return JSON.stringify(
    value,
    (_key, member: unknown) => (typeof member === 'bigint' ? json.rawJSON(String(member)) : member),
    indent,
  );
}
