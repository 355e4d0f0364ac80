import { IcebergError } from '../errors.ts';
import {
  isPrimitiveType,
  type ListType,
  type MapType,
  type NestedField,
  type PrimitiveType,
  type Schema,
} from '../metadata/schema.ts';
import { ColumnMismatchError, type ValueConverter, valueConverter } from '../parquet/parquet-convert.ts';
import type { ParquetNode } from '../parquet/parquet-schema.ts';

/** A primitive field of the table's schema that a file stores. */
export interface FileColumn {
  readonly id: number;
  /** From the top-level column down, with dots. */
  readonly name: string;
  readonly type: PrimitiveType;
  readonly node: ParquetNode;
  /** Inside a list or map: its values do not belong to rows one to one. */
  readonly repeated: boolean;
  /** Neither it nor a struct around it may be null, by the table's schema. */
  readonly neverNull: boolean;
  /** Absent when the values are beyond this release (variant, geo, INT96): they can be counted, not compared. */
  readonly convert?: ValueConverter;
}

/** Whether a file may do without a required field: because readers find its value elsewhere. */
export type MayLack = (field: NestedField) => boolean;

/**
 * Finds the columns of a table in a file by field id and checks that the file can be read as part of the table.
 * Columns of the file that the table does not have are passed over.
 *
 * @throws IcebergError `INVALID_ARGUMENT` naming file and column: a required column is missing, a column is stored
 *   in a form that cannot be read as the table's type, two columns have one id
 */
export function findFileColumns(
  location: string,
  root: ParquetNode,
  schema: Pick<Schema, 'fields'>,
  mayLack: MayLack,
): FileColumn[] {
  const finder = new ColumnFinder(location, mayLack);
  finder.struct(root, schema.fields, { path: '', repeated: false, neverNull: true });
  return finder.columns;
}

/** Where in the table's schema a struct is. */
interface Place {
  readonly path: string;
  readonly repeated: boolean;
  readonly neverNull: boolean;
}

/** Where a field is. */
interface FieldPlace extends Omit<Place, 'path'> {
  readonly name: string;
}

class ColumnFinder {
  readonly columns: FileColumn[] = [];
  readonly #location: string;
  readonly #mayLack: MayLack;

  constructor(location: string, mayLack: MayLack) {
    this.#location = location;
    this.#mayLack = mayLack;
  }

  struct(parent: ParquetNode, fields: readonly NestedField[], { path, repeated, neverNull }: Place): void {
    for (const field of fields) {
      const name = path + field.name;
      const found = parent.children.filter((child) => child.fieldId === field.id);
      if (found.length > 1) throw this.#unfit(`two of its columns have the field id ${field.id} (${name})`);
      const [node] = found;
      if (node) this.#field(node, field, { name, repeated, neverNull: neverNull && field.required });
      else if (field.required && !this.#mayLack(field)) {
        throw this.#unfit(`it has no column with the field id ${field.id}, and ${name} is required`);
      }
    }
  }

  #field(node: ParquetNode, { id, type }: Pick<NestedField, 'id' | 'type'>, place: FieldPlace): void {
    const { name, repeated, neverNull } = place;
    if (isPrimitiveType(type)) {
      this.#primitive(node, id, type, place);
    } else if (node.leaf) {
      throw this.#unfit(`column ${name} is a ${type.type} in the table and a plain column in the file`);
    } else if (type.type === 'struct') {
      this.struct(node, type.fields, { path: `${name}.`, repeated, neverNull });
    } else {
      this.#repeated(node, type, name);
    }
  }

  #primitive(node: ParquetNode, id: number, type: PrimitiveType, place: FieldPlace): void {
    const { name } = place;
    // A variant is a group; what its leaves hold cannot be said of the column.
    if (!node.leaf && type === 'variant') return;
    if (!node.leaf) throw this.#unfit(`column ${name} is a ${type} in the table and a group in the file`);
    const convert = this.#converter(node, type, name);
    this.columns.push({ id, type, node, ...place, ...(convert ? { convert } : {}) });
  }

  #converter(node: ParquetNode, type: PrimitiveType, name: string): ValueConverter | undefined {
    if (/^(unknown|variant|geometry|geography)/.test(type)) return undefined;
    if (node.leaf?.physicalType === 'INT96' && type.startsWith('timestamp')) return undefined;
    try {
      return valueConverter(type, node);
    } catch (error) {
      if (error instanceof ColumnMismatchError) throw this.#unfit(`${name}: ${error.message}`, error);
      throw error;
    }
  }

  #repeated(node: ParquetNode, type: ListType | MapType, name: string): void {
    const [entry] = node.children;
    if (node.children.length !== 1 || entry?.repetition !== 'repeated') {
      throw this.#unfit(`column ${name} is not stored as a list or map`);
    }
    const part = (id: number, what: string): ParquetNode => {
      const child = entry.children.find((candidate) => candidate.fieldId === id);
      if (child) return child;
      // Old writers repeat a list's element itself instead of wrapping it in a group.
      if (type.type === 'list' && entry.fieldId === id) return entry;
      throw this.#unfit(`column ${name} has no ${what} with the field id ${id}`);
    };
    // An empty list counts as a null of its element.
    const inside = (what: string) => ({ name: `${name}.${what}`, repeated: true, neverNull: false });
    if (type.type === 'list') {
      const element = { id: type.elementId, type: type.element };
      this.#field(part(type.elementId, 'element'), element, inside('element'));
      return;
    }
    this.#field(part(type.keyId, 'key'), { id: type.keyId, type: type.key }, inside('key'));
    this.#field(part(type.valueId, 'value'), { id: type.valueId, type: type.value }, inside('value'));
  }

  #unfit(problem: string, cause?: unknown): IcebergError {
    return new IcebergError('INVALID_ARGUMENT', `${this.#location} does not fit the table: ${problem}`, {
      context: { location: this.#location },
      ...(cause === undefined ? {} : { cause }),
    });
  }
}
