import { IcebergError } from '../errors.ts';
import type { DataFile } from '../manifest/data-file.ts';
import type { PrimitiveValue } from '../metadata/primitive-value.ts';
import { isPrimitiveType, type PrimitiveType, type Schema, walkFields } from '../metadata/schema.ts';
import { decodeSingleValue } from '../metadata/single-value.ts';

/** What a file's metrics say of one column; a member is absent where the file has no such metric. */
export interface ColumnMetrics {
  /** Compressed bytes. */
  readonly columnSize?: number;
  /** Nulls and NaN included. */
  readonly valueCount?: number;
  readonly nullValueCount?: number;
  readonly nanValueCount?: number;
  /** No value of the column is below. Long text and bytes are cut short, as the writer was told. */
  readonly lowerBound?: PrimitiveValue;
  /** No value of the column is above. */
  readonly upperBound?: PrimitiveValue;
}

/** Metrics by the dotted name of the column (`id`, `place.city`, `tags.element`); every primitive column has a member. */
export type ReadableMetrics = Readonly<Record<string, ColumnMetrics>>;

interface Column {
  readonly id: number;
  readonly name: string;
  readonly type: PrimitiveType;
}

/** Makes the metrics of a file readable by the columns of a schema: those it knows by their present name and type. */
export function metricsReader(schema: Schema): (file: DataFile) => ReadableMetrics {
  const columns: Column[] = [];
  for (const { field, path } of walkFields(schema.fields)) {
    if (isPrimitiveType(field.type)) columns.push({ id: field.id, name: path.join('.'), type: field.type });
  }
  columns.sort((left, right) => (left.name < right.name ? -1 : 1));
  return (file) => Object.fromEntries(columns.map((column) => [column.name, metricsOf(column, file)]));
}

function metricsOf(column: Column, file: DataFile): ColumnMetrics {
  const { id } = column;
  const columnSize = file.columnSizes?.get(id);
  const valueCount = file.valueCounts?.get(id);
  const nullValueCount = file.nullValueCounts?.get(id);
  const nanValueCount = file.nanValueCounts?.get(id);
  const lowerBound = boundOf(column, file, file.lowerBounds);
  const upperBound = boundOf(column, file, file.upperBounds);
  return {
    ...(columnSize !== undefined && { columnSize }),
    ...(valueCount !== undefined && { valueCount }),
    ...(nullValueCount !== undefined && { nullValueCount }),
    ...(nanValueCount !== undefined && { nanValueCount }),
    ...(lowerBound !== undefined && { lowerBound }),
    ...(upperBound !== undefined && { upperBound }),
  };
}

function boundOf(
  column: Column,
  file: DataFile,
  bounds: DataFile['lowerBounds'],
): PrimitiveValue | undefined {
  const bytes = bounds?.get(column.id);
  if (bytes === undefined || !hasSingleValues(column.type)) return undefined;
  try {
    return decodeSingleValue(column.type, bytes);
  } catch (cause) {
    throw new IcebergError(
      'INVALID_MANIFEST',
      `a bound of column ${column.name} of ${file.filePath} is no ${column.type}`,
      { cause, context: { file: file.filePath, column: column.name, type: column.type } },
    );
  }
}

/** Types of v3 whose bounds have a form of their own, or none. */
function hasSingleValues(type: PrimitiveType): boolean {
  return type !== 'unknown' && type !== 'variant' && !type.startsWith('geo');
}
