import type { IcebergError } from '../errors.ts';
import type { PrimitiveValue } from '../metadata/primitive-value.ts';
import type { RowValue } from '../metadata/row.ts';
import {
  isPrimitiveType,
  type ListType,
  type MapType,
  type NestedField,
  type StructType,
} from '../metadata/schema.ts';
import { corruptDataFile, unsupportedDataFile } from '../parquet/data-file-errors.ts';
import { ColumnMismatchError, type ValueConverter, valueConverter } from '../parquet/parquet-convert.ts';
import type { ParquetNode } from '../parquet/parquet-schema.ts';
import type { PlannedLeaf } from '../parquet/planned-leaf.ts';

/** How a field of the table's schema comes from a file. `slots` are positions in {@link RowPlan.leaves}. */
export type FieldPlan =
  | { readonly kind: 'constant'; readonly value: RowValue; readonly slots: readonly [] }
  | LeafPlan
  | {
      readonly kind: 'struct';
      readonly node: ParquetNode;
      readonly fields: readonly { readonly name: string; readonly plan: FieldPlan }[];
      readonly slots: readonly number[];
    }
  | {
      readonly kind: 'list';
      readonly node: ParquetNode;
      readonly repeated: ParquetNode;
      readonly element: FieldPlan;
      readonly slots: readonly number[];
    }
  | {
      readonly kind: 'map';
      readonly node: ParquetNode;
      readonly repeated: ParquetNode;
      readonly key: FieldPlan;
      readonly value: FieldPlan;
      readonly slots: readonly number[];
    };

export interface LeafPlan {
  readonly kind: 'leaf';
  readonly node: ParquetNode;
  readonly slot: number;
  readonly slots: readonly number[];
}

/** How rows of some columns come from a file. */
export interface RowPlan {
  readonly columns: readonly { readonly name: string; readonly plan: FieldPlan }[];
  readonly leaves: readonly PlannedLeaf[];
}

/** What to put where the file lacks a field; undefined when the field must be there. */
export type MissingValue = (field: NestedField) => RowValue | undefined;

/**
 * Plans how to read columns of a table from a file, matching by **field id** throughout: a renamed column is
 * found, a dropped one is not mistaken for a new one of the same name.
 *
 * @param root the file's schema
 * @param fields top-level columns of the table's schema
 * @throws IcebergError `DATA_FILE_CORRUPT` when a column is stored in another form, or a required one is missing;
 *   `UNSUPPORTED_FEATURE` for types whose rows are not read
 */
export function planRows(
  location: string,
  root: ParquetNode,
  fields: readonly NestedField[],
  missing: MissingValue,
): RowPlan {
  const planner = new Planner(location, missing);
  const columns = fields.map((field) => ({ name: field.name, plan: planner.field(root, field) }));
  return { columns, leaves: planner.leaves };
}

class Planner {
  readonly leaves: PlannedLeaf[] = [];
  readonly #location: string;
  readonly #missing: MissingValue;

  constructor(location: string, missing: MissingValue) {
    this.#location = location;
    this.#missing = missing;
  }

  field(parent: ParquetNode, field: NestedField): FieldPlan {
    const { type } = field;
    if (type === 'unknown') return constant(null);
    const found = parent.children.filter((child) => child.fieldId === field.id);
    if (found.length > 1) throw this.#corrupt(`two columns have the field id ${field.id}`);
    const [node] = found;
    if (!node) return this.#absent(field);
    if (node.repetition === 'repeated') throw this.#corrupt(`column ${node.name} repeats without a list`);
    return this.#present(node, field);
  }

