import type { JsonValue } from '../json/json.ts';
import { JsonFields } from '../json/json-fields.ts';
import type { UnboundPartitionSpec } from '../metadata/partition-spec.ts';
import { partitionSpecToJson, readSourceIds } from '../metadata/partition-spec-json.ts';
import { readSchema, schemaToJson } from '../metadata/schema-json.ts';
import {
  readSnapshot,
  readSnapshotRef,
  snapshotRefToJson,
  snapshotToJson,
} from '../metadata/snapshot-json.ts';
import type { UnboundSortOrder } from '../metadata/sort-order.ts';
import { readSortField, sortOrderToJson } from '../metadata/sort-order-json.ts';
import {
  partitionStatisticsFileToJson,
  readPartitionStatisticsFile,
  readStatisticsFile,
  statisticsFileToJson,
} from '../metadata/statistics-json.ts';
import { writableFormatVersion } from '../metadata/table-metadata-json.ts';
import type { TableUpdate, TableUpdateAction } from './table-update.ts';

type UpdateOf<A extends TableUpdateAction> = Extract<TableUpdate, { action: A }>;

/** How the members of one update are written and read, `action` aside. */
interface UpdateCodec<A extends TableUpdateAction> {
  readonly write: (update: UpdateOf<A>) => object;
  readonly read: (json: JsonFields) => Omit<UpdateOf<A>, 'action'>;
}

/** Spec: https://github.com/apache/iceberg/blob/main/open-api/rest-catalog-open-api.yaml (TableUpdate) */
const codecs: { readonly [A in TableUpdateAction]: UpdateCodec<A> } = {
  'assign-uuid': {
    write: ({ uuid }) => ({ uuid }),
    read: (json) => ({ uuid: json.string('uuid') }),
  },
  'upgrade-format-version': {
    write: ({ formatVersion }) => ({ 'format-version': formatVersion }),
    read: (json) => ({ formatVersion: json.int('format-version') }),
  },
  'add-schema': {
    write: ({ schema, lastColumnId }) => ({ schema: schemaToJson(schema), 'last-column-id': lastColumnId }),
    read: (json) => {
      const lastColumnId = json.optionalInt('last-column-id');
      const schema = json.object('schema', (member) => readSchema(member, 0));
      return { schema, ...(lastColumnId !== undefined && { lastColumnId }) };
    },
  },
  'set-current-schema': {
    write: ({ schemaId }) => ({ 'schema-id': schemaId }),
    read: (json) => ({ schemaId: json.int('schema-id') }),
  },
  'add-spec': {
    write: ({ spec }) => ({ spec: partitionSpecToJson(spec) }),
    read: (json) => ({ spec: json.object('spec', readUnboundSpec) }),
  },
  'set-default-spec': {
    write: ({ specId }) => ({ 'spec-id': specId }),
    read: (json) => ({ specId: json.int('spec-id') }),
  },
  'add-sort-order': {
    write: ({ sortOrder }) => ({ 'sort-order': sortOrderToJson(sortOrder) }),
    read: (json) => ({ sortOrder: json.object('sort-order', readUnboundOrder) }),
  },
  'set-default-sort-order': {
    write: ({ sortOrderId }) => ({ 'sort-order-id': sortOrderId }),
    read: (json) => ({ sortOrderId: json.int('sort-order-id') }),
  },
  'add-snapshot': {
    write: ({ snapshot }) => ({ snapshot: snapshotToJson(snapshot) }),
    read: (json) => ({
      snapshot: json.object('snapshot', (member) => readSnapshot(member, writableFormatVersion)),
    }),
  },
  'set-snapshot-ref': {
    write: ({ action: _, refName, ...ref }) => ({ 'ref-name': refName, ...snapshotRefToJson(ref) }),
    read: (json) => {
      const refName = json.string('ref-name');
      const { extra: _, ...ref } = readSnapshotRef(json);
      return { refName, ...ref };
    },
  },
  'remove-snapshots': {
    write: ({ snapshotIds }) => ({ 'snapshot-ids': snapshotIds }),
    read: (json) => ({ snapshotIds: json.longArray('snapshot-ids') }),
  },
  'remove-snapshot-ref': {
    write: ({ refName }) => ({ 'ref-name': refName }),
    read: (json) => ({ refName: json.string('ref-name') }),
  },
  'set-location': {
    write: ({ location }) => ({ location }),
    read: (json) => ({ location: json.string('location') }),
  },
  'set-properties': {
    write: ({ updates }) => ({ updates }),
    read: (json) => ({ updates: json.stringMap('updates') }),
  },
  'remove-properties': {
    write: ({ removals }) => ({ removals }),
    read: (json) => ({ removals: json.stringArray('removals') }),
  },
  'set-statistics': {
    // The id is in the statistics too; older servers read this one.
    write: ({ statistics }) => ({
      'snapshot-id': statistics.snapshotId,
      statistics: statisticsFileToJson(statistics),
    }),
    read: (json) => ({ statistics: json.object('statistics', readStatisticsFile) }),
  },
  'remove-statistics': {
    write: ({ snapshotId }) => ({ 'snapshot-id': snapshotId }),
    read: (json) => ({ snapshotId: json.long('snapshot-id') }),
  },
  'set-partition-statistics': {
    write: ({ partitionStatistics }) => ({
      'partition-statistics': partitionStatisticsFileToJson(partitionStatistics),
    }),
    read: (json) => ({
      partitionStatistics: json.object('partition-statistics', readPartitionStatisticsFile),
    }),
  },
  'remove-partition-statistics': {
    write: ({ snapshotId }) => ({ 'snapshot-id': snapshotId }),
    read: (json) => ({ snapshotId: json.long('snapshot-id') }),
  },
  'remove-partition-specs': {
    write: ({ specIds }) => ({ 'spec-ids': specIds }),
    read: (json) => ({ specIds: json.intArray('spec-ids') }),
  },
  'remove-schemas': {
    write: ({ schemaIds }) => ({ 'schema-ids': schemaIds }),
    read: (json) => ({ schemaIds: json.intArray('schema-ids') }),
  },
};

