import {
  type AvroRecord,
  type AvroType,
  array,
  field,
  keyValueArray,
  optional,
  primitive,
  record,
} from '../avro/avro-type.ts';
import { IcebergError } from '../errors.ts';
import type { PartitionSpec } from '../metadata/partition-spec.ts';
import type { PrimitiveType } from '../metadata/schema.ts';
import { decimalParameters, fixedLength } from '../metadata/type-parameters.ts';

const int = primitive('int');
const long = primitive('long');
const string = primitive('string');
const bytes = primitive('bytes');
const boolean = primitive('boolean');

/**
 * The record of a manifest list, format v2. Names, ids and order are the spec's:
 * https://iceberg.apache.org/spec/#manifest-lists
 */
export const manifestFileType: AvroRecord = record('manifest_file', [
  field(500, 'manifest_path', string),
  field(501, 'manifest_length', long),
  field(502, 'partition_spec_id', int),
  field(517, 'content', int),
  field(515, 'sequence_number', long),
  field(516, 'min_sequence_number', long),
  field(503, 'added_snapshot_id', long),
  field(504, 'added_files_count', int),
  field(505, 'existing_files_count', int),
  field(506, 'deleted_files_count', int),
  field(512, 'added_rows_count', long),
  field(513, 'existing_rows_count', long),
  field(514, 'deleted_rows_count', long),
  field(
    507,
    'partitions',
    optional(
      array(
        508,
        record('r508', [
          field(509, 'contains_null', boolean),
          field(518, 'contains_nan', optional(boolean)),
          field(510, 'lower_bound', optional(bytes)),
          field(511, 'upper_bound', optional(bytes)),
        ]),
      ),
    ),
  ),
  field(519, 'key_metadata', optional(bytes)),
]);

/**
 * The record of a manifest, format v2, for files of one partition spec:
 * https://iceberg.apache.org/spec/#manifests
 */
export function manifestEntryType(spec: PartitionSpec, types: readonly PrimitiveType[]): AvroRecord {
  return record('manifest_entry', [
    field(0, 'status', int),
    field(1, 'snapshot_id', optional(long)),
    field(3, 'sequence_number', optional(long)),
    field(4, 'file_sequence_number', optional(long)),
    field(2, 'data_file', dataFileType(spec, types)),
  ]);
}

function dataFileType(spec: PartitionSpec, types: readonly PrimitiveType[]): AvroRecord {
  return record('r2', [
    field(134, 'content', int),
    field(100, 'file_path', string),
    field(101, 'file_format', string),
    field(102, 'partition', partitionType(spec, types)),
    field(103, 'record_count', long),
    field(104, 'file_size_in_bytes', long),
    field(108, 'column_sizes', optional(keyValueArray(117, int, 118, long))),
    field(109, 'value_counts', optional(keyValueArray(119, int, 120, long))),
    field(110, 'null_value_counts', optional(keyValueArray(121, int, 122, long))),
    field(137, 'nan_value_counts', optional(keyValueArray(138, int, 139, long))),
    field(125, 'lower_bounds', optional(keyValueArray(126, int, 127, bytes))),
    field(128, 'upper_bounds', optional(keyValueArray(129, int, 130, bytes))),
    field(131, 'key_metadata', optional(bytes)),
    field(132, 'split_offsets', optional(array(133, long))),
    field(135, 'equality_ids', optional(array(136, int))),
    field(140, 'sort_order_id', optional(int)),
    field(143, 'referenced_data_file', optional(string)),
  ]);
}

function partitionType(spec: PartitionSpec, types: readonly PrimitiveType[]): AvroRecord {
  const named = new Set<string>();
  return record(
    'r102',
    spec.fields.map(({ fieldId, name }, index) => {
      const type = withOwnName(avroTypeOf(types[index]!), fieldId, named);
      return field(fieldId, avroName(name), optional(type));
    }),
  );
}

/**
 * Avro refers to a fixed type by its name when it comes a second time, which PyIceberg does not understand; a
 * name of its own for each of them is as good, and every reader does.
 */
function withOwnName(type: AvroType, fieldId: number, named: Set<string>): AvroType {
  if (type.kind !== 'fixed') return type;
  const name = named.has(type.name) ? `${type.name}_${fieldId}` : type.name;
  named.add(name);
  return { ...type, name };
}

/** The Avro form of a primitive type: https://iceberg.apache.org/spec/#avro */
export function avroTypeOf(type: PrimitiveType): AvroType {
  switch (type) {
    case 'boolean':
    case 'int':
    case 'long':
    case 'float':
    case 'double':
    case 'string':
      return primitive(type);
    case 'binary':
      return bytes;
    case 'date':
      return primitive('int', { logicalType: 'date' });
    case 'time':
      return primitive('long', { logicalType: 'time-micros' });
    case 'timestamp':
      return primitive('long', { logicalType: 'timestamp-micros', 'adjust-to-utc': false });
    case 'timestamptz':
      return primitive('long', { logicalType: 'timestamp-micros', 'adjust-to-utc': true });
    case 'uuid':
      return { kind: 'fixed', name: 'uuid_fixed', size: 16, attributes: { logicalType: 'uuid' } };
    default: {
      const length = fixedLength(type);
      if (length !== undefined) return { kind: 'fixed', name: `fixed_${length}`, size: length };
      const decimal = decimalParameters(type);
      if (decimal !== undefined) {
        const { precision, scale } = decimal;
        return {
          kind: 'fixed',
          name: `decimal_${precision}_${scale}`,
          size: decimalBytes(precision),
          attributes: { logicalType: 'decimal', precision, scale },
        };
      }
      throw new IcebergError('UNSUPPORTED_FEATURE', `a partition value of type ${type} cannot be written`, {
        context: { type },
      });
    }
  }
}

/** The fewest bytes whose two's complement holds every unscaled value of that precision. */
export function decimalBytes(precision: number): number {
  const largest = 10n ** BigInt(precision) - 1n;
  let size = 1;
  while (largest >= 1n << BigInt(8 * size - 1)) size += 1;
  return size;
}

/** A name as Avro allows it, made as Iceberg Java does; readers go by field id. */
export function avroName(name: string): string {
  return [...name]
    .map((character, index) => {
      if (/[A-Za-z_]/.test(character)) return character;
      if (/[0-9]/.test(character)) return index === 0 ? `_${character}` : character;
      return `_x${character.codePointAt(0)!.toString(16).toUpperCase()}`;
    })
    .join('');
}
