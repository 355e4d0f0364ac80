import type { TableMetadata } from '../metadata/table-metadata.ts';
import type { OptionKeys } from '../options.ts';

type Properties = TableMetadata['properties'];

/** How often and how long a commit is tried: `commit.retry.*` and `commit.status-check.*`, with Java's defaults. */
export interface CommitRetrySettings {
  /** Attempts after the first one. Default 4. */
  readonly numRetries: number;
  /** Default 100. */
  readonly minWaitMs: number;
  /** Default 60,000. */
  readonly maxWaitMs: number;
  /** No new attempt after this. Default 1,800,000 (30 minutes). */
  readonly totalTimeoutMs: number;
}

export const retryKeys: OptionKeys<CommitRetrySettings> = {
  numRetries: true,
  minWaitMs: true,
  maxWaitMs: true,
  totalTimeoutMs: true,
};

/** The table's own settings for retries after a conflict. */
export function commitRetrySettings({ properties }: Pick<TableMetadata, 'properties'>): CommitRetrySettings {
  return retrySettings(properties, 'commit.retry', { numRetries: 4, minWaitMs: 100 });
}

/** The table's own settings for looking up a commit whose outcome is unknown. */
export function statusCheckSettings({ properties }: Pick<TableMetadata, 'properties'>): CommitRetrySettings {
  return retrySettings(properties, 'commit.status-check', { numRetries: 3, minWaitMs: 1000 });
}

/** Settings with those of the caller's that are numbers in their place: without a bound retries would not end. */
export function overridden(
  settings: CommitRetrySettings,
  own: Partial<CommitRetrySettings> = {},
): CommitRetrySettings {
  return {
    ...settings,
    ...Object.fromEntries(Object.entries(own).filter(([, value]) => value >= 0)),
  };
}

/** `commit.manifest.target-size-bytes`, default 8 MiB. */
export function manifestTargetSizeBytes({ properties }: Pick<TableMetadata, 'properties'>): number {
  return count(properties, 'commit.manifest.target-size-bytes', 8 * 2 ** 20, 1);
}

/** `commit.manifest.min-count-to-merge`, default 100. */
export function manifestMinCountToMerge({ properties }: Pick<TableMetadata, 'properties'>): number {
  return count(properties, 'commit.manifest.min-count-to-merge', 100, 1);
}

/** `commit.manifest-merge.enabled`, default true. */
export function isManifestMergeEnabled({ properties }: Pick<TableMetadata, 'properties'>): boolean {
  return properties['commit.manifest-merge.enabled']?.toLowerCase() !== 'false';
}

function retrySettings(
  properties: Properties,
  prefix: string,
  defaults: Pick<CommitRetrySettings, 'numRetries' | 'minWaitMs'>,
): CommitRetrySettings {
  return {
    numRetries: count(properties, `${prefix}.num-retries`, defaults.numRetries, 0),
    minWaitMs: count(properties, `${prefix}.min-wait-ms`, defaults.minWaitMs, 0),
    maxWaitMs: count(properties, `${prefix}.max-wait-ms`, 60_000, 0),
    totalTimeoutMs: count(properties, `${prefix}.total-timeout-ms`, 1_800_000, 0),
  };
}

/** A property that another writer may have set to anything: what is no such number counts as absent. */
function count(properties: Properties, key: string, fallback: number, least: number): number {
  const value = properties[key];
  const parsed = value === undefined || !/^\d{1,15}$/.test(value) ? fallback : Number(value);
  return Math.max(least, parsed);
}
