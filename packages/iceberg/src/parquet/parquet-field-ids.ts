import type { MappedField, NameMapping } from '../metadata/name-mapping.ts';
import type { ParquetNode } from './parquet-schema.ts';

/** Whether any element of a file's schema has a field id. A name mapping is for files in which none has. */
export function hasFieldIds(root: ParquetNode): boolean {
  return root.children.some((child) => child.fieldId !== undefined || hasFieldIds(child));
}

/**
 * Gives the elements of a file without field ids the ids that a name mapping has for their names; elements that
 * it does not name get none. The leaves keep their places among the file's columns.
 *
 * @see https://iceberg.apache.org/spec/#column-projection
 */
export function withMappedIds(root: ParquetNode, mapping: NameMapping): ParquetNode {
  return { ...root, children: root.children.map((child) => mapByName(child, mapping)) };
}

function mapByName(node: ParquetNode, fields: readonly MappedField[]): ParquetNode {
  return withId(
    node,
    fields.find(({ names }) => names.includes(node.name)),
  );
}

function withId(node: ParquetNode, mapped: MappedField | undefined): ParquetNode {
  const { fieldId: _none, ...plain } = node;
  const children = mappedChildren(node, mapped?.fields ?? []);
  return { ...plain, children, ...(mapped?.fieldId === undefined ? {} : { fieldId: mapped.fieldId }) };
}

/** The parts of lists and maps have fixed names in a mapping, whatever the file calls them. */
function mappedChildren(node: ParquetNode, fields: readonly MappedField[]): ParquetNode[] {
  const [entry] = node.children;
  const part = (name: string) => fields.find(({ names }) => names.includes(name));
  if (node.children.length !== 1 || entry?.repetition !== 'repeated') {
    return node.children.map((child) => mapByName(child, fields));
  }
  if (node.annotation?.kind === 'map') {
    const [key, value] = [part('key'), part('value')];
    return [{ ...entry, children: entry.children.map((child, at) => withId(child, at === 0 ? key : value)) }];
  }
  const [element] = entry.children;
  if (!element || isElement(node, entry)) return [withId(entry, part('element'))];
  return [{ ...entry, children: [withId(element, part('element'))] }];
}

/** Old writers repeat a list's element itself: a plain column, a group of several, or one of a name made for that. */
function isElement(list: ParquetNode, entry: ParquetNode): boolean {
  return entry.children.length !== 1 || entry.name === 'array' || entry.name === `${list.name}_tuple`;
}
