import { IcebergError } from '../errors.ts';
import type { PrimitiveValue } from '../metadata/primitive-value.ts';
import type { PrimitiveType } from '../metadata/schema.ts';
import { unitsPerDay } from '../metadata/single-value.ts';

/**
 * A partition value in the type that its column is read with. Manifests give it in the type of the schema they are
 * read with; whoever describes a file may still give the one of before the column was widened (a date as days, though
 * it is a timestamp by now), and a reader of an older snapshot may want the type of then.
 *
 * @throws IcebergError `INVALID_ARGUMENT` for a timestamp where a date is wanted: whether it counts microseconds or
 *   nanoseconds is not known here; read the manifest with the schema of then
 */
export function partitionValueAs(type: PrimitiveType, value: PrimitiveValue): PrimitiveValue {
  if (typeof value === 'number') {
    if (type === 'long') return BigInt(value);
    return type === 'timestamp' || type === 'timestamp_ns' ? BigInt(value) * unitsPerDay(type) : value;
  }
  if (typeof value !== 'bigint') return value;
  if (type === 'date') {
    throw new IcebergError(
      'INVALID_ARGUMENT',
      `the partition value ${value} is a timestamp, and the schema has a date: plan the file with the schema it is read with`,
      { context: { type, value } },
    );
  }
  return type === 'int' ? Number(value) : value;
}
