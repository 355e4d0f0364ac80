import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  arbitraryLong,
  arbitraryOrder,
  arbitrarySchema,
  arbitrarySpec,
  arbitraryTableMetadata,
  arbitraryText,
} from '../../test/support/arbitrary-metadata.ts';
import { IcebergError } from '../errors.ts';
import { type JsonValue, parseJson, stringifyJson } from '../json/json.ts';
import type { UnboundPartitionSpec } from '../metadata/partition-spec.ts';
import type { TableRequirement } from './table-requirement.ts';
import { tableRequirementFromJson, tableRequirementToJson } from './table-requirement-json.ts';
import type { TableUpdate, TableUpdateAction } from './table-update.ts';
import { tableUpdateFromJson, tableUpdateToJson } from './table-update-json.ts';

const sent = (value: object): JsonValue => parseJson(stringifyJson(value));
const id = fc.integer({ min: -1, max: 2 ** 31 - 1 });
const uuid = fc.uuid();
const texts = fc.dictionary(arbitraryText, arbitraryText, { maxKeys: 3, noNullPrototype: true });
/** What metadata of every kind holds, as a source of snapshots, refs and statistics of every kind. */
function members<T>(
  of: (metadata: typeof arbitraryTableMetadata extends fc.Arbitrary<infer M> ? M : never) => readonly T[],
): fc.Arbitrary<T> {
  return arbitraryTableMetadata
    .filter((metadata) => of(metadata).length > 0)
    .map((metadata) => of(metadata)[0]!);
}

/** One of every kind: the compiler says if one is missing. */
const updates: {
  readonly [A in TableUpdateAction]: fc.Arbitrary<Omit<Extract<TableUpdate, { action: A }>, 'action'>>;
} = {
  'assign-uuid': fc.record({ uuid }),
  'upgrade-format-version': fc.record({ formatVersion: fc.constantFrom(1, 2, 3) }),
  'add-schema': fc.record({ schema: arbitrarySchema(3), lastColumnId: id }, { requiredKeys: ['schema'] }),
  'set-current-schema': fc.record({ schemaId: id }),
  'add-spec': fc.record({ spec: fc.oneof(arbitrarySpec(2), arbitrarySpec(0).map(withoutIds)) }),
  'set-default-spec': fc.record({ specId: id }),
  'add-sort-order': fc.record({ sortOrder: arbitraryOrder(4).map(({ extra: _, ...order }) => order) }),
  'set-default-sort-order': fc.record({ sortOrderId: id }),
  'add-snapshot': fc.record({ snapshot: members((metadata) => metadata.snapshots) }),
  'set-snapshot-ref': fc
    .tuple(
      arbitraryText,
      members((metadata) => Object.values(metadata.refs)),
    )
    .map(([refName, { extra: _, ...ref }]) => ({ refName, ...ref })),
  'remove-snapshots': fc.record({ snapshotIds: fc.array(arbitraryLong, { maxLength: 3 }) }),
  'remove-snapshot-ref': fc.record({ refName: arbitraryText }),
  'set-location': fc.record({ location: arbitraryText }),
  'set-properties': fc.record({ updates: texts }),
  'remove-properties': fc.record({ removals: fc.array(arbitraryText, { maxLength: 3 }) }),
  'set-statistics': fc.record({ statistics: members((metadata) => metadata.statistics) }),
  'remove-statistics': fc.record({ snapshotId: arbitraryLong }),
  'set-partition-statistics': fc.record({
    partitionStatistics: members((metadata) => metadata.partitionStatistics),
  }),
  'remove-partition-statistics': fc.record({ snapshotId: arbitraryLong }),
  'remove-partition-specs': fc.record({ specIds: fc.array(id, { maxLength: 3 }) }),
  'remove-schemas': fc.record({ schemaIds: fc.array(id, { maxLength: 3 }) }),
};

const requirements: {
  readonly [T in TableRequirement['type']]: fc.Arbitrary<
    Omit<Extract<TableRequirement, { type: T }>, 'type'>
  >;
} = {
  'assert-create': fc.constant({}),
  'assert-table-uuid': fc.record({ uuid }),
  'assert-ref-snapshot-id': fc.record({ ref: arbitraryText, snapshotId: fc.option(arbitraryLong) }),
  'assert-last-assigned-field-id': fc.record({ lastAssignedFieldId: id }),
  'assert-current-schema-id': fc.record({ currentSchemaId: id }),
  'assert-last-assigned-partition-id': fc.record({ lastAssignedPartitionId: id }),
  'assert-default-spec-id': fc.record({ defaultSpecId: id }),
  'assert-default-sort-order-id': fc.record({ defaultSortOrderId: id }),
};

