import { compareBounds, type LeafMetrics, measureColumn } from './column-metrics.ts';
import type { FlatColumn } from './flat-column.ts';
import type { RowGroupFacts } from './footer-check.ts';
import { hasBounds, type ResolvedMode } from './metrics-mode.ts';
import type { ColumnPlan } from './schema.ts';
import {
  type BoundValue,
  encodeSingleValue,
  truncateBinaryLower,
  truncateBinaryUpper,
  truncateStringLower,
  truncateStringUpper,
} from './single-value.ts';
import type { WireFile } from './worker-protocol.ts';

type Bounds = Pick<WireFile, 'lowerBounds' | 'upperBounds'>;
type Counts = Pick<WireFile, 'valueCounts' | 'nullValueCounts' | 'nanValueCounts'>;

/** Measures row groups as they are written and sums them up into a manifest's metrics. */
export class FileMetrics {
  readonly #plans: readonly ColumnPlan[];
  readonly #modes: readonly ResolvedMode[];
  readonly #rowGroups: RowGroupFacts[] = [];

  constructor(plans: readonly ColumnPlan[], modes: readonly ResolvedMode[]) {
    this.#plans = plans;
    this.#modes = modes;
  }

  /** What was written so far, for the comparison with the footer. */
  get rowGroups(): readonly RowGroupFacts[] {
    return this.#rowGroups;
  }

  addRowGroup(columns: readonly FlatColumn[], rowCount: number): void {
    const leaves = this.#plans.flatMap((plan, index) =>
      measureColumn(plan, columns[index] as FlatColumn, hasBounds(this.#modes[index] as ResolvedMode)),
    );
    this.#rowGroups.push({ rowCount, leaves });
  }

  /** The totals. Columns in mode `none` are in none of the maps. */
  total(): Counts & Bounds {
    const valueCounts = new Map<number, number>();
    const nullValueCounts = new Map<number, number>();
    const nanValueCounts = new Map<number, number>();
    const lowerBounds = new Map<number, Uint8Array>();
    const upperBounds = new Map<number, Uint8Array>();
    let leaf = 0;
    this.#plans.forEach((plan, index) => {
      const mode = this.#modes[index] as ResolvedMode;
      const ids = plan.map === undefined ? [plan.id] : [plan.map.keyId, plan.map.valueId];
      for (const id of ids) {
        const parts = this.#rowGroups.map((group) => group.leaves[leaf] as LeafMetrics);
        leaf += 1;
        if (mode.kind === 'none') continue;
        valueCounts.set(
          id,
          sum(parts, (part) => part.valueCount),
        );
        nullValueCounts.set(
          id,
          sum(parts, (part) => part.nullCount),
        );
        if (plan.layout === 'float32' || plan.layout === 'float64') {
          nanValueCounts.set(
            id,
            sum(parts, (part) => part.nanCount ?? 0),
          );
        }
        if (!hasBounds(mode)) continue;
        const lower = extreme(parts, (part) => part.lower, -1);
        const upper = extreme(parts, (part) => part.upper, 1);
        if (lower !== undefined) lowerBounds.set(id, encodeSingleValue(plan, cutLower(plan, mode, lower)));
        const cut = upper === undefined ? undefined : cutUpper(plan, mode, upper);
        if (cut !== undefined) upperBounds.set(id, encodeSingleValue(plan, cut));
      }
    });
    return { valueCounts, nullValueCounts, nanValueCounts, lowerBounds, upperBounds };
  }
}

function sum(parts: readonly LeafMetrics[], value: (part: LeafMetrics) => number): number {
  return parts.reduce((total, part) => total + value(part), 0);
}

function extreme(
  parts: readonly LeafMetrics[],
  value: (part: LeafMetrics) => BoundValue | undefined,
  sign: -1 | 1,
): BoundValue | undefined {
  let best: BoundValue | undefined;
  for (const part of parts) {
    const candidate = value(part);
    if (candidate !== undefined && (best === undefined || compareBounds(candidate, best) * sign > 0))
      best = candidate;
  }
  return best;
}

function cutLower(plan: ColumnPlan, mode: ResolvedMode, bound: BoundValue): BoundValue {
  if (mode.kind !== 'truncate' || !(bound instanceof Uint8Array)) return bound;
  if (plan.layout === 'utf8') return truncateStringLower(bound, mode.length);
  return plan.layout === 'bytes' ? truncateBinaryLower(bound, mode.length) : bound;
}

function cutUpper(plan: ColumnPlan, mode: ResolvedMode, bound: BoundValue): BoundValue | undefined {
  if (mode.kind !== 'truncate' || !(bound instanceof Uint8Array)) return bound;
  if (plan.layout === 'utf8') return truncateStringUpper(bound, mode.length);
  return plan.layout === 'bytes' ? truncateBinaryUpper(bound, mode.length) : bound;
}
