import { ParquetWriterError } from './errors.ts';
import type { ColumnPlan } from './schema.ts';

/**
 * What the manifest learns about a column (Iceberg table property `write.metadata.metrics.*`):
 * `none` its size only · `counts` also values, nulls and NaNs · `truncate(N)` also bounds, strings cut
 * to N code points and binary to N bytes, the upper one rounded up · `full` exact bounds.
 *
 * It also decides the file's own statistics: `none` and `counts` columns have none (no min/max in the
 * footer, no column index); the others have them per row group and per page.
 */
export type MetricsMode = 'none' | 'counts' | 'full' | `truncate(${number})`;

/** Per-column {@link MetricsMode}. */
export interface MetricsConfig {
  /** For columns not named. Default `truncate(16)`, the Iceberg default. */
  readonly default?: MetricsMode;
  readonly columns?: Readonly<Record<string, MetricsMode>>;
}

/** A parsed mode. `length` is only meaningful for `truncate`. */
export interface ResolvedMode {
  readonly kind: 'none' | 'counts' | 'truncate' | 'full';
  readonly length: number;
}

/**
 * One mode per column, in column order. Maps never have bounds: theirs are at most `counts`.
 *
 * @throws ParquetWriterError `INVALID_OPTIONS` for an unknown mode or a column that is not in the schema
 */
export function resolveModes(
  plans: readonly ColumnPlan[],
  config: MetricsConfig = {},
): readonly ResolvedMode[] {
  const columns = config.columns ?? {};
  for (const name of Object.keys(columns)) {
    if (!plans.some((plan) => plan.name === name)) {
      throw new ParquetWriterError(
        'INVALID_OPTIONS',
        `metrics name a column "${name}" that is not in the schema`,
        {
          context: { column: name },
        },
      );
    }
  }
  const fallback = parseMode(config.default ?? 'truncate(16)', 'default');
  return plans.map((plan) => {
    const own = Object.hasOwn(columns, plan.name) ? columns[plan.name] : undefined;
    const mode = own === undefined ? fallback : parseMode(own, plan.name);
    return plan.layout === 'map' && mode.kind !== 'none' ? { kind: 'counts', length: 0 } : mode;
  });
}

/** Whether the mode keeps bounds, and with them the file's own min/max. */
export function hasBounds(mode: ResolvedMode): boolean {
  return mode.kind === 'truncate' || mode.kind === 'full';
}

function parseMode(mode: unknown, column: string): ResolvedMode {
  if (mode === 'none' || mode === 'counts' || mode === 'full') return { kind: mode, length: 0 };
  const match = typeof mode === 'string' ? /^truncate\((\d{1,9})\)$/.exec(mode) : null;
  const length = match === null ? 0 : Number(match[1]);
  if (length >= 1) return { kind: 'truncate', length };
  throw new ParquetWriterError(
    'INVALID_OPTIONS',
    `metrics mode ${JSON.stringify(mode)} of "${column}" is unknown`,
    {
      context: { column },
    },
  );
}