function withoutIds({ fields }: UnboundPartitionSpec): UnboundPartitionSpec {
  return { fields: fields.map(({ fieldId: _, ...field }) => field) };
}

describe('what is sent is what is read', () => {
  test.each(Object.keys(updates) as TableUpdateAction[])('update %s', (action) => {
    fc.assert(
      fc.property(updates[action] as fc.Arbitrary<object>, (rest) => {
        const update = { action, ...rest } as TableUpdate;
        const read = tableUpdateFromJson(sent(tableUpdateToJson(update)));
        expect(read).toEqual(action === 'add-spec' ? withoutSpecExtra(update) : update);
      }),
      { numRuns: 60 },
    );
  });

  test.each(Object.keys(requirements) as TableRequirement['type'][])('requirement %s', (type) => {
    fc.assert(
      fc.property(requirements[type] as fc.Arbitrary<object>, (rest) => {
        const requirement = { type, ...rest } as TableRequirement;
        expect(tableRequirementFromJson(sent(tableRequirementToJson(requirement)))).toEqual(requirement);
      }),
      { numRuns: 60 },
    );
  });
});

/** An unbound spec has no place for members that nobody knows. */
function withoutSpecExtra(update: TableUpdate): TableUpdate {
  if (update.action !== 'add-spec') return update;
  const { extra: _, ...spec } = update.spec as typeof update.spec & { extra?: unknown };
  return { ...update, spec };
}

describe('the text of the REST specification', () => {
  const big = 2n ** 62n + 1n;

  test.each<[TableUpdate, string]>([
    [
      { action: 'set-snapshot-ref', refName: 'main', type: 'branch', snapshotId: big, minSnapshotsToKeep: 2 },
      '{"action":"set-snapshot-ref","ref-name":"main","snapshot-id":4611686018427387905,"type":"branch","min-snapshots-to-keep":2}',
    ],
    [
      { action: 'remove-snapshots', snapshotIds: [big, 7n] },
      '{"action":"remove-snapshots","snapshot-ids":[4611686018427387905,7]}',
    ],
    [{ action: 'set-properties', updates: { a: 'b' } }, '{"action":"set-properties","updates":{"a":"b"}}'],
    [
      { action: 'add-sort-order', sortOrder: { fields: [] } },
      '{"action":"add-sort-order","sort-order":{"order-id":0,"fields":[]}}',
    ],
    [
      {
        action: 'add-sort-order',
        sortOrder: {
          fields: [{ sourceId: 1, transform: 'identity', direction: 'asc', nullOrder: 'nulls-last' }],
        },
      },
      '{"action":"add-sort-order","sort-order":{"order-id":1,"fields":[{"transform":"identity","source-id":1,"direction":"asc","null-order":"nulls-last"}]}}',
    ],
  ])('update %#', (update, text) => {
    expect(stringifyJson(tableUpdateToJson(update))).toBe(text);
  });

  test('a ref that must not be there is asserted by a null that is written', () => {
    const text = stringifyJson(
      tableRequirementToJson({ type: 'assert-ref-snapshot-id', ref: 'main', snapshotId: null }),
    );
    expect(text).toBe('{"type":"assert-ref-snapshot-id","ref":"main","snapshot-id":null}');
  });
});

test.each<[() => unknown, RegExp]>([
  [() => tableUpdateFromJson({ action: 'constructor' }), /action.*constructor/],
  [() => tableUpdateFromJson({ action: 'add-snapshot' }), /snapshot: is missing/],
  [() => tableUpdateFromJson({ action: 'remove-snapshots', 'snapshot-ids': ['1'] }), /snapshot-ids\[0\]/],
  [() => tableUpdateFromJson([]), /expected an object/],
  [() => tableRequirementFromJson({ type: 'assert-nothing' }), /type.*assert-nothing/],
  [() => tableRequirementFromJson({ type: 'assert-table-uuid', uuid: 1 }), /uuid: expected a string/],
])('what is not of the specification is INVALID_METADATA that names the member (%#)', (read, message) => {
  try {
    read();
  } catch (error) {
    expect(IcebergError.is(error, 'INVALID_METADATA')).toBe(true);
    expect((error as Error).message).toMatch(message);
    return;
  }
  expect.unreachable('it was read');
});
