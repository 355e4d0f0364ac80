import { isPrimitiveType, type PrimitiveType, type Type } from '../metadata/schema.ts';
import { decimalParameters } from '../metadata/type-parameters.ts';

/**
 * Whether a column of format v2 may be given another type: `int` to `long`, `float` to `double`, a decimal to one of
 * more digits and the same scale. All keep every value, and the value that each partition transform makes of it.
 * Spec: https://iceberg.apache.org/spec/#schema-evolution
 */
export function isPromotionAllowed(from: Type, to: PrimitiveType): boolean {
  if (!isPrimitiveType(from)) return false;
  if (from === 'int') return to === 'long';
  if (from === 'float') return to === 'double';
  const [narrow, wide] = [decimalParameters(from), decimalParameters(to)];
  return (
    narrow !== undefined &&
    wide !== undefined &&
    narrow.scale === wide.scale &&
    narrow.precision < wide.precision
  );
}
