import { IcebergError } from '../errors.ts';
import type { TableMetadata } from '../metadata/table-metadata.ts';
import type { CommitRequest } from './catalog.ts';
import { checkRequirements } from './check-requirements.ts';
import { TableMetadataDraft } from './table-metadata-draft.ts';
import type { TableUpdate, TableUpdateAction } from './table-update.ts';

export interface ApplyCommitOptions {
  /** Location of the base's metadata file; it goes to the metadata log. */
  readonly metadataLocation?: string;
  /** Unix milliseconds. Default: now. Used where no snapshot gives the time, and never to go back. */
  readonly nowMs?: number;
}

/**
 * The metadata a commit makes of `base`: checks every requirement, then applies the updates in order.
 * Changes nothing itself: a catalog that keeps metadata files writes the result and swaps it in. A request
 * without updates gives back `base`.
 *
 * `last-updated-ms` never goes back: it is the added snapshot's time, or now, or the base's, whichever is
 * latest. The snapshot log gets one entry when the current snapshot changes, the metadata log the base's file
 * (`write.metadata.previous-versions-max`, default 100).
 *
 * Errors: `COMMIT_CONFLICT` when a requirement fails, when the snapshot id is there already or its sequence
 * number is not above the table's; `INVALID_ARGUMENT` for an update that cannot apply;
 * `UNSUPPORTED_FORMAT_VERSION` for tables of another format than v2, unless the commit upgrades to it.
 */
export function applyCommit(
  base: TableMetadata,
  request: CommitRequest,
  options: ApplyCommitOptions = {},
): TableMetadata {
  checkRequirements(base, request.requirements);
  if (request.updates.length === 0) return base;
  const draft = new TableMetadataDraft(base, options.nowMs ?? Date.now());
  for (const update of request.updates) applyUpdate(draft, update);
  return draft.finish(options.metadataLocation);
}

type UpdateOf<A extends TableUpdateAction> = Extract<TableUpdate, { action: A }>;

const handlers: {
  readonly [A in TableUpdateAction]: (draft: TableMetadataDraft, update: UpdateOf<A>) => void;
} = {
  'assign-uuid': (draft, update) => draft.assignUuid(update.uuid),
  'upgrade-format-version': (draft, update) => draft.upgradeFormatVersion(update.formatVersion),
  'add-schema': (draft, update) => draft.addSchema(update.schema),
  'set-current-schema': (draft, update) => draft.setCurrentSchema(update.schemaId),
  'add-spec': (draft, update) => draft.addPartitionSpec(update.spec),
  'set-default-spec': (draft, update) => draft.setDefaultPartitionSpec(update.specId),
  'add-sort-order': (draft, update) => draft.addSortOrder(update.sortOrder),
  'set-default-sort-order': (draft, update) => draft.setDefaultSortOrder(update.sortOrderId),
  'add-snapshot': (draft, update) => draft.addSnapshot(update.snapshot),
  'set-snapshot-ref': (draft, { action: _, refName, ...ref }) => draft.setSnapshotRef(refName, ref),
  'remove-snapshots': (draft, update) => draft.removeSnapshots(update.snapshotIds),
  'remove-snapshot-ref': (draft, update) => draft.removeSnapshotRef(update.refName),
  'set-location': (draft, update) => draft.setLocation(update.location),
  'set-properties': (draft, update) => draft.setProperties(update.updates),
  'remove-properties': (draft, update) => draft.removeProperties(update.removals),
  'set-statistics': (draft, update) => draft.setStatistics(update.statistics),
  'remove-statistics': (draft, update) => draft.removeStatistics(update.snapshotId),
  'set-partition-statistics': (draft, update) => draft.setPartitionStatistics(update.partitionStatistics),
  'remove-partition-statistics': (draft, update) => draft.removePartitionStatistics(update.snapshotId),
  'remove-partition-specs': (draft, update) => draft.removePartitionSpecs(update.specIds),
  'remove-schemas': (draft, update) => draft.removeSchemas(update.schemaIds),
};

function applyUpdate<A extends TableUpdateAction>(draft: TableMetadataDraft, update: UpdateOf<A>): void {
  const action = update.action as A;
  if (!Object.hasOwn(handlers, action)) {
    throw new IcebergError('INVALID_ARGUMENT', `unknown update ${String(action)}`, { context: { action } });
  }
  handlers[action](draft, update);
}
