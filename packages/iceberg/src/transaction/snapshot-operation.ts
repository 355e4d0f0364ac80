import type { TableUpdate } from '../catalog/table-update.ts';
import { IcebergError } from '../errors.ts';
import type { ManifestContent, ManifestFile } from '../manifest/data-file.ts';
import { hasLiveFiles, withCounts } from '../manifest/manifest-counts.ts';
import { ManifestList } from '../manifest/manifest-list.ts';
import { readManifestList, readSnapshotManifests } from '../manifest/manifest-list-reader.ts';
import {
  encodeManifests,
  manifestCodec,
  type NewManifestEntry,
  withSequenceNumber,
} from '../manifest/manifest-writer.ts';
import { type SnapshotCounts, snapshotTotals } from '../manifest/snapshot-summary.ts';
import { metadataFolder } from '../metadata/metadata-file.ts';
import { mainBranch, type Snapshot, type SnapshotOperation, type SnapshotRef } from '../metadata/snapshot.ts';
import { generateSnapshotId } from '../metadata/snapshot-id.ts';
import { partitionSpecById, refByName, type TableMetadata } from '../metadata/table-metadata.ts';
import { writableFormatVersion } from '../metadata/table-metadata-json.ts';
import { branchHead } from './branch-history.ts';
import { assertRef } from './requirements.ts';
import { checkSnapshotOptions, type SnapshotOptions } from './snapshot-options.ts';
import type { OperationContext, OperationPlan, TableOperation } from './table-operation.ts';
import { manifestTargetSizeBytes } from './table-properties.ts';

/** What a snapshot is made on. */
export interface SnapshotContext extends OperationContext {
  /** The id of the snapshot to be made. */
  readonly snapshotId: bigint;
  readonly branch: string;
  /** The head of the branch; for a new branch `main`'s. */
  readonly parent: Snapshot | undefined;
  /** The parent's manifests in their order, without those that hold no live file; all have counts. */
  readonly inherited: ManifestList;
  /**
   * Writes manifests of about `targetSizeBytes` each (by default what the table asks for); none for no entries.
   * They serve every attempt of the transaction.
   */
  writeManifests(
    content: ManifestContent,
    specId: number,
    entries: Iterable<NewManifestEntry>,
    targetSizeBytes?: number,
  ): Promise<readonly ManifestFile[]>;
}

/** What a snapshot shall be. */
export interface SnapshotChange {
  readonly operation: SnapshotOperation;
  /** Put before what is carried over. */
  readonly newManifests: readonly ManifestFile[];
  /** What is carried over of the parent's manifests: all of them, or these. */
  readonly carried: ManifestList | readonly ManifestFile[];
  readonly counts: SnapshotCounts;
}

/**
 * An operation that makes a snapshot and moves a branch to it. `change` says what the snapshot holds; it runs once
 * an attempt, and gives undefined when there is nothing to do.
 */
export function snapshotOperation(
  name: string,
  options: SnapshotOptions,
  change: (context: SnapshotContext) => Promise<SnapshotChange | undefined>,
): TableOperation {
  return {
    name,
    async plan(context) {
      checkWritable(context.metadata);
      checkSnapshotOptions(options, context.metadata);
      const inner = await snapshotContext(context, options);
      const planned = await change(inner);
      if (planned === undefined) return { updates: [] };
      const held = holdSpecs(inner, planned);
      const { snapshot, usedFiles } = await writeSnapshot(inner, options, planned);
      const plan = snapshotPlan(inner.branch, options.tags ?? [], snapshot, context.metadata);
      return {
        updates: [...held.updates, ...plan.updates],
        requirements: [...held.requirements, ...plan.requirements],
        usedFiles,
      };
    },
  };
}

async function snapshotContext(
  context: OperationContext,
  options: SnapshotOptions,
): Promise<SnapshotContext> {
  const { metadata } = context;
  const branch = options.branch ?? mainBranch;
  const parent = branchHead(metadata, branch);
  const snapshotId = options.snapshotId ?? context.once('snapshotId', () => generateSnapshotId(metadata));
  return {
    ...context,
    snapshotId,
    branch,
    parent,
    inherited: await inheritedManifests(context, parent),
    async writeManifests(content, specId, entries, targetSizeBytes = manifestTargetSizeBytes(metadata)) {
      const spec = partitionSpecById(metadata, specId);
      const input = { metadata, spec, content, snapshotId, entries };
      const written: ManifestFile[] = [];
      for (const { bytes, manifest } of encodeManifests(
        input,
        context.newManifestLocation,
        targetSizeBytes,
      )) {
        await context.writeFile(manifest.manifestPath, bytes);
        written.push(manifest);
      }
      return written;
    },
  };
}

async function inheritedManifests(
  { io, metadata, manifestListCache }: OperationContext,
  parent: Snapshot | undefined,
): Promise<ManifestList> {
  if (parent === undefined) return ManifestList.of([]);
  if (parent.manifests === undefined) {
    const list = await readManifestList(io, parent.manifestList, manifestListCache);
    if (list.canBeCarried) return list;
  }
  const manifests = await readSnapshotManifests(io, parent, manifestListCache);
  const counted: ManifestFile[] = [];
  for (const manifest of manifests) counted.push(await withCounts(io, metadata, manifest));
  return ManifestList.of(counted.filter(hasLiveFiles));
}

