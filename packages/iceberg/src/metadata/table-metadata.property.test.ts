import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  arbitraryOrder,
  arbitrarySchema,
  arbitrarySpec,
  arbitraryTableMetadata,
} from '../../test/support/arbitrary-metadata.ts';
import { IcebergError } from '../errors.ts';
import { parseJson, stringifyJson } from '../json/json.ts';
import { JsonFields } from '../json/json-fields.ts';
import { partitionSpecToJson, readPartitionSpec } from './partition-spec-json.ts';
import { readSchema, schemaToJson } from './schema-json.ts';
import { readSortOrder, sortOrderToJson } from './sort-order-json.ts';
import { formatTableMetadata, parseTableMetadata } from './table-metadata-json.ts';
import { parseTransform } from './transform.ts';

const reread = (value: object) => new JsonFields(parseJson(stringifyJson(value)), 'file');

describe('what is written is read back, unknown members and all', () => {
  test('table metadata, with snapshots, refs, logs and statistics', () => {
    fc.assert(
      fc.property(arbitraryTableMetadata, (metadata) => {
        const text = formatTableMetadata(metadata);
        expect(parseTableMetadata(text)).toEqual(metadata);
        expect(formatTableMetadata(parseTableMetadata(text))).toBe(text);
      }),
      { numRuns: 200 },
    );
  });

  test('schemas', () => {
    fc.assert(
      fc.property(arbitrarySchema(5), (schema) => {
        expect(readSchema(reread(schemaToJson(schema)))).toEqual(schema);
      }),
      { numRuns: 300 },
    );
  });

  test('partition specs and sort orders', () => {
    fc.assert(
      fc.property(arbitrarySpec(2), arbitraryOrder(4), (spec, order) => {
        expect(readPartitionSpec(reread(partitionSpecToJson(spec)))).toEqual(spec);
        expect(readSortOrder(reread(sortOrderToJson(order)))).toEqual(order);
      }),
      { numRuns: 300 },
    );
  });

  test('transforms: every parameter of 32 bits is taken, what is beyond is kept as text', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('bucket', 'truncate'),
        fc.bigInt({ min: 0n, max: 2n ** 34n }),
        (kind, parameter) => {
          const text = `${kind}[${parameter}]`;
          const parsed = parseTransform(text);
          const known = parameter >= 1n && parameter < 2n ** 31n;
          expect(parsed.kind).toBe(known ? kind : 'unknown');
          if ('buckets' in parsed) expect(BigInt(parsed.buckets)).toBe(parameter);
          if ('width' in parsed) expect(BigInt(parsed.width)).toBe(parameter);
          if ('text' in parsed) expect(parsed.text).toBe(text);
        },
      ),
    );
    fc.assert(
      fc.property(fc.string({ maxLength: 20 }), (text) => {
        const parsed = parseTransform(text);
        if (parsed.kind === 'unknown') expect(parsed.text).toBe(text);
      }),
    );
  });
});

test('a member of any object replaced by another value is read, or is INVALID_METADATA naming the file', () => {
  let read = 0;
  let refused = 0;
  const wrong = fc.constantFrom(null, -1, 2 ** 31, 2n ** 63n, 1.5, '', 'x', true, [], {}, [{}], { x: 1 });
  fc.assert(
    fc.property(arbitraryTableMetadata, fc.nat(), wrong, (metadata, at, value) => {
      const places: (() => void)[] = [];
      const visit = (node: unknown): void => {
        if (typeof node !== 'object' || node === null) return;
        for (const key of Object.keys(node)) {
          places.push(() => {
            (node as Record<string, unknown>)[key] = value;
          });
          visit((node as Record<string, unknown>)[key]);
        }
      };
      const json = parseJson(formatTableMetadata(metadata));
      visit(json);
      places[at % places.length]!();
      try {
        parseTableMetadata(stringifyJson(json), 's3://b/m.json');
        read += 1;
      } catch (error) {
        refused += 1;
        if (!IcebergError.is(error)) throw error;
        expect(['INVALID_METADATA', 'UNSUPPORTED_FORMAT_VERSION']).toContain(error.code);
        expect(error.message).toContain('s3://b/m.json');
      }
    }),
    { numRuns: 300 },
  );
  // About one in six is read.
  expect(read).toBeGreaterThan(10);
  expect(refused).toBeGreaterThan(50);
});
