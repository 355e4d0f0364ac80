import { IcebergError } from '../errors.ts';
import { isRawJson, type JsonObject, type JsonValue } from './json.ts';

const minLong = -(2n ** 63n);
const maxLong = 2n ** 63n - 1n;
const maxInt = 2 ** 31 - 1;

/**
 * Reads the members of one JSON object, each with its expected type, and remembers which were read, so that
 * the others can be kept ({@link JsonFields.extra}). Whatever is not as expected is `INVALID_METADATA`
 * naming file and field (`snapshots[3].summary`). A member that is null counts as absent.
 */
export class JsonFields {
  readonly #object: JsonObject;
  readonly #file: string;
  readonly #path: string;
  readonly #taken = new Set<string>();

  constructor(value: JsonValue, file: string, path = '') {
    this.#file = file;
    this.#path = path;
    if (!isJsonObject(value)) throw invalid(file, path, `expected an object, found ${describe(value)}`);
    this.#object = value;
  }

  /** An error about the member (or about this object, without a key). */
  error(message: string, key?: string): IcebergError {
    return invalid(this.#file, key === undefined ? this.#path : this.#pathOf(key), message);
  }

  has(key: string): boolean {
    return this.raw(key) !== undefined;
  }

  /** The member as it is; undefined if absent or null. */
  raw(key: string): JsonValue | undefined {
    this.#taken.add(key);
    if (!Object.hasOwn(this.#object, key)) return undefined;
    return this.#object[key] ?? undefined;
  }

  string(key: string): string {
    return this.#required(key, this.optionalString(key), 'a string');
  }

  optionalString(key: string): string | undefined {
    const value = this.raw(key);
    if (value === undefined || typeof value === 'string') return value;
    throw this.#unexpected(key, 'a string', value);
  }

  boolean(key: string): boolean {
    const value = this.raw(key);
    if (typeof value === 'boolean') return value;
    throw this.#unexpected(key, 'a boolean', value);
  }

  /** A 32-bit integer. */
  int(key: string): number {
    return this.#required(key, this.optionalInt(key), 'a 32-bit integer');
  }

  optionalInt(key: string): number | undefined {
    const value = this.raw(key);
    return value === undefined ? undefined : this.#int(key, value);
  }

  intArray(key: string): number[] {
    return this.#array(key).map((value, index) => this.#int(`${key}[${index}]`, value));
  }

  /** A 64-bit integer. */
  long(key: string): bigint {
    return this.#required(key, this.optionalLong(key), 'a 64-bit integer');
  }

  optionalLong(key: string): bigint | undefined {
    const value = this.raw(key);
    return value === undefined ? undefined : this.#long(key, value);
  }

  longArray(key: string): bigint[] {
    return this.#array(key).map((value, index) => this.#long(`${key}[${index}]`, value));
  }

  /** A 64-bit integer that fits a number (times, sizes); more than 2^53-1 is refused. */
  safeLong(key: string): number {
    return this.#required(key, this.optionalSafeLong(key), 'an integer up to 2^53-1');
  }

  optionalSafeLong(key: string): number | undefined {
    const value = this.raw(key);
    if (value === undefined || (typeof value === 'number' && Number.isSafeInteger(value))) return value;
    throw this.#unexpected(key, 'an integer up to 2^53-1', value);
  }

  stringMap(key: string): Record<string, string> {
    return this.optionalStringMap(key) ?? {};
  }

  optionalStringMap(key: string): Record<string, string> | undefined {
    const value = this.raw(key);
    if (value === undefined) return undefined;
    if (!isJsonObject(value)) throw this.#unexpected(key, 'an object', value);
    return Object.fromEntries(
      Object.entries(value).map(([name, text]) => {
        if (typeof text === 'string') return [name, text];
        throw this.#unexpected(`${key}.${name}`, 'a string', text);
      }),
    );
  }

  stringArray(key: string): string[] {
    return this.#array(key).map((value, index) => {
      if (typeof value === 'string') return value;
      throw this.#unexpected(`${key}[${index}]`, 'a string', value);
    });
  }

  object<T>(key: string, read: (fields: JsonFields) => T): T {
    return this.#required(key, this.optionalObject(key, read), 'an object');
  }

  optionalObject<T>(key: string, read: (fields: JsonFields) => T): T | undefined {
    const value = this.raw(key);
    return value === undefined ? undefined : read(new JsonFields(value, this.#file, this.#pathOf(key)));
  }

  /** An array of objects. */
  objects<T>(key: string, read: (fields: JsonFields) => T): T[] {
    return this.#array(key).map((value, index) =>
      read(new JsonFields(value, this.#file, `${this.#pathOf(key)}[${index}]`)),
    );
  }

  optionalObjects<T>(key: string, read: (fields: JsonFields) => T): T[] | undefined {
    return this.has(key) ? this.objects(key, read) : undefined;
  }

  /** An object whose members are objects. */
  objectMap<T>(key: string, read: (fields: JsonFields) => T): Record<string, T> {
    const value = this.raw(key);
    if (value === undefined) return {};
    if (!isJsonObject(value)) throw this.#unexpected(key, 'an object', value);
    return Object.fromEntries(
      Object.entries(value).map(([name, member]) => [
        name,
        read(new JsonFields(member, this.#file, `${this.#pathOf(key)}.${name}`)),
      ]),
    );
  }

  /** `{extra}` with the members nobody asked for, to be spread into the domain object; call it last. */
  extra(): { extra?: JsonObject } {
    const rest = Object.entries(this.#object).filter(([key]) => !this.#taken.has(key));
    return rest.length === 0 ? {} : { extra: Object.fromEntries(rest) };
  }

  #array(key: string): readonly JsonValue[] {
    const value = this.raw(key);
    if (Array.isArray(value)) return value as readonly JsonValue[];
    throw this.#unexpected(key, 'an array', value);
  }

  #int(key: string, value: JsonValue): number {
    if (typeof value === 'number' && Number.isInteger(value) && Math.abs(value) <= maxInt) return value;
    throw this.#unexpected(key, 'a 32-bit integer', value);
  }

  #long(key: string, value: JsonValue): bigint {
    if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
    if (typeof value === 'bigint' && value >= minLong && value <= maxLong) return value;
    throw this.#unexpected(key, 'a 64-bit integer', value);
  }

  #required<T>(key: string, value: T | undefined, expected: string): T {
    if (value !== undefined) return value;
    throw this.#unexpected(key, expected, undefined);
  }

  #unexpected(key: string, expected: string, found: JsonValue | undefined): IcebergError {
    return found === undefined
      ? this.error(`is missing (expected ${expected})`, key)
      : this.error(`expected ${expected}, found ${describe(found)}`, key);
  }

  #pathOf(key: string): string {
    return this.#path === '' ? key : `${this.#path}.${key}`;
  }
}

function invalid(file: string, path: string, message: string): IcebergError {
  const where = path === '' ? file : `${file}: ${path}`;
  return new IcebergError('INVALID_METADATA', `${where}: ${message}`, {
    context: { file, field: path },
  });
}

function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isRawJson(value);
}

function describe(value: JsonValue): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (isRawJson(value)) return value.rawJSON.slice(0, 40);
  if (typeof value === 'object') return 'an object';
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 40));
  return String(value);
}
