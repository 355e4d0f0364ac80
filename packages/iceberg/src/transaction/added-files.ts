import { IcebergError } from '../errors.ts';
import type { DataFile, FileContent } from '../manifest/data-file.ts';
import { checkAddedMembers, checkNameMembers } from './data-file-members.ts';

/**
 * `INVALID_ARGUMENT` unless these are descriptions of distinct new data files that a manifest can hold. Whether the
 * table has their specs is `checkSpecs`; whether partition values fit them is checked when the manifest is written.
 */
export function checkAddedFiles(files: readonly DataFile[]): void {
  checkFiles(files, (file) => {
    checkAddedMembers(file);
    const { content, filePath } = file;
    if (content !== 'data') {
      throw refuse(`${filePath}: this operation adds files of content data, not ${content}`, filePath);
    }
  });
}

/** `INVALID_ARGUMENT` unless these name distinct files of these contents. */
export function checkNamedFiles(files: readonly DataFile[], wanted: readonly FileContent[]): void {
  checkFiles(files, (file) => {
    checkNameMembers(file);
    const { content, filePath } = file;
    if (wanted.includes(content)) return;
    throw refuse(
      `${filePath} has content ${content}; what is removed here is ${wanted.join(' or ')}`,
      filePath,
    );
  });
}

function checkFiles(files: readonly DataFile[], check: (file: DataFile) => void): void {
  if (!Array.isArray(files)) throw refuse('an array of data files is needed');
  const paths = new Set<string>();
  for (const file of files as readonly DataFile[]) {
    if (typeof file !== 'object' || file === null) throw refuse(`${String(file)} describes no data file`);
    check(file);
    if (paths.has(file.filePath)) throw refuse(`${file.filePath} is given twice`, file.filePath);
    paths.add(file.filePath);
  }
}

/** `INVALID_ARGUMENT` when a file both goes and comes: a location names one file for ever. */
export function checkDisjoint(removed: readonly DataFile[], added: readonly DataFile[]): void {
  const paths = new Set(removed.map(({ filePath }) => filePath));
  const both = added.find(({ filePath }) => paths.has(filePath));
  if (both !== undefined) throw refuse(`${both.filePath} is both removed and added`, both.filePath);
}

/** Files by partition spec, newest spec first; each spec has manifests of its own. */
export function groupBySpec<T extends { readonly specId: number }>(
  files: readonly T[],
): readonly (readonly [specId: number, files: readonly T[]])[] {
  const groups = new Map<number, T[]>();
  for (const file of files) {
    const group = groups.get(file.specId);
    if (group === undefined) groups.set(file.specId, [file]);
    else group.push(file);
  }
  return [...groups].sort(([left], [right]) => right - left);
}

function refuse(message: string, filePath?: string): IcebergError {
  return new IcebergError('INVALID_ARGUMENT', message, { context: { filePath } });
}
