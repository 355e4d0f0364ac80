import fc from 'fast-check';
import type { JsonObject, JsonValue } from '../../src/json/json.ts';
import type { PartitionSpec } from '../../src/metadata/partition-spec.ts';
import type { NestedField, PrimitiveType, Schema, Type } from '../../src/metadata/schema.ts';
import type { Snapshot, SnapshotRef } from '../../src/metadata/snapshot.ts';
import type { SortOrder } from '../../src/metadata/sort-order.ts';
import type { PartitionStatisticsFile, StatisticsFile } from '../../src/metadata/statistics.ts';
import type { TableMetadata } from '../../src/metadata/table-metadata.ts';

const primitiveTypes: readonly PrimitiveType[] = [
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'date',
  'time',
  'timestamp',
  'timestamptz',
  'string',
  'uuid',
  'binary',
  'fixed[7]',
  'decimal(38,10)',
  'decimal(1,0)',
];

/** Texts that have tripped JSON writers: quotes, controls, surrogate pairs, names of object members. */
export const arbitraryText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.constantFrom('', '"', '\\', '\u2028', '\u0000', '😀', '__proto__', 'constructor', 'ä.b'),
);

/** Any 64-bit number, often one whose double is another. */
export const arbitraryLong = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
  fc.constantFrom(0n, 2n ** 53n + 1n, 2n ** 63n - 1n),
);

const millis = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const properties = fc.dictionary(arbitraryText, arbitraryText, { maxKeys: 3, noNullPrototype: true });

const json: fc.Arbitrary<JsonValue> = fc.oneof(
  arbitraryText,
  fc.constantFrom<JsonValue>(null, true, 0, 2n ** 64n, []),
  fc.array(fc.boolean(), { maxLength: 2 }),
);

/** No such member most of the time. */
function maybe<K extends string, T>(
  key: K,
  arbitrary: fc.Arbitrary<T>,
): fc.Arbitrary<{ readonly [k in K]?: T }> {
  return fc
    .option(arbitrary, { nil: undefined, freq: 2 })
    .map((value) => (value === undefined ? {} : { [key]: value }) as { readonly [k in K]?: T });
}

/** Members that nobody knows. */
const extra = maybe(
  'extra',
  fc.dictionary(
    fc.string({ unit: 'grapheme-ascii', maxLength: 4 }).map((key) => `x-${key}`),
    json,
    {
      minKeys: 1,
      maxKeys: 2,
      noNullPrototype: true,
    },
  ) as fc.Arbitrary<JsonObject>,
);

/** `T` and whatever of the parts is there. */
function with_<T>(base: fc.Arbitrary<T>, ...parts: readonly fc.Arbitrary<object>[]): fc.Arbitrary<T> {
  return fc.tuple(base, fc.tuple(...parts)).map(([value, more]) => Object.assign({}, value, ...more) as T);
}

const { type: shape } = fc.letrec<{ type: Type }>((tie) => ({
  type: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.constantFrom<Type>(...primitiveTypes),
    fc.array(fc.tuple(tie('type'), fc.boolean()), { minLength: 1, maxLength: 3 }).map((fields) => ({
      type: 'struct' as const,
      fields: fields.map(([type, required]) => namelessField(type, required)),
    })),
    with_(
      fc.record({
        type: fc.constant('list' as const),
        elementId: fc.constant(0),
        elementRequired: fc.boolean(),
        element: tie('type'),
      }),
      extra,
    ),
    fc.record({
      type: fc.constant('map' as const),
      keyId: fc.constant(0),
      key: tie('type'),
      valueId: fc.constant(0),
      valueRequired: fc.boolean(),
      value: tie('type'),
    }),
  ),
}));

const namelessField = (type: Type, required: boolean): NestedField => ({ id: 0, name: '', required, type });

/** Gives every field an id and a name of its own; ids are not in order of the fields. */
function numbered(type: Type, next: () => number, text: string): Type {
  if (typeof type === 'string') return type;
  switch (type.type) {
    case 'struct':
      return { ...type, fields: type.fields.map((field) => numberedField(field, next, text)) };
    case 'list': {
      const element = numbered(type.element, next, text);
      return { ...type, elementId: next(), element };
    }
    case 'map': {
      const [key, value] = [numbered(type.key, next, text), numbered(type.value, next, text)];
      return { ...type, keyId: next(), key, valueId: next(), value };
    }
  }
}

function numberedField(field: NestedField, next: () => number, text: string): NestedField {
  const type = numbered(field.type, next, text);
  const id = next();
  return { ...field, id, name: `f${id}${text}`, type };
}

const column = with_(
  fc.tuple(shape, fc.boolean()).map(([type, required]) => namelessField(type, required)),
  maybe('doc', arbitraryText),
  extra,
);

/** Schemas of every shape that v2 has, with unknown members at every level. */
export const arbitrarySchema = (schemaId: number): fc.Arbitrary<Schema> =>
  with_(
    fc.tuple(fc.array(column, { minLength: 1, maxLength: 4 }), arbitraryText).map(([columns, text]) => {
      let last = 0;
      const next = () => {
        last += 1;
        return last;
      };
      return { schemaId, fields: columns.map((field) => numberedField(field, next, text)) };
    }),
    extra,
  );

const transforms = [
  'identity',
  'void',
  'year',
  'month',
  'day',
  'hour',
  'bucket[16]',
  'truncate[2147483647]',
  'zorder[3]',
];

