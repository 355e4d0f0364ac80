import type { AvroValue } from '../avro/avro-encoder.ts';
import type { AvroType } from '../avro/avro-type.ts';
import { bytesToBigint } from '../metadata/bigint-bytes.ts';
import type { PrimitiveType } from '../metadata/schema.ts';
import { decimalParameters } from '../metadata/type-parameters.ts';
import { formatUuid, parseUuid } from '../metadata/uuid.ts';
import type { PartitionValue } from './data-file.ts';
import { decimalBytes } from './manifest-schema.ts';

/** A partition value in the Avro form of its type. The value has been checked against the type. */
export function partitionValueToAvro(type: PrimitiveType, value: PartitionValue): AvroValue {
  if (value === null) return null;
  if (type === 'uuid') return parseUuid(value as string);
  const decimal = decimalParameters(type);
  return decimal === undefined ? value : bigintToBytes(value as bigint, decimalBytes(decimal.precision));
}

/**
 * A partition value from its Avro form. The file's own type says how the bytes are to be read; `type`, where
 * known, what the table makes of them today (an int column may have become long since).
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
  if (typeof value === 'number' && isBigintType(type, written?.kind)) return BigInt(value);
  return value as PartitionValue;
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
