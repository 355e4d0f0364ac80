import { IcebergError } from '../errors.ts';
import { isPrimitiveType, type NestedField, type Schema, walkFields } from '../metadata/schema.ts';
import { ColumnNames, type ColumnPath, pathText } from './column-names.ts';
import { isStruct } from './new-column.ts';
import { type FieldEdit, rootId, type SchemaEdits } from './schema-edits.ts';

/** A field that a change is about. */
export interface LocatedField {
  /** With the type and requirement that the update gives it so far. */
  readonly field: NestedField;
  readonly name: string;
  /** The id of what holds it: a struct, a list, a map; or the schema itself. */
  readonly parentId: number;
  /** Elements of lists and values of maps have no name, place or doc of their own. */
  readonly inStruct: boolean;
  /** Whether the update added it. */
  readonly added: boolean;
}

/** Finds fields of a schema that is being changed, by the names they had before and those they were added with. */
export class FieldLocator {
  readonly names: ColumnNames;
  readonly #schema: Schema;
  readonly #edits: SchemaEdits;
  readonly #fields = new Map<number, NestedField>();
  readonly #parents = new Map<number, readonly number[]>();
  readonly #keyIds = new Set<number>();

  constructor(schema: Schema, edits: SchemaEdits, caseSensitive: boolean) {
    this.#schema = schema;
    this.#edits = edits;
    this.names = new ColumnNames(schema.fields, caseSensitive);
    for (const { field, parents } of walkFields(schema.fields)) {
      this.#fields.set(field.id, field);
      this.#parents.set(field.id, parents);
      if (!isPrimitiveType(field.type) && field.type.type === 'map') this.#keyIds.add(field.type.keyId);
    }
  }

  /** The field that a change names; a new column goes before a dropped one of its name. */
  find(path: ColumnPath): LocatedField {
    const there = this.names.find(path);
    const dropped = there !== undefined && this.isDropped(there.field.id);
    const added = there === undefined || dropped ? this.#findAdded(path) : undefined;
    if (added !== undefined) return added;
    if (there === undefined) throw refuseColumn(path, `there is no column "${pathText(path)}"`);
    if (dropped) throw refuseColumn(path, `"${pathText(path)}" is dropped by the same update`);
    this.#refuseKey(there.field.id, path);
    return this.#located(there.field, path, there.parents.at(-1) ?? rootId, false);
  }

  /** The id of the struct that a new field of this name shall be in. */
  structToAddTo(parent: ColumnPath, name: string): number {
    if (this.names.find(parent) === undefined) {
      throw refuseColumn(
        parent,
        this.#findAdded(parent) !== undefined
          ? `"${pathText(parent)}" is added by the same update: give it the field "${name}" there`
          : `there is no struct "${pathText(parent)}" to add "${name}" to (a name with a dot is given as an array)`,
      );
    }
    this.#refuseKey(this.names.find(parent)!.field.id, parent);
    const struct = this.#structOf(parent);
    if (struct === undefined) {
      throw refuseColumn(parent, `"${pathText(parent)}" is no struct: it cannot have a field "${name}"`);
    }
    if (this.isDropped(struct.id)) {
      throw refuseColumn(parent, `"${pathText(parent)}" is dropped by the same update`);
    }
    return struct.id;
  }

  /** The field of this name that a struct has and that stays, or that it got; renamed ones have their old name here. */
  fieldNamed(structId: number, name: string): NestedField | undefined {
    const added = this.#addedNamed(structId, name);
    if (added !== undefined) return added;
    const type = this.#fields.get(structId)?.type;
    const fields = type === undefined ? this.#schema.fields : isStruct(type) ? type.fields : [];
    return fields.find((field) => !this.#edits.dropped.has(field.id) && this.#sameName(field.name, name));
  }

  /** Whether the field goes, or something that it lies in. */
  isDropped(id: number): boolean {
    return this.withParents(id).some((one) => this.#edits.dropped.has(one));
  }

  withParents(id: number): readonly number[] {
    return [id, ...(this.#parents.get(id) ?? [])];
  }

  #findAdded(path: ColumnPath): LocatedField | undefined {
    const whole = this.#addedNamed(rootId, pathText(path));
    if (whole !== undefined) return this.#located(whole, path, rootId, true);
    const [parent, name] = splitPath(path);
    const struct = parent === undefined ? undefined : this.#structOf(parent);
    if (struct === undefined) return undefined;
    const field = this.#addedNamed(struct.id, name);
    return field === undefined ? undefined : this.#located(field, path, struct.id, true);
  }

  #located(field: NestedField, path: ColumnPath, parentId: number, added: boolean): LocatedField {
    const parent = this.#fields.get(parentId);
    return {
      field: withEdit(field, this.#edits.edits.get(field.id)),
      name: pathText(path),
      parentId,
      inStruct: parent === undefined || isStruct(parent.type),
      added,
    };
  }

  #addedNamed(structId: number, name: string): NestedField | undefined {
    return this.#edits.added.get(structId)?.find((field) => this.#sameName(field.name, name));
  }

  /** The struct a path means: the field itself, or the element or value of a list or map. */
  #structOf(path: ColumnPath): NestedField | undefined {
    const found = this.names.find(path)?.field;
    if (found === undefined || isPrimitiveType(found.type)) return undefined;
    const { type } = found;
    if (type.type === 'struct') return found;
    const inner = this.#fields.get(type.type === 'list' ? type.elementId : type.valueId);
    return inner !== undefined && isStruct(inner.type) ? inner : undefined;
  }

  #refuseKey(id: number, path: ColumnPath): void {
    if (this.withParents(id).some((one) => this.#keyIds.has(one))) {
      throw refuseColumn(path, `"${pathText(path)}" belongs to the key of a map, which cannot change`);
    }
  }

  #sameName(left: string, right: string): boolean {
    return this.names.key(left) === this.names.key(right);
  }
}

/** What a column lies in, undefined for the top level, and its own name. */
export function splitPath(path: ColumnPath): [parent: ColumnPath | undefined, name: string] {
  if (typeof path !== 'string') {
    return [path.length > 1 ? path.slice(0, -1) : undefined, path.at(-1) ?? ''];
  }
  const dot = path.lastIndexOf('.');
  return dot < 0 ? [undefined, path] : [path.slice(0, dot), path.slice(dot + 1)];
}

export function refuseColumn(path: ColumnPath, message: string): IcebergError {
  return new IcebergError('INVALID_ARGUMENT', message, { context: { column: pathText(path) } });
}

function withEdit(field: NestedField, edit: FieldEdit | undefined): NestedField {
  const { type = field.type, required = field.required } = edit ?? {};
  return { ...field, type, required };
}