  #present(node: ParquetNode, { name, type }: Pick<NestedField, 'name' | 'type'>): FieldPlan {
    if (isPrimitiveType(type)) {
      if (type === 'variant' || /^geo(metry|graphy)/.test(type)) {
        throw unsupportedDataFile(this.#location, `rows of type ${type} (column ${name}) cannot be read yet`);
      }
      return this.#leaf(node, () => valueConverter(type, node));
    }
    if (node.leaf) throw this.#corrupt(`column ${name} is a ${type.type} and stored as a plain column`);
    switch (type.type) {
      case 'struct':
        return this.#struct(node, type);
      case 'list':
        return this.#list(node, type);
      case 'map':
        return this.#map(node, type);
    }
  }

  #leaf(node: ParquetNode, converter: () => ValueConverter): LeafPlan {
    const slot = this.leaves.length;
    try {
      this.leaves.push({ node, convert: converter() });
    } catch (error) {
      if (error instanceof ColumnMismatchError) throw this.#corrupt(error.message, error);
      throw error;
    }
    return { kind: 'leaf', node, slot, slots: [slot] };
  }

  #struct(node: ParquetNode, type: StructType): FieldPlan {
    const fields = type.fields.map((field) => ({ name: field.name, plan: this.field(node, field) }));
    const slots = fields.flatMap(({ plan }) => plan.slots);
    // With none of its fields in the file, some column must still tell whether the struct is there.
    if (slots.length === 0) {
      const witness = firstLeaf(node);
      if (!witness) throw this.#corrupt(`group ${node.name} has no columns`);
      slots.push(this.#leaf(witness, () => noValues).slot);
    }
    return { kind: 'struct', node, fields, slots };
  }

  #list(node: ParquetNode, type: ListType): FieldPlan {
    const repeated = this.#repeatedChild(node);
    const wrapped = repeated.children.find((child) => child.fieldId === type.elementId);
    // Old writers repeat the element itself instead of wrapping it in a group.
    const element = wrapped ?? (repeated.fieldId === type.elementId || repeated.leaf ? repeated : undefined);
    if (!element) throw this.#corrupt(`list ${node.name} has no element with the field id ${type.elementId}`);
    const plan = this.#present(element, { name: `${node.name}.element`, type: type.element });
    return { kind: 'list', node, repeated, element: plan, slots: plan.slots };
  }

  #map(node: ParquetNode, type: MapType): FieldPlan {
    const repeated = this.#repeatedChild(node);
    const part = (id: number, what: string): ParquetNode => {
      const child = repeated.children.find((candidate) => candidate.fieldId === id);
      if (!child) throw this.#corrupt(`map ${node.name} has no ${what} with the field id ${id}`);
      return child;
    };
    const key = this.#present(part(type.keyId, 'key'), { name: `${node.name}.key`, type: type.key });
    const value = this.#present(part(type.valueId, 'value'), {
      name: `${node.name}.value`,
      type: type.value,
    });
    return { kind: 'map', node, repeated, key, value, slots: [...key.slots, ...value.slots] };
  }

  #repeatedChild(node: ParquetNode): ParquetNode {
    const [child] = node.children;
    if (node.children.length === 1 && child?.repetition === 'repeated') return child;
    throw this.#corrupt(`column ${node.name} is not stored as a list or map`);
  }

  #absent(field: NestedField): FieldPlan {
    const value = this.#missing(field);
    if (value === undefined) throw this.#corrupt(`the required column ${field.name} is missing`);
    return constant(value);
  }

  #corrupt(problem: string, cause?: unknown): IcebergError {
    return corruptDataFile(this.#location, problem, cause);
  }
}

function constant(value: RowValue): FieldPlan {
  return { kind: 'constant', value, slots: [] };
}

const noValues: ValueConverter = (stored) => new Array<PrimitiveValue>(stored.values.length).fill(false);

/** The leaf below a group that repeats least. */
function firstLeaf(node: ParquetNode): ParquetNode | undefined {
  return allLeaves(node).toSorted((a, b) => a.repetitionLevel - b.repetitionLevel)[0];
}

function allLeaves(node: ParquetNode): ParquetNode[] {
  return node.leaf ? [node] : node.children.flatMap(allLeaves);
}
