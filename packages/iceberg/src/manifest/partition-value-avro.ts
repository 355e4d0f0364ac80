import type { AvroValue } from '../avro/avro-encoder.ts';
import type { AvroType } from '../avro/avro-type.ts';
import { bytesToBigint } from '../metadata/bigint-bytes.ts';
import { floorDivide } from '../metadata/calendar.ts';
import type { PrimitiveType } from '../metadata/schema.ts';
import { type DayTimestamp, unitsPerDay } from '../metadata/single-value.ts';
import { decimalParameters } from '../metadata/type-parameters.ts';
import { formatUuid, parseUuid } from '../metadata/uuid.ts';
import type { PartitionValue } from './data-file.ts';
import { decimalBytes } from './manifest-schema.ts';
import { partitionValueAs } from './partition-value.ts';

/** A partition value in the Avro form of its type. The value has been checked against the type. */
export function partitionValueToAvro(type: PrimitiveType, value: PartitionValue): AvroValue {
  if (value === null) return null;
  if (type === 'uuid') return parseUuid(value as string);
  const decimal = decimalParameters(type);
  return decimal === undefined ? value : bigintToBytes(value as bigint, decimalBytes(decimal.precision));
}

/**
 * A partition value from its Avro form. The file's own type says how the bytes are to be read; `type`, where
 * known, what the reader's schema makes of them (an int column may have become long since, a date a timestamp; or
 * the reader looks back to before that).
 */
export function partitionValueFromAvro(
  avroType: AvroType,
  value: AvroValue,
  type: PrimitiveType | undefined,
): PartitionValue {
  if (value === null) return null;
  const written = avroType.kind === 'union' ? avroType.branches.find((b) => b.kind !== 'null') : avroType;
  const logicalType =
    written !== undefined && 'attributes' in written ? written.attributes?.logicalType : undefined;
  if (value instanceof Uint8Array) {
    if (logicalType === 'decimal' || type?.startsWith('decimal')) return bytesToBigint(value);
    if (logicalType === 'uuid' || type === 'uuid') return formatUuid(value);
    return value;
  }
  if (typeof value === 'number' || typeof value === 'bigint') {
    // Only the file tells in what unit the timestamp of a former date counts.
    if (type === 'date' && written?.kind === 'long') {
      const unit = logicalType === 'timestamp-nanos' ? 'timestamp_ns' : 'timestamp';
      return Number(floorDivide(BigInt(value), unitsPerDay(unit)));
    }
    if (isDayTimestamp(type) && written?.kind === 'int') return partitionValueAs(type, value);
    if (isBigintType(type, written?.kind)) return BigInt(value);
  }
  return value as PartitionValue;
}

function isDayTimestamp(type: PrimitiveType | undefined): type is DayTimestamp {
  return type === 'timestamp' || type === 'timestamp_ns';
}

function isBigintType(type: PrimitiveType | undefined, written: AvroType['kind'] | undefined): boolean {
  if (type === undefined) return written === 'long';
  return type === 'long' || type.startsWith('time');
}

function bigintToBytes(value: bigint, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let rest = value;
  for (let i = size - 1; i >= 0; i -= 1) {
    bytes[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
}
