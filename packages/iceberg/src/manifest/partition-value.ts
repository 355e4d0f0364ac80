import type { PrimitiveType } from '../metadata/schema.ts';
import type { PrimitiveValue } from './data-file.ts';

/**
 * A partition value in the type that its column is read with. Manifests give it in the column's present type; whoever
 * describes a file may still give the one of before it was widened, and a scan of an older snapshot wants the type of
 * then.
 */
export function partitionValueAs(type: PrimitiveType, value: PrimitiveValue): PrimitiveValue {
  if (type === 'long' && typeof value === 'number') return BigInt(value);
  return type === 'int' && typeof value === 'bigint' ? Number(value) : value;
}