async function writeSnapshot(
  context: SnapshotContext,
  options: SnapshotOptions,
  { operation, newManifests, carried, counts }: SnapshotChange,
): Promise<{ readonly snapshot: Snapshot; readonly usedFiles: readonly string[] }> {
  const { metadata, snapshotId, parent, inherited } = context;
  const sequenceNumber = metadata.lastSequenceNumber + 1n;
  const codec = manifestCodec(metadata);
  const numbered = (manifests: readonly ManifestFile[]): ManifestFile[] =>
    manifests.map((manifest) => withSequenceNumber(manifest, sequenceNumber));
  const kept = carried instanceof ManifestList ? carried : ManifestList.of(numbered(carried), codec);
  const list = kept.prepend(numbered(newManifests), codec);
  const totals = await snapshotTotals(context.io, metadata, parent, inherited, counts);
  const { attempt, commitUuid } = context;
  const manifestList = `${metadataFolder(metadata)}/snap-${snapshotId}-${attempt}-${commitUuid}.avro`;
  const lineage = parent === undefined ? {} : { parentSnapshotId: parent.snapshotId };
  await context.writeFile(manifestList, list.encode({ snapshotId, sequenceNumber, ...lineage }));
  context.manifestListCache?.set(manifestList, list);
  const snapshot: Snapshot = {
    snapshotId,
    ...lineage,
    sequenceNumber,
    timestampMs: Math.max(Math.floor(options.timestampMs ?? context.nowMs), metadata.lastUpdatedMs),
    manifestList,
    summary: counts.summary(operation, totals, options.summary),
    schemaId: metadata.currentSchemaId,
  };
  // A list that is carried over as a whole holds nothing that this operation wrote.
  const listed = carried instanceof ManifestList ? newManifests : [...newManifests, ...carried];
  return { snapshot, usedFiles: [manifestList, ...listed.map(({ manifestPath }) => manifestPath)] };
}

/**
 * Fails the commit if a partition spec is gone that it brings manifests of, and that no manifest of the parent keeps:
 * an expiry may have removed it (`cleanExpiredMetadata`), and with it the table could not be read. The default spec is
 * never removed; of another one there is no assertion, but it can be made the default for a moment.
 */
function holdSpecs(
  { metadata, base, inherited }: SnapshotContext,
  { newManifests, carried }: SnapshotChange,
): Required<Pick<OperationPlan, 'updates' | 'requirements'>> {
  const manifests = carried instanceof ManifestList ? newManifests : [...newManifests, ...carried];
  const isKept = (specId: number): boolean =>
    inherited.runs.some((run) => run.some(({ partitionSpecId }) => partitionSpecId === specId));
  const specIds = [...new Set(manifests.map(({ partitionSpecId }) => partitionSpecId))];
  const unkept = specIds.filter((specId) => !isKept(specId));
  for (const specId of unkept) {
    if (metadata.partitionSpecs.some((spec) => spec.specId === specId)) continue;
    throw new IcebergError('COMMIT_CONFLICT', `partition spec ${specId} was removed: decide anew`, {
      context: { specId },
    });
  }
  const { defaultSpecId } = metadata;
  const others = unkept.filter((specId) => specId !== defaultSpecId);
  return {
    updates: [...others, ...(others.length === 0 ? [] : [defaultSpecId])].map((specId) => ({
      action: 'set-default-spec',
      specId,
    })),
    requirements:
      unkept.length === 0 ? [] : [{ type: 'assert-default-spec-id', defaultSpecId: base.defaultSpecId }],
  };
}

/** Adds the snapshot and moves the branch and the tags to it; their retention settings stay as they are. */
function snapshotPlan(
  branch: string,
  tags: readonly string[],
  snapshot: Snapshot,
  metadata: TableMetadata,
): Required<Pick<OperationPlan, 'updates' | 'requirements'>> {
  const move = (refName: string, type: SnapshotRef['type']): TableUpdate => {
    const { extra: _, ...ref }: SnapshotRef = {
      type,
      ...refByName(metadata, refName),
      snapshotId: snapshot.snapshotId,
    };
    return { action: 'set-snapshot-ref', refName, ...ref };
  };
  const isNew = refByName(metadata, branch) === undefined;
  return {
    updates: [
      { action: 'add-snapshot', snapshot },
      move(branch, 'branch'),
      ...tags.map((tag) => move(tag, 'tag')),
    ],
    // A new branch begins at the head of main: once main is elsewhere that may be expired, and its files gone.
    requirements: isNew ? [assertRef(metadata, mainBranch)] : [],
  };
}

function checkWritable({ formatVersion, location }: TableMetadata): void {
  if (formatVersion === writableFormatVersion) return;
  throw new IcebergError(
    'UNSUPPORTED_FORMAT_VERSION',
    `cannot add a snapshot to a table of format version ${formatVersion} (this release writes ${writableFormatVersion})`,
    { context: { formatVersion, location } },
  );
}
