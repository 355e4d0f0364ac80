import { IcebergError } from '../errors.ts';
import { isPrimitiveType, type NestedField, type PrimitiveType, type Type } from '../metadata/schema.ts';
import { parsePrimitiveType } from '../metadata/schema-json.ts';

/** What a new column shall be. */
export interface NewColumn {
  readonly type: NewType;
  /** Default false. A required column cannot be added to rows that lack it, unless told to. */
  readonly required?: boolean;
  readonly doc?: string;
}

/** A field of a new struct. */
export interface NewField extends NewColumn {
  readonly name: string;
  /** Not used: ids are assigned. */
  readonly id?: number;
}

/** A type whose fields have no ids yet; a {@link Type} will do, its ids are not used. */
export type NewType =
  | PrimitiveType
  | { readonly type: 'struct'; readonly fields: readonly NewField[] }
  | {
      readonly type: 'list';
      readonly element: NewType;
      /** Default false. */
      readonly elementRequired?: boolean;
      readonly elementId?: number;
    }
  | {
      readonly type: 'map';
      readonly key: NewType;
      readonly value: NewType;
      /** Default false. */
      readonly valueRequired?: boolean;
      readonly keyId?: number;
      readonly valueId?: number;
    };

/**
 * A new column with ids: its own, then those of the fields of its struct, then what lies inside each of them: the
 * order in which every implementation assigns them.
 */
export function newField(name: string, column: NewColumn, nextId: () => number): NestedField {
  const id = nextId();
  return { ...fieldOf(name, column, id), type: withIds(column.type, nextId) };
}

function fieldOf(name: string, column: NewColumn, id: number): Omit<NestedField, 'type'> {
  const { required = false, doc } = column;
  return { id, name, required, ...(doc !== undefined && { doc }) };
}

function withIds(type: NewType, nextId: () => number): Type {
  if (typeof type === 'string') return primitive(type);
  switch (type.type) {
    case 'struct': {
      const ids = type.fields.map(nextId);
      return {
        type: 'struct',
        fields: type.fields.map((field, index) => ({
          ...fieldOf(field.name, field, ids[index] as number),
          type: withIds(field.type, nextId),
        })),
      };
    }
    case 'list': {
      const elementId = nextId();
      const { elementRequired = false } = type;
      return { type: 'list', elementId, elementRequired, element: withIds(type.element, nextId) };
    }
    case 'map': {
      const [keyId, valueId] = [nextId(), nextId()];
      const key = withIds(type.key, nextId);
      const { valueRequired = false } = type;
      return { type: 'map', keyId, key, valueId, valueRequired, value: withIds(type.value, nextId) };
    }
    default:
      throw unknownType(type);
  }
}

/** The type as the format spells it (`decimal(9, 2)` is `decimal(9,2)`). */
export function primitive(type: PrimitiveType): PrimitiveType {
  const parsed = parsePrimitiveType(type);
  if (parsed === undefined) throw unknownType(type);
  return parsed;
}

/** True for a struct, whose fields have names of their own. */
export function isStruct(type: Type): type is Extract<Type, { readonly type: 'struct' }> {
  return !isPrimitiveType(type) && type.type === 'struct';
}

function unknownType(type: unknown): IcebergError {
  return new IcebergError('INVALID_ARGUMENT', `there is no type ${JSON.stringify(type)}`, {
    context: { type },
  });
}
