/**
 * A metadata file cut at any byte is refused by name. JSON has no checksum: a flipped bit inside a name, a text or a
 * number gives another name, text or number, and may be read. It is never a crash, and never more than that one token.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { IcebergError } from '../../src/errors.ts';
import { parseJson, stringifyJson } from '../../src/json/json.ts';
import type { TableMetadata } from '../../src/metadata/table-metadata.ts';
import { formatTableMetadata, parseTableMetadata } from '../../src/metadata/table-metadata-json.ts';

const location = 's3://bucket/t/metadata/00007-x.metadata.json';
const file = readFileSync(join(import.meta.dirname, '../fixtures/metadata/v2-full.json'));
// As it is written: without the spaces, whose damage would mean nothing.
const bytes = Buffer.from(stringifyJson(parseJson(file.toString('utf8'))));
const wholeText = formatTableMetadata(parseTableMetadata(bytes.toString('utf8')));

/** The metadata that damaged bytes hold; undefined if they were refused properly. Anything else fails the test. */
function attempt(damaged: Uint8Array): TableMetadata | undefined {
  try {
    return parseTableMetadata(Buffer.from(damaged).toString('utf8'), location);
  } catch (error) {
    if (!IcebergError.is(error)) throw error;
    // An `expect` for each of thousands of attempts would cost more than the attempts.
    const isProper =
      /^(INVALID_METADATA|UNSUPPORTED_FORMAT_VERSION)$/.test(error.code) && error.message.includes(location);
    if (!isProper) throw new Error(`no proper refusal: ${error.message}`);
    return undefined;
  }
}

test('cut at any byte it is refused', () => {
  const unnoticed: number[] = [];
  for (let cut = 0; cut < bytes.length; cut += 1) if (attempt(bytes.subarray(0, cut))) unnoticed.push(cut);
  expect(unnoticed).toEqual([]);
});

/** Whether each byte lies within a text (quotes not included) or a number, `true`, `false` or `null`. */
function tokenBytes(): boolean[] {
  const inToken: boolean[] = [];
  let inText = false;
  for (let at = 0; at < bytes.length; at += 1) {
    const char = String.fromCharCode(bytes[at]!);
    if (char === '"' && bytes[at - 1] !== 0x5c) inText = !inText;
    inToken.push(char !== '"' && (inText || /[0-9a-z.-]/.test(char)));
  }
  return inToken;
}

test('with a bit of any byte flipped it is refused, or read as another text or number, sound in itself', () => {
  const inToken = tokenBytes();
  const unnoticed: number[] = [];
  const seen = { refused: 0, same: 0, other: 0 };
  for (let at = 0; at < bytes.length; at += 1) {
    const damaged = Uint8Array.from(bytes);
    // Not random: the same bits in every run.
    damaged[at]! ^= 1 << ((at * 2654435761) >>> 29);
    const read = attempt(damaged);
    if (read === undefined) {
      seen.refused += 1;
      continue;
    }
    // Punctuation that changes is always noticed.
    if (!inToken[at]) unnoticed.push(at);
    const text = formatTableMetadata(read);
    seen[text === wholeText ? 'same' : 'other'] += 1;
    if (formatTableMetadata(parseTableMetadata(text)) !== text) unnoticed.push(at);
  }
  expect(unnoticed).toEqual([]);
  expect(seen.refused).toBeGreaterThan(bytes.length / 3);
  expect(seen.refused + seen.same + seen.other).toBe(bytes.length);
});
