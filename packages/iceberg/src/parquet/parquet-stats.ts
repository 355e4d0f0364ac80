import { isUtf8 } from 'node:buffer';
import type { ValueStats } from '../expression/expression-stats.ts';
import type { PrimitiveValue } from '../metadata/primitive-value.ts';
import type { PrimitiveType } from '../metadata/schema.ts';
import { ByteSlices, decodeValues, type PhysicalValues } from './parquet-values.ts';
import type { PlannedLeaf } from './planned-leaf.ts';

/** What a footer or a page index says of some values of a column. */
export interface StoredStatistics {
  readonly min?: Uint8Array;
  readonly max?: Uint8Array;
  readonly nullCount?: number;
  /** Values with nulls, if known. */
  readonly valueCount?: number;
  readonly allNull?: boolean;
}

/**
 * Turns stored statistics into knowledge for pruning, in the table's type. Bounds that cannot be trusted or
 * decoded are left out: NaN, cut text, wrong lengths.
 */
export function storedStats(type: PrimitiveType, leaf: PlannedLeaf, stored: StoredStatistics): ValueStats {
  const { nullCount, valueCount, allNull } = stored;
  const onlyNulls =
    allNull === true || (nullCount !== undefined && nullCount === valueCount && nullCount > 0);
  const floating = type === 'float' || type === 'double';
  const lower = bound(type, leaf, stored.min, 'lower');
  const upper = bound(type, leaf, stored.max, 'upper');
  // Some writers let a NaN into one bound; the other is then no bound either.
  const sane = !Number.isNaN(lower) && !Number.isNaN(upper);
  return {
    ...(sane && lower !== undefined ? { lower } : {}),
    ...(sane && upper !== undefined ? { upper } : {}),
    canBeNull: onlyNulls || (leaf.node.definitionLevel > 0 && nullCount !== 0),
    canBeNaN: floating && !onlyNulls,
    canBeValue: !onlyNulls,
  };
}

function bound(
  type: PrimitiveType,
  leaf: PlannedLeaf,
  bytes: Uint8Array | undefined,
  side: 'lower' | 'upper',
): PrimitiveValue | undefined {
  if (bytes === undefined) return undefined;
  try {
    const whole = type === 'string' ? wholeCharacters(bytes, side) : bytes;
    return whole && leaf.convert(physicalValue(leaf, whole))[0];
  } catch {
    // A bound only ever saves work: without it the rows are read.
    return undefined;
  }
}

/** A bound as one stored value: as in a plain page, but byte strings without a length before them. */
function physicalValue({ node }: PlannedLeaf, bytes: Uint8Array): PhysicalValues {
  const leaf = node.leaf as NonNullable<typeof node.leaf>;
  if (leaf.physicalType === 'BYTE_ARRAY') return { kind: 'bytes', values: single(bytes) };
  if (leaf.physicalType !== 'FIXED_LEN_BYTE_ARRAY') return decodeValues(leaf, 0, bytes, 1);
  if (bytes.length !== leaf.typeLength) throw new Error('a cut bound');
  return { kind: 'bytes', values: single(bytes) };
}

function single(bytes: Uint8Array): ByteSlices {
  return new ByteSlices(bytes, Uint32Array.of(0), Uint32Array.of(bytes.length));
}

/**
 * Writers may cut long text in the middle of a character. What is left of a lower bound without the broken
 * character is still below every value; an upper bound is lost.
 */
function wholeCharacters(bytes: Uint8Array, side: 'lower' | 'upper'): Uint8Array | undefined {
  if (isUtf8(bytes)) return bytes;
  if (side === 'upper') return undefined;
  for (let cut = 1; cut <= 3 && cut <= bytes.length; cut += 1) {
    const shorter = bytes.subarray(0, bytes.length - cut);
    if (isUtf8(shorter)) return shorter;
  }
  return undefined;
}
