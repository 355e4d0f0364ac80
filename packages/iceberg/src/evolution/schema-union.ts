import { IcebergError } from '../errors.ts';
import { childFields, isPrimitiveType, type NestedField, type Type } from '../metadata/schema.ts';
import type { NewField, NewType } from './new-column.ts';
import { primitive } from './new-column.ts';
import type { SchemaChange } from './schema-change.ts';
import { isPromotionAllowed } from './type-promotion.ts';

/** Asks for the changes after which rows with the fields `wanted` fit into a struct with the fields `present`. */
export function unionByName(
  change: SchemaChange,
  present: readonly NestedField[],
  wanted: readonly NewField[],
  nameKey: (name: string) => string,
): void {
  const fields = (
    path: readonly string[],
    there: readonly NestedField[],
    asked: readonly NewField[],
  ): void => {
    for (const field of asked) {
      const same =
        there.find((one) => one.name === field.name) ??
        there.find((one) => nameKey(one.name) === nameKey(field.name));
      if (same === undefined) change.addColumn([...path, field.name], { ...field, required: false });
      else join([...path, same.name], same, field);
    }
  };
  const join = (path: readonly string[], there: NestedField, asked: NewField): void => {
    if (asked.required !== true && there.required) change.makeOptional(path);
    if (asked.doc !== undefined && asked.doc !== there.doc) change.setDoc(path, asked.doc);
    const { type } = asked;
    if (isPrimitiveType(there.type)) {
      if (typeof type !== 'string') throw mismatch(path, there.type, type);
      // Rows of a narrower type fit as they are.
      if (!isPromotionAllowed(primitive(type), there.type)) change.widenColumn(path, type);
    } else if (typeof type === 'string' || type.type !== there.type.type) {
      throw mismatch(path, there.type, type);
    } else if (type.type === 'struct') {
      fields(path, childFields(there.type), type.fields);
    } else {
      const asked = newChildren(type);
      for (const [index, child] of childFields(there.type).entries()) {
        const [name, wantedChild] = asked[index] as [string, NewField];
        if (name === 'key') checkSameKey(path, child.type, wantedChild.type);
        else join([...path, name], child, wantedChild);
      }
    }
  };
  fields([], present, wanted);
}

function newChildren(type: Exclude<NewType, string | { readonly type: 'struct' }>): [string, NewField][] {
  if (type.type === 'list') {
    return [['element', { name: 'element', type: type.element, required: type.elementRequired ?? false }]];
  }
  return [
    ['key', { name: 'key', type: type.key, required: true }],
    ['value', { name: 'value', type: type.value, required: type.valueRequired ?? false }],
  ];
}

/** Keys cannot change; those of the wanted rows must fit as they are. */
function checkSameKey(path: readonly string[], there: Type, asked: NewType): void {
  if (isPrimitiveType(there) && typeof asked === 'string') {
    const type = primitive(asked);
    if (type === there || isPromotionAllowed(type, there)) return;
  } else if (sameShape(there, asked)) return;
  throw mismatch([...path, 'key'], there, asked);
}

function sameShape(there: Type, asked: NewType): boolean {
  if (isPrimitiveType(there) || typeof asked === 'string') return there === asked;
  if (there.type !== asked.type) return false;
  const children = asked.type === 'struct' ? asked.fields : newChildren(asked).map(([, child]) => child);
  const present = childFields(there);
  return (
    present.length === children.length &&
    present.every((field, index) => {
      const other = children[index] as NewField;
      return field.name === other.name && sameShape(field.type, other.type);
    })
  );
}

function mismatch(path: readonly string[], there: Type, asked: NewType): IcebergError {
  const name = (type: Type | NewType): string => (typeof type === 'string' ? type : type.type);
  return new IcebergError(
    'INVALID_ARGUMENT',
    `"${path.join('.')}" is a ${name(there)} and cannot also hold a ${name(asked)}`,
    { context: { column: path.join('.') } },
  );
}
