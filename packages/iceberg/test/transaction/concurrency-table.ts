import { columnChanges, rowOperations } from './concurrent-operations.ts';

/** ✓ committed, on top of what others did; ✗ `COMMIT_CONFLICT`, nothing happened; – `TABLE_NOT_FOUND`. */
export type CellOutcome = '✓' | '✗' | '–';

export interface Cell {
  readonly row: string;
  readonly column: string;
  readonly outcome: CellOutcome;
}

export const columns: readonly string[] = [...Object.keys(columnChanges), 'recreated'];
export const rows: readonly string[] = Object.keys(rowOperations);

/** One character for each column, in their order. */
const outcomes: Readonly<Record<string, string>> = {
  fastAppend: '✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓–',
  mergeAppend: '✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓–',
  'deleteDataFiles, files': '✓✓✓✗✓✗✓✗✓✓✓✓✓✓✓✓✓✓✓✓✓✓–',
  'deleteDataFiles, paths': '✓✓✓✗✓✗✓✗✓✓✓✓✓✓✓✓✓✓✓✓✓✓–',
  'deleteDataFiles, filter': '✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓–',
  'overwriteFiles, filter': '✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓–',
  'overwriteFiles, filter, no conflicting data': '✓✗✓✓✓✓✓✗✓✓✓✓✗✓✓✓✓✗✓✓✓✗–',
  'overwriteFiles, filter, no conflicting deletes': '✓✓✓✗✓✗✓✗✓✗✓✗✗✓✓✓✓✗✓✓✓✗–',
  'overwriteFiles, files': '✓✓✓✗✓✗✓✗✓✓✓✓✓✓✓✓✓✓✓✓✓✓–',
  'overwriteFiles, files, no conflicting data': '✗✗✓✗✓✗✗✗✓✓✓✓✗✓✓✓✓✗✓✓✗✗–',
  'overwriteFiles, files, no conflicting data of a': '✓✗✓✗✓✗✓✗✓✓✓✓✗✓✓✓✓✗✓✓✓✗–',
  'overwriteFiles, files, no conflicting deletes': '✓✓✓✗✓✗✓✗✓✗✓✗✗✓✓✓✓✗✓✓✓✗–',
  replacePartitions: '✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓–',
  'replacePartitions, both validations': '✓✗✓✗✓✗✓✗✓✗✓✗✗✓✓✓✓✗✓✓✓✗–',
  rewriteFiles: '✓✓✓✗✓✗✓✗✓✗✓✓✓✓✓✓✓✗✓✓✓✗–',
  'rewriteFiles, number of the commit': '✓✓✓✗✓✗✓✗✓✗✓✗✗✓✓✓✓✗✓✓✓✗–',
  rewriteManifests: '✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓–',
  updateSchema: '✓✓✓✓✓✓✓✓✓✓✓✓✓✓✗✓✓✓✓✓✓✓–',
  updatePartitionSpec: '✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✗✓✓✓✓✓✓–',
  replaceSortOrder: '✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓–',
  updateProperties: '✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓–',
  'createTag at main': '✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓–',
  rollbackToSnapshot: '✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✗✗–',
  'fastForward of main': '✗✗✗✗✗✗✗✗✗✗✗✗✗✗✓✓✓✓✓✓✗✗–',
  cherryPick: '✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓–',
  'rewriteFiles on a branch': '✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓–',
  'replaceBranch by main': '✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓–',
  removeRef: '✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓–',
  'setRefRetention of main': '✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓–',
  expireSnapshots: '✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓✓–',
};

export function cells(row: string): readonly Cell[] {
  const line = [...(outcomes[row] ?? '')] as CellOutcome[];
  if (line.length !== columns.length) throw new Error(`${row}: ${line.length} outcomes`);
  return columns.map((column, index) => ({ row, column, outcome: line[index]! }));
}

/** The table as the document has it. */
export function renderTable(): string {
  const line = (cellsOfLine: readonly string[]): string => `| ${cellsOfLine.join(' | ')} |`;
  return [
    line(['', ...columns]),
    line(['---', ...columns.map(() => ':-:')]),
    ...rows.map((row) => line([row, ...cells(row).map(({ outcome }) => outcome)])),
  ].join('\n');
}

/** What the columns stand for, as the document has it. */
export function renderColumns(): string {
  const titles = {
    ...Object.fromEntries(Object.entries(columnChanges).map(([key, { title }]) => [key, title])),
    recreated: 'the table dropped, and one of the same name made',
  };
  return Object.entries(titles)
    .map(([column, title]) => `| ${column} | ${title} |`)
    .join('\n');
}
