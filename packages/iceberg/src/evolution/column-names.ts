import { IcebergError } from '../errors.ts';
import {
  type FieldPath,
  isPrimitiveType,
  type NestedField,
  type Type,
  walkFields,
} from '../metadata/schema.ts';

/**
 * A column, or a field inside one: `'id'`, `'place.city'`, or the names one by one (`['place', 'city']`) where a
 * name has a dot itself. The fields of a list's or map's structs are found with and without `element` or `value`:
 * `'points.element.x'`, `'points.x'`.
 */
export type ColumnPath = string | readonly string[];

/** A path as errors show it. */
export function pathText(path: ColumnPath): string {
  return typeof path === 'string' ? path : path.join('.');
}

/** Finds the fields of one schema by name. */
export class ColumnNames {
  readonly #fields = new Map<string, FieldPath[]>();
  readonly #caseSensitive: boolean;

  constructor(fields: readonly NestedField[], caseSensitive: boolean) {
    this.#caseSensitive = caseSensitive;
    for (const found of walkFields(fields)) this.#add(found.path.join('.'), found);
    for (const [name, found] of shortForms(fields)) this.#add(name, found);
  }

  /** How names are compared. */
  key(name: string): string {
    return this.#caseSensitive ? name : name.toLowerCase();
  }

  /**
   * The field with this name, or undefined. One that is called exactly so goes before others; `INVALID_ARGUMENT` if
   * there are several and none is.
   */
  find(path: ColumnPath): FieldPath | undefined {
    const found = this.#fields.get(this.key(pathText(path))) ?? [];
    if (found.length < 2) return found[0];
    const exact = found.filter((one) => one.path.join('.') === pathText(path));
    if (exact.length === 1) return exact[0];
    const names = found.map((one) => one.path.join('.'));
    throw new IcebergError('INVALID_ARGUMENT', `"${pathText(path)}" may be any of ${names.join(', ')}`, {
      context: { column: pathText(path), names },
    });
  }

  #add(name: string, found: FieldPath): void {
    const key = this.key(name);
    this.#fields.set(key, [...(this.#fields.get(key) ?? []), found]);
  }
}

/** The names without `element` and `value` where those are structs. */
function* shortForms(fields: readonly NestedField[]): Generator<[string, FieldPath]> {
  const above = new Map<number, { readonly type: Type; readonly name: string }>();
  for (const found of walkFields(fields)) {
    const { field, parents } = found;
    const parent = above.get(parents.at(-1) ?? Number.NaN);
    const skipped = parent !== undefined && isRepeatedStruct(parent.type, field);
    const name = skipped ? parent.name : parent === undefined ? field.name : `${parent.name}.${field.name}`;
    above.set(field.id, { type: field.type, name });
    if (!skipped && name !== found.path.join('.')) yield [name, found];
  }
}

function isRepeatedStruct(parent: Type, field: NestedField): boolean {
  if (isPrimitiveType(parent) || parent.type === 'struct') return false;
  return field.name !== 'key' && !isPrimitiveType(field.type) && field.type.type === 'struct';
}