/** A spec over any source ids: reading does not ask whether a transform fits its source. */
export const arbitrarySpec = (specId: number): fc.Arbitrary<PartitionSpec> =>
  with_(
    fc
      .array(
        with_(
          fc.record({ sourceId: fc.nat(9), name: arbitraryText, transform: fc.constantFrom(...transforms) }),
          extra,
        ),
        {
          maxLength: 3,
        },
      )
      .map((fields) => ({
        specId,
        fields: fields.map((field, at) => ({
          ...field,
          fieldId: 1000 + 10 * specId + at,
          name: `${at}${field.name}`,
        })),
      })),
    extra,
  );

/** A sort order over any source ids. */
export const arbitraryOrder = (orderId: number): fc.Arbitrary<SortOrder> =>
  with_(
    fc
      .array(
        with_(
          fc.record({
            transform: fc.constantFrom(...transforms),
            sourceId: fc.nat(9),
            direction: fc.constantFrom('asc' as const, 'desc' as const),
            nullOrder: fc.constantFrom('nulls-first' as const, 'nulls-last' as const),
          }),
          extra,
        ),
        { minLength: 1, maxLength: 3 },
      )
      .map((fields) => ({ orderId, fields })),
    extra,
  );

const snapshot = with_(
  fc.record({
    snapshotId: arbitraryLong,
    sequenceNumber: arbitraryLong,
    timestampMs: millis,
    manifestList: arbitraryText,
    summary: properties,
  }) as fc.Arbitrary<Snapshot>,
  maybe('parentSnapshotId', arbitraryLong),
  maybe('schemaId', fc.nat(3)),
  extra,
);

const age = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });

const ref = (snapshots: readonly Snapshot[]): fc.Arbitrary<SnapshotRef> => {
  const snapshotId = fc.constantFrom(...snapshots.map((one) => one.snapshotId));
  return fc.oneof(
    with_(fc.record({ snapshotId, type: fc.constant('tag' as const) }), maybe('maxRefAgeMs', age), extra),
    with_(
      fc.record({ snapshotId, type: fc.constant('branch' as const) }),
      maybe('maxRefAgeMs', age),
      maybe('maxSnapshotAgeMs', age),
      maybe('minSnapshotsToKeep', fc.integer({ min: 1, max: 100 })),
      extra,
    ),
  );
};

const statistics = with_(
  fc.record({
    snapshotId: arbitraryLong,
    statisticsPath: arbitraryText,
    fileSizeInBytes: millis,
    fileFooterSizeInBytes: millis,
    blobMetadata: fc.array(
      with_(
        fc.record({
          type: arbitraryText,
          snapshotId: arbitraryLong,
          sequenceNumber: arbitraryLong,
          fields: fc.array(fc.nat(9), { maxLength: 3 }),
        }),
        maybe('properties', properties),
        extra,
      ),
      { maxLength: 2 },
    ),
  }) as fc.Arbitrary<StatisticsFile>,
  maybe('keyMetadata', arbitraryText),
  extra,
);

const partitionStatistics: fc.Arbitrary<PartitionStatisticsFile> = with_(
  fc.record({ snapshotId: arbitraryLong, statisticsPath: arbitraryText, fileSizeInBytes: millis }),
  extra,
);

const snapshots = fc.uniqueArray(snapshot, { maxLength: 4, selector: ({ snapshotId }) => snapshotId });

/** Tables of format v2 that hold together, and everything else about them arbitrary. */
export const arbitraryTableMetadata: fc.Arbitrary<TableMetadata> = snapshots.chain((all) => {
  const names = arbitraryText.filter((name) => name !== 'main');
  const refs =
    all.length === 0
      ? fc.constant({})
      : fc.dictionary(names, ref(all), { maxKeys: 3, noNullPrototype: true });
  const current = fc.option(fc.constantFrom(...all, undefined), { nil: undefined });
  return with_(
    fc
      .record({
        formatVersion: fc.constant(2 as const),
        tableUuid: fc.uuid(),
        location: arbitraryText,
        lastSequenceNumber: fc.constant(2n ** 63n - 1n),
        lastUpdatedMs: millis,
        lastColumnId: fc.nat(),
        schemas: fc.tuple(arbitrarySchema(0), arbitrarySchema(7)),
        currentSchemaId: fc.constantFrom(0, 7),
        partitionSpecs: fc.tuple(arbitrarySpec(0), arbitrarySpec(1)),
        defaultSpecId: fc.constantFrom(0, 1),
        lastPartitionId: fc.integer({ min: 999, max: 2000 }),
        sortOrders: fc.tuple(fc.constant({ orderId: 0, fields: [] }), arbitraryOrder(3)),
        defaultSortOrderId: fc.constantFrom(0, 3),
        properties,
        snapshots: fc.constant(all),
        snapshotLog: fc.array(with_(fc.record({ timestampMs: millis, snapshotId: arbitraryLong }), extra), {
          maxLength: 2,
        }),
        metadataLog: fc.array(with_(fc.record({ timestampMs: millis, metadataFile: arbitraryText }), extra), {
          maxLength: 2,
        }),
        refs,
        statistics: fc.array(statistics, { maxLength: 2 }),
        partitionStatistics: fc.array(partitionStatistics, { maxLength: 2 }),
        current,
      })
      .map(({ current: head, ...table }): TableMetadata => {
        if (!head) return table;
        const main = { snapshotId: head.snapshotId, type: 'branch' } as const;
        return { ...table, currentSnapshotId: head.snapshotId, refs: { ...table.refs, main } };
      }),
    extra,
  );
});
