import { IcebergError } from '../errors.ts';
import { currentSchema } from '../metadata/table-metadata.ts';
import type { OperationContext } from '../transaction/table-operation.ts';
import { ColumnNames, type ColumnPath, pathText } from './column-names.ts';

/** What others did to the table since the caller decided, as far as a change of its schema or layout depends on it. */
type States = Pick<OperationContext, 'start' | 'base'>;

/** `COMMIT_CONFLICT` if others changed the schema: what was decided on the old one may mean something else now. */
export function refuseConcurrentSchema({ start, base }: States, operation: string): void {
  refuseDifferent(operation, 'current schema', start.currentSchemaId, base.currentSchemaId);
  refuseDifferent(operation, 'last column id', start.lastColumnId, base.lastColumnId);
}

/** `COMMIT_CONFLICT` if others changed the default partition spec or made a partition field. */
export function refuseConcurrentSpec({ start, base }: States, operation: string): void {
  refuseDifferent(operation, 'default partition spec', start.defaultSpecId, base.defaultSpecId);
  refuseDifferent(operation, 'last partition id', start.lastPartitionId, base.lastPartitionId);
}

/** `COMMIT_CONFLICT` if others let a name mean another column, by renaming, dropping or adding some. */
export function refuseRenamedColumn(
  { start, base }: States,
  path: ColumnPath,
  operation: string,
  caseSensitive: boolean,
): void {
  if (start.currentSchemaId === base.currentSchemaId) return;
  const [before, now] = [start, base].map(
    (state) => new ColumnNames(currentSchema(state).fields, caseSensitive).find(path)?.field.id,
  );
  refuseDifferent(operation, `column "${pathText(path)}"`, before, now);
}

function refuseDifferent(
  operation: string,
  what: string,
  expected: number | undefined,
  found: number | undefined,
): void {
  if (expected === found) return;
  throw new IcebergError(
    'COMMIT_CONFLICT',
    `${operation}: the ${what} was changed by another commit (${expected ?? 'none'} before, ${found ?? 'none'} now): ` +
      'load the table and decide again',
    { context: { operation, what, expected, found } },
  );
}
