import { IcebergError } from '../errors.ts';
import type { AvroValue } from './avro-encoder.ts';
import type { AvroRecord, AvroType } from './avro-type.ts';

/**
 * Finds the fields of an Avro record by Iceberg field id, whatever they are called and wherever they stand.
 * A value of the wrong kind, or a missing required one, is `INVALID_MANIFEST` naming the file and the id.
 */
export class AvroFields {
  readonly #record: AvroRecord;
  readonly #positions = new Map<number, number>();
  readonly #location: string;

  constructor(type: AvroType, location: string) {
    this.#location = location;
    if (type.kind !== 'record') throw invalid(location, `expected records, found ${type.kind}`);
    this.#record = type;
    for (const [index, { fieldId }] of type.fields.entries()) {
      if (fieldId !== undefined) this.#positions.set(fieldId, index);
    }
    if (this.#positions.size === 0 && type.fields.length > 0) {
      throw invalid(location, `record ${type.name} has no field ids`);
    }
  }

  has(fieldId: number): boolean {
    return this.#positions.has(fieldId);
  }

  /** The type of a field, out of its optional union. */
  typeOf(fieldId: number): AvroType | undefined {
    const index = this.#positions.get(fieldId);
    return index === undefined ? undefined : unwrap(this.#record.fields[index]!.type);
  }

  /** The layout of a field that is a record. */
  record(fieldId: number): AvroFields | undefined {
    const type = this.typeOf(fieldId);
    return type === undefined ? undefined : new AvroFields(type, this.#location);
  }

  /** The layout of the items of a field that is an array of records. */
  items(fieldId: number): AvroFields | undefined {
    const type = this.typeOf(fieldId);
    if (type === undefined) return undefined;
    if (type.kind !== 'array') throw invalid(this.#location, `field ${fieldId} is no array`);
    return new AvroFields(unwrap(type.items), this.#location);
  }

  /** One record. */
  row(value: AvroValue): AvroRow {
    return new AvroRow(value as readonly AvroValue[], this.#positions, this.#location);
  }
}

/** One record, its fields by id. */
export class AvroRow {
  readonly #values: readonly AvroValue[];
  readonly #positions: ReadonlyMap<number, number>;
  readonly #location: string;

  constructor(values: readonly AvroValue[], positions: ReadonlyMap<number, number>, location: string) {
    this.#values = values;
    this.#positions = positions;
    this.#location = location;
  }

  /** The value as it is; undefined if the field is not in the file, or null. */
  raw(fieldId: number): Exclude<AvroValue, null> | undefined {
    const index = this.#positions.get(fieldId);
    return index === undefined ? undefined : (this.#values[index] ?? undefined);
  }

  string(fieldId: number): string {
    return this.#required(fieldId, this.optionalString(fieldId));
  }

  optionalString(fieldId: number): string | undefined {
    const value = this.raw(fieldId);
    if (value === undefined || typeof value === 'string') return value;
    throw this.#wrong(fieldId, 'a string');
  }

  boolean(fieldId: number): boolean {
    return this.#required(fieldId, this.optionalBoolean(fieldId));
  }

  optionalBoolean(fieldId: number): boolean | undefined {
    const value = this.raw(fieldId);
    if (value === undefined || typeof value === 'boolean') return value;
    throw this.#wrong(fieldId, 'a boolean');
  }

  int(fieldId: number): number {
    return this.#required(fieldId, this.optionalInt(fieldId));
  }

  optionalInt(fieldId: number): number | undefined {
    const value = this.raw(fieldId);
    if (value === undefined || (typeof value === 'number' && (value | 0) === value)) return value;
    throw this.#wrong(fieldId, 'a 32-bit integer');
  }

  /** A count or size as a number; more than 2^53-1 or less than 0 is refused. */
  count(fieldId: number): number {
    return this.#required(fieldId, this.optionalCount(fieldId));
  }

  optionalCount(fieldId: number): number | undefined {
    const value = this.raw(fieldId);
    if (value === undefined || (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0))
      return value;
    throw this.#wrong(fieldId, 'a count up to 2^53-1');
  }

  optionalLong(fieldId: number): bigint | undefined {
    const value = this.raw(fieldId);
    if (value === undefined || typeof value === 'bigint') return value;
    if (Number.isSafeInteger(value)) return BigInt(value as number);
    throw this.#wrong(fieldId, 'a 64-bit integer');
  }

  optionalBytes(fieldId: number): Uint8Array | undefined {
    const value = this.raw(fieldId);
    if (value === undefined || value instanceof Uint8Array) return value;
    throw this.#wrong(fieldId, 'bytes');
  }

  optionalList(fieldId: number): readonly AvroValue[] | undefined {
    const value = this.raw(fieldId);
    if (value === undefined || Array.isArray(value)) return value as readonly AvroValue[] | undefined;
    throw this.#wrong(fieldId, 'an array');
  }

  list(fieldId: number): readonly AvroValue[] {
    return this.#required(fieldId, this.optionalList(fieldId));
  }

  #required<T>(fieldId: number, value: T | undefined): T {
    if (value !== undefined) return value;
    throw invalid(this.#location, `the required field ${fieldId} is missing`);
  }

  #wrong(fieldId: number, expected: string): IcebergError {
    return invalid(this.#location, `field ${fieldId} is not ${expected}`);
  }
}

function unwrap(type: AvroType): AvroType {
  if (type.kind !== 'union') return type;
  return type.branches.find((branch) => branch.kind !== 'null') ?? type;
}

function invalid(location: string, message: string): IcebergError {
  return new IcebergError('INVALID_MANIFEST', `${location}: ${message}`, { context: { file: location } });
}
