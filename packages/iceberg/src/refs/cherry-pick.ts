import type { TableUpdate } from '../catalog/table-update.ts';
import type { DataFile } from '../manifest/data-file.ts';
import { readSnapshotManifests } from '../manifest/manifest-list-reader.ts';
import { readManifest } from '../manifest/manifest-reader.ts';
import { mainBranch, type Snapshot } from '../metadata/snapshot.ts';
import {
  ancestorsOf,
  currentSnapshot,
  snapshotById,
  type TableMetadata,
} from '../metadata/table-metadata.ts';
import { mergeAppend } from '../transaction/merge-append.ts';
import type { OperationContext, OperationPlan, TableOperation } from '../transaction/table-operation.ts';
import { checkState, type RefProblem, targetProblem } from './ref-checks.ts';
import { refPlan, setRef } from './ref-update.ts';

/**
 * Publishes a staged snapshot (write-audit-publish) on `main`, as Iceberg Java's `cherrypick` does: when its parent is
 * the head of `main`, `main` moves to it; else what it appended is appended again, in a new snapshot whose summary
 * names it (`source-snapshot-id`) and its `wap.id` (`published-wap-id`). Nothing is published twice: not what `main`
 * holds already, not what was picked from the same snapshot, not what was published under the same `wap.id`.
 *
 * Only appends can be picked when `main` has moved on; Java also picks overwrites of whole partitions.
 *
 * Errors: `SNAPSHOT_NOT_FOUND`; `INVALID_ARGUMENT` for what was published before and for what is neither an append nor
 * next to `main`, `COMMIT_CONFLICT` when others made it so; `UNSUPPORTED_FEATURE` for an overwrite of partitions. If
 * the staged snapshot is expired between planning and committing the commit is refused with `INVALID_ARGUMENT`: its
 * files are gone, or going.
 */
export function cherryPick(snapshotId: bigint): TableOperation {
  return {
    name: 'cherryPick',
    async plan(context) {
      checkState(context, (metadata) => targetProblem(metadata, snapshotId));
      checkState(context, (metadata) => publishedProblem(metadata, snapshotId));
      const { metadata } = context;
      const picked = snapshotById(metadata, snapshotId)!;
      if (isNext(metadata, picked)) {
        const main = { type: 'branch' as const, ...metadata.refs[mainBranch], snapshotId };
        return refPlan(context, [setRef(mainBranch, main)], [mainBranch]);
      }
      checkState(context, (state) => kindProblem(state, snapshotId));
      return appendAgain(context, picked);
    },
  };
}

async function appendAgain(context: OperationContext, picked: Snapshot): Promise<OperationPlan> {
  const wapId = picked.summary['wap.id'];
  const append = mergeAppend({
    dataFiles: await addedFiles(context, picked),
    summary: {
      'source-snapshot-id': String(picked.snapshotId),
      ...(wapId && { 'published-wap-id': wapId }),
    },
  });
  const plan = await append.plan(context);
  return { ...plan, updates: [...holdSnapshot(picked.snapshotId), ...plan.updates] };
}

/**
 * Updates that change nothing, and fail the commit if the snapshot is not in the table any more. Without them an expiry
 * could delete the picked files between planning and committing: it need not move `main`, so no assertion notices.
 */
function holdSnapshot(snapshotId: bigint): readonly TableUpdate[] {
  const refName = `cherry-pick-${snapshotId}`;
  return [
    { action: 'set-snapshot-ref', refName, type: 'tag', snapshotId },
    { action: 'remove-snapshot-ref', refName },
  ];
}

/** The data files that a snapshot added. */
async function addedFiles(
  { io, metadata }: OperationContext,
  picked: Snapshot,
): Promise<readonly DataFile[]> {
  const files: DataFile[] = [];
  for (const manifest of await readSnapshotManifests(io, picked)) {
    if (manifest.addedSnapshotId !== picked.snapshotId) continue;
    for (const { status, snapshotId, dataFile } of await readManifest(io, metadata, manifest)) {
      if (status === 'added' && snapshotId === picked.snapshotId) files.push(dataFile);
    }
  }
  return files;
}

/** Whether `main` only has to move. */
function isNext(metadata: TableMetadata, picked: Snapshot): boolean {
  return picked.parentSnapshotId === metadata.currentSnapshotId;
}

/** Something that shows that `main` holds the changes of a snapshot already. */
function publishedProblem(metadata: TableMetadata, snapshotId: bigint): RefProblem | undefined {
  const picked = snapshotById(metadata, snapshotId);
  const head = currentSnapshot(metadata);
  if (picked === undefined || head === undefined) return undefined;
  const wapId = picked.summary['wap.id'];
  for (const { snapshotId: id, summary } of ancestorsOf(metadata, head.snapshotId)) {
    const isSame = id === snapshotId || summary['source-snapshot-id'] === String(snapshotId);
    if (!isSame && (!wapId || (summary['wap.id'] !== wapId && summary['published-wap-id'] !== wapId)))
      continue;
    const what = isSame ? `snapshot ${snapshotId}` : `wap.id ${wapId}`;
    return {
      message: `${what} was published already, by snapshot ${id} of main`,
      context: { snapshotId, by: id },
    };
  }
  return undefined;
}

function kindProblem(metadata: TableMetadata, snapshotId: bigint): RefProblem | undefined {
  const picked = snapshotById(metadata, snapshotId);
  if (picked === undefined || isNext(metadata, picked)) return undefined;
  const { operation } = picked.summary;
  if (operation === 'append') return undefined;
  const context = { snapshotId, operation };
  if (operation === 'overwrite' && picked.summary['replace-partitions'] === 'true') {
    const message = `snapshot ${snapshotId} replaced partitions: this release picks appends only`;
    return { message, context, code: 'UNSUPPORTED_FEATURE' };
  }
  return {
    message: `cannot pick snapshot ${snapshotId}: it is an ${operation}, and its parent is not the head of main`,
    context,
  };
}
