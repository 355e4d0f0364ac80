import { IcebergError } from '../errors.ts';
import type { Expression } from '../expression/expression.ts';
import { bindExpression } from '../expression/expression-binding.ts';
import type { BoundExpression, ColumnReference, PartitionReference } from '../expression/expression-bound.ts';
import { complementOf } from '../expression/expression-complement.ts';
import { projectToPartition } from '../expression/expression-projection.ts';
import { mayMatch, type ValueStats } from '../expression/expression-stats.ts';
import { dataFileStats, partitionStats } from '../expression/manifest-stats.ts';
import type { DataFile } from '../manifest/data-file.ts';
import type { PartitionSpec } from '../metadata/partition-spec.ts';
import type { Schema } from '../metadata/schema.ts';

/**
 * What metadata alone proves of a file's rows against a filter: `all` match, `none` matches, or `maybe-some`,
 * which only reading the file can tell. A file without rows is `none`.
 */
export type FileMatch = 'all' | 'maybe-some' | 'none';

/**
 * Makes the function that says of data files whether all, none or maybe some of their rows match a filter, from
 * partition values and column metrics; it reads nothing. `all` and `none` are promises, so a file that is `all`
 * can be deleted as a whole. Delete files that apply to the data file do not change the answer.
 *
 * Null and NaN as in SQL: a comparison with null keeps no row, so a file with (perhaps) a null is not `all` for
 * `lt`, `notEq` or `notIn`. A file without null counts is taken to hold nulls.
 *
 * @param specs every spec that files will come with, as `metadata.partitionSpecs`
 * @throws IcebergError `INVALID_ARGUMENT` when the filter does not fit the schema; the function itself, when a
 *   file's spec is not among `specs`
 */
export function createFileMatcher(
  filter: Expression,
  schema: Pick<Schema, 'fields'>,
  specs: readonly PartitionSpec[],
): (file: DataFile) => FileMatch {
  const wanted = bindExpression(schema, filter);
  const unwanted = complementOf(wanted);
  const bySpec = new Map<number, (file: DataFile) => FileMatch>();
  return (file) => {
    let match = bySpec.get(file.specId);
    if (!match) {
      match = matchOf(schema, specOf(file, specs), wanted, unwanted);
      bySpec.set(file.specId, match);
    }
    return match(file);
  };
}

/**
 * Whether all, none or maybe some rows of one data file match a filter; see {@link createFileMatcher}, which is
 * the cheaper form for many files.
 *
 * @throws IcebergError `INVALID_ARGUMENT` when the filter does not fit the schema, or the file is of another spec
 */
export function matchFile(
  filter: Expression,
  schema: Pick<Schema, 'fields'>,
  spec: PartitionSpec,
  file: DataFile,
): FileMatch {
  return createFileMatcher(filter, schema, [spec])(file);
}

function matchOf(
  schema: Pick<Schema, 'fields'>,
  spec: PartitionSpec,
  wanted: BoundExpression<ColumnReference>,
  unwanted: BoundExpression<ColumnReference>,
): (file: DataFile) => FileMatch {
  const mayHoldWanted = mayHold(schema, spec, wanted);
  const mayHoldUnwanted = mayHold(schema, spec, unwanted);
  return (file) => {
    const known: FileFacts = {
      columns: dataFileStats(file, spec),
      partition: partitionStats(file.partition),
    };
    if (!mayHoldWanted(known)) return 'none';
    return mayHoldUnwanted(known) ? 'maybe-some' : 'all';
  };
}

interface FileFacts {
  readonly columns: (column: ColumnReference) => ValueStats;
  readonly partition: (field: PartitionReference) => ValueStats;
}

/**
 * Whether a file may hold rows of the filter. Partition and metrics are asked about each predicate, not about the
 * whole filter one after the other: so they prove together what neither proves alone.
 */
function mayHold(
  schema: Pick<Schema, 'fields'>,
  spec: PartitionSpec,
  rows: BoundExpression<ColumnReference>,
): (file: FileFacts) => boolean {
  if (rows.type === 'and' || rows.type === 'or') {
    const tests = rows.operands.map((operand) => mayHold(schema, spec, operand));
    return rows.type === 'and'
      ? (file) => tests.every((test) => test(file))
      : (file) => tests.some((test) => test(file));
  }
  const projected = projectToPartition(schema, spec, rows);
  return (file) => mayMatch(projected, file.partition) && mayMatch(rows, file.columns);
}

function specOf(file: DataFile, specs: readonly PartitionSpec[]): PartitionSpec {
  const spec = specs.find(({ specId }) => specId === file.specId);
  if (spec) return spec;
  throw new IcebergError(
    'INVALID_ARGUMENT',
    `${file.filePath} is of partition spec ${file.specId}, which was not given`,
    {
      context: { file: file.filePath, specId: file.specId },
    },
  );
}
