import { isPrimitiveType, type NestedField, type PrimitiveType, type Type } from '../metadata/schema.ts';

/** What becomes of one field; members that are absent stay as they are. */
export interface FieldEdit {
  readonly name?: string;
  readonly type?: PrimitiveType;
  readonly required?: boolean;
  /** Null: none. */
  readonly doc?: string | null;
}

/** Another place of a field in its struct. */
export interface FieldMove {
  readonly fieldId: number;
  readonly to: 'first' | 'before' | 'after';
  /** Of the field it goes before or after. */
  readonly referenceId?: number;
}

/** Stands for the schema itself where the id of a struct is expected. */
export const rootId = -1;

/** Changes of a schema, all by field id; checked before they are put here. */
export interface SchemaEdits {
  readonly dropped: Set<number>;
  readonly edits: Map<number, FieldEdit>;
  /** By the id of the struct they are added to. */
  readonly added: Map<number, NestedField[]>;
  /** By the id of the struct; in the order they were asked for. */
  readonly moves: Map<number, FieldMove[]>;
}

/** The fields after the edits: those that stay, then new ones, then moved about. */
export function applyEdits(fields: readonly NestedField[], edits: SchemaEdits): readonly NestedField[] {
  return structFields(fields, rootId, edits);
}

function structFields(
  fields: readonly NestedField[],
  structId: number,
  edits: SchemaEdits,
): readonly NestedField[] {
  const kept = fields.filter((field) => !edits.dropped.has(field.id));
  const all = [...kept, ...(edits.added.get(structId) ?? [])].map((field) => edited(field, edits));
  return moved(all, edits.moves.get(structId) ?? []);
}

function edited(field: NestedField, edits: SchemaEdits): NestedField {
  const { doc: oldDoc, ...rest } = field;
  const { doc = oldDoc, ...edit } = edits.edits.get(field.id) ?? {};
  const type = edit.type ?? editedType(field.type, field.id, edits);
  return { ...rest, ...edit, type, ...(doc !== undefined && doc !== null && { doc }) };
}

/** @param id of the field that has the type */
function editedType(type: Type, id: number, edits: SchemaEdits): Type {
  if (isPrimitiveType(type)) return type;
  switch (type.type) {
    case 'struct':
      return { ...type, fields: structFields(type.fields, id, edits) };
    case 'list': {
      const { elementId } = type;
      const edit = edits.edits.get(elementId);
      return {
        ...type,
        elementRequired: edit?.required ?? type.elementRequired,
        element: edit?.type ?? editedType(type.element, elementId, edits),
      };
    }
    case 'map': {
      // Keys are never changed: rows with the same key would become rows with different ones.
      const { valueId } = type;
      const edit = edits.edits.get(valueId);
      return {
        ...type,
        valueRequired: edit?.required ?? type.valueRequired,
        value: edit?.type ?? editedType(type.value, valueId, edits),
      };
    }
  }
}

function moved(fields: readonly NestedField[], moves: readonly FieldMove[]): readonly NestedField[] {
  const order = [...fields];
  const positionOf = (id: number | undefined): number => order.findIndex((field) => field.id === id);
  for (const { fieldId, to, referenceId } of moves) {
    const [field] = order.splice(positionOf(fieldId), 1) as [NestedField];
    const position = to === 'first' ? 0 : positionOf(referenceId) + (to === 'after' ? 1 : 0);
    order.splice(position, 0, field);
  }
  return order;
}