/** An update as the REST specification writes it; 64-bit values are bigints, so print it with `stringifyJson`. */
export function tableUpdateToJson<A extends TableUpdateAction>(update: UpdateOf<A>): object {
  const action = update.action as A;
  return { action, ...codecs[action].write(update) };
}

/**
 * Reads an update that came as parsed JSON (of `parseJson`, to keep 64-bit ids whole). `what` is named in errors.
 * `INVALID_METADATA` for an unknown action, and for a member that is missing or of another kind.
 */
export function tableUpdateFromJson(value: JsonValue, what = 'table update'): TableUpdate {
  const json = new JsonFields(value, what);
  const action = json.string('action');
  if (!Object.hasOwn(codecs, action)) {
    throw json.error(`${JSON.stringify(action)} is no update that this release knows`, 'action');
  }
  const known = action as TableUpdateAction;
  return { action: known, ...codecs[known].read(json) } as TableUpdate;
}

/** A spec in a form that servers take: ids may be missing. */
function readUnboundSpec(json: JsonFields): UnboundPartitionSpec {
  const specId = json.optionalInt('spec-id');
  const fields = json.objects('fields', (field) => {
    const fieldId = field.optionalInt('field-id');
    return {
      ...readSourceIds(field),
      ...(fieldId !== undefined && { fieldId }),
      name: field.string('name'),
      transform: field.string('transform'),
      ...field.extra(),
    };
  });
  return { ...(specId !== undefined && { specId }), fields };
}

function readUnboundOrder(json: JsonFields): UnboundSortOrder {
  const orderId = json.optionalInt('order-id');
  return { ...(orderId !== undefined && { orderId }), fields: json.objects('fields', readSortField) };
}
