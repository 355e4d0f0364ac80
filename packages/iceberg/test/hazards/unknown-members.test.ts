/** Members of later versions of the format survive the commits of a writer that does not know them, at every level. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { applyCommit } from '../../src/catalog/apply-commit.ts';
import { type JsonObject, parseJson, stringifyJson } from '../../src/json/json.ts';
import { formatTableMetadata, parseTableMetadata } from '../../src/metadata/table-metadata-json.ts';

const text = readFileSync(join(import.meta.dirname, '../fixtures/metadata/v2-full.json'), 'utf8');

/** Maps of names are data: what is in them is no member. */
const maps = new Set(['properties', 'summary', 'refs']);

let marks = 0;

/** The same metadata with a member of its own in every object; each is another number beyond 2^53. */
function withMarks(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) return value.map((item) => withMarks(item));
  if (typeof value !== 'object' || value === null || 'rawJSON' in value) return value;
  const members = Object.entries(value).map(([name, member]) => [name, withMarks(member, name)]);
  if (maps.has(key)) return Object.fromEntries(members);
  marks += 1;
  return { ...Object.fromEntries(members), 'x-later': 2n ** 60n + BigInt(marks) };
}

const marksOf = (json: string) => new Set([...json.matchAll(/"x-later":(\d+)/g)].map(([, mark]) => mark));

test('every object of the metadata keeps its own through reading, a commit of every kind, and writing', () => {
  const marked = stringifyJson(withMarks(parseJson(text)) as JsonObject);
  expect(marksOf(marked).size).toBe(marks);
  expect(marks).toBeGreaterThan(35);
  const base = parseTableMetadata(marked);
  const snapshotId = 2n ** 62n + 5n;
  const next = applyCommit(base, {
    requirements: [],
    updates: [
      {
        action: 'add-snapshot',
        snapshot: {
          snapshotId,
          parentSnapshotId: base.currentSnapshotId!,
          sequenceNumber: base.lastSequenceNumber + 1n,
          timestampMs: base.lastUpdatedMs + 1,
          manifestList: 's3://bucket/snap.avro',
          summary: { operation: 'append' },
          schemaId: base.currentSchemaId,
        },
      },
      { action: 'set-snapshot-ref', refName: 'main', snapshotId, type: 'branch' },
      { action: 'set-properties', updates: { later: 'x' } },
      { action: 'set-location', location: 's3://bucket/elsewhere' },
    ],
  });
  const kept = marksOf(formatTableMetadata(next));
  expect([...marksOf(marked)].filter((mark) => !kept.has(mark))).toEqual([]);
});
